"""Jieba with the field's dictionary, without blank tokens (rasa issue 7910)."""

from __future__ import annotations

from typing import List

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.tokenizers.jieba_tokenizer import JiebaTokenizer
from rasa.nlu.tokenizers.tokenizer import Token
from rasa.shared.nlu.training_data.message import Message


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=True)
class DomainJiebaTokenizer(JiebaTokenizer):
    """Drops the blanks that Jieba keeps and that later featurizers would stumble over."""

    def tokenize(self, message: Message, attribute: str) -> List[Token]:
        """Return the tokens of ``attribute`` that are not blank."""
        return [token for token in super().tokenize(message, attribute) if token.text.strip()]

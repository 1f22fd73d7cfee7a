"""Normal text, by the one definition that the advisor server uses too."""

from __future__ import annotations

from typing import List

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from knowledge.normalise import normalise
from nlu.components.base import MessageComponent


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class TextNormaliser(MessageComponent):
    """Replaces the text of every message by its normal form."""

    def process(self, messages: List[Message]) -> List[Message]:
        """Normalise in place; a text that becomes empty is left as it was."""
        for message in messages:
            text = message.get(TEXT)
            if text:
                message.set(TEXT, normalise(text) or text)
        return messages

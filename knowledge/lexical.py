"""Lexical search: BM25 (Robertson and Zaragoza, 2009) over Jieba words and character bigrams."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Sequence
from pathlib import Path

import bm25s
import jieba
import numpy as np
from numpy.typing import NDArray

_DICTIONARY = Path(__file__).parent / "data" / "jieba" / "terms.txt"
_WORD = re.compile(r"[\u3400-\u9fffa-z0-9]+")


class LexicalIndex:
    """BM25 over a fixed list of normal texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Index ``texts``; row numbers are their positions."""
        self._bm25 = bm25s.BM25()
        self._bm25.index([list(_known_tokens(text)) for text in texts], show_progress=False)
        self._known: set[str] = set(self._bm25.vocab_dict)
        self._size = len(texts)

    def scores(self, text: str) -> NDArray[np.float32]:
        """Return the BM25 score of every indexed text, shape (n,); zeros where nothing is shared."""
        tokens = [token for token in _tokens(text) if token in self._known]
        if not tokens:
            return np.zeros(self._size, dtype=np.float32)
        return np.asarray(self._bm25.get_scores(tokens), dtype=np.float32)


def _tokens(text: str) -> tuple[str, ...]:
    words = [word for word in _tokenizer().lcut(text) if _WORD.fullmatch(word)]
    runs = _WORD.findall(text)
    bigrams = [run[i : i + 2] for run in runs for i in range(len(run) - 1)]
    # A two-character word is also a bigram; it counts once.
    return tuple([word for word in words if len(word) != 2] + bigrams)


_known_tokens = functools.lru_cache(maxsize=50_000)(_tokens)  # for the list's texts, which mostly stay


@functools.cache
def _tokenizer() -> jieba.Tokenizer:
    """Return the one tokenizer (its dictionary takes a second to load); it only reads."""
    jieba.setLogLevel(logging.WARNING)
    words = jieba.Tokenizer()
    words.initialize()
    for line in _DICTIONARY.read_text(encoding="utf-8").splitlines():
        words.add_word(line.strip())
    return words

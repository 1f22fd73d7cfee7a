"""Finds what spoils a data set: the same utterance twice, under two intents, or in training and evaluation.

Distances are cosines of the bundled encoder over normal text; e5's lie in a narrow band, so
paraphrases of one question reach 0.97 and only copies with a word changed lie above.
"""

from __future__ import annotations

import functools
from typing import Dict, Iterator, Sequence, Tuple

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from knowledge.e5_engine import E5Engine
from knowledge.normalise import MAX_QUERY, normalise
from nlu.encoder_folder import encoder_folder
from nlu.quality.sets import Row

NEAR = 0.985  # a near copy
SHORT = 4  # characters: greetings and single words cannot be told apart from a copy
_ROWS = 500  # compared at a time
_SHARED = 0.5


@functools.lru_cache(maxsize=None)
def normal(text: str) -> str:
    """Return normal ``text``; what is nothing but signs stays as it is."""
    return normalise(text) or text


def doubles(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each utterance that stands twice, in one intent or in two."""
    first: Dict[str, Row] = {}
    for row in rows:
        text = normal(row.text)
        before = first.setdefault(text, row)
        if before is not row:
            what = "again" if before.intent == row.intent else f"is {row.intent} here and {before.intent}"
            yield f"{row.where}: {row.text!r} {what} in {before.where}"


def contradictions(rows: Sequence[Row], near: float = NEAR) -> Iterator[str]:
    """Yield a line for each pair of near copies that have different intents."""
    for a, b, _ in _close(rows, rows, near):
        if a.where < b.where and a.intent != b.intent and normal(a.text) != normal(b.text):
            yield f"{b.where}: {b.text!r} is {b.intent}, but {a.text!r} ({a.where}) is {a.intent}"


def near_copies(learnt: Sequence[Row], asked: Sequence[Row], near: float = NEAR) -> Iterator[str]:
    """Yield a line for each evaluation row that was learnt from, or nearly."""
    texts = {normal(row.text): row for row in learnt}
    for row in asked:
        text = normal(row.text)
        if len(text) > SHORT and text in texts:
            yield f"{row.where}: {row.text!r} was learnt from: {texts[text].where}"
    for row, other, cosine in _close(asked, learnt, near):
        yield f"{row.where}: {row.text!r} is nearly {other.text!r} ({other.where}), cosine {cosine:.3f}"


def _close(some: Sequence[Row], others: Sequence[Row], near: float) -> Iterator[Tuple[Row, Row, float]]:
    """Yield the pairs of different texts whose cosine is at least ``near``, with it.

    Only pairs that share many characters are encoded: near copies do, and encoding all takes minutes.
    """
    a, b = ([row for row in rows if len(normal(row.text)) > SHORT] for rows in (some, others))
    pairs = [(i, j) for i, j in _sharing([normal(r.text) for r in a], [normal(r.text) for r in b]) if a[i] is not b[j]]
    texts = list(dict.fromkeys([normal(a[i].text) for i, _ in pairs] + [normal(b[j].text) for _, j in pairs]))
    vectors = dict(zip(texts, encode(texts), strict=True))
    for i, j in pairs:
        one, other = normal(a[i].text), normal(b[j].text)
        cosine = float(vectors[one] @ vectors[other])
        if one != other and cosine >= near:
            yield a[i], b[j], cosine


def _sharing(some: Sequence[str], others: Sequence[str]) -> Iterator[Tuple[int, int]]:
    """Yield the positions of pairs that share at least half of their characters and pairs of characters."""
    grams = CountVectorizer(analyzer="char", ngram_range=(1, 2), binary=True, lowercase=False)
    all_of = grams.fit_transform([*some, *others]).astype(np.float32)
    a, b = all_of[: len(some)], all_of[len(some) :]
    many_a, many_b = (np.asarray(each.sum(axis=1)).ravel() for each in (a, b))
    for start in range(0, len(some), _ROWS):
        shared = (a[start : start + _ROWS] @ b.T).tocoo()
        either = many_a[start + shared.row] + many_b[shared.col] - shared.data
        for at in np.flatnonzero(shared.data >= _SHARED * either):
            yield start + int(shared.row[at]), int(shared.col[at])


def encode(texts: Sequence[str]) -> np.ndarray:
    """Return the vectors of normal ``texts``, shape (n, 384), each of length 1."""
    return E5Engine(encoder_folder()).query([text[:MAX_QUERY] for text in texts])

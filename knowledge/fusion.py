"""The fusion of a candidate's features into the probability that its service is meant.

A logistic model. For the encoder that comes with the project its weights are in
data/fusion.json, fitted by ``advisor services fuse`` on the dev questions: the encoder and the
model of people's words have seen the list's own questions, and would be too sure of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.normalise import DATA

FEATURES = (
    "dense",
    "dense_mean",
    "dense_lead",
    "lexical",
    "lexical_mean",
    "lexical_lead",
    "name",
    "words",
    "words_lead",
)
FILE = DATA / "fusion.json"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fusion:
    """A fitted logistic model over FEATURES."""

    weights: tuple[float, ...]
    bias: float

    def __call__(self, features: Floats) -> Floats:
        """Return probabilities, shape (n,), for features of shape (n, len(FEATURES))."""
        logits = features @ np.asarray(self.weights) + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float64)

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Fusion:
        """Return the model whose weights, and bias last, are ``numbers``."""
        *weights, bias = numbers
        return cls(tuple(weights), bias)


def fitted(features: Floats, right: NDArray[np.bool_]) -> Fusion:
    """Return the model fitted on candidates of shape (n, len(FEATURES)) and whether each is meant, shape (n,)."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0, max_iter=2_000).fit(features, right)
    return Fusion(tuple(map(float, model.coef_[0])), float(model.intercept_[0]))


def fusion_for(encoder: str, file: Path = FILE) -> Fusion | None:
    """Return the model fitted for ``encoder``, or None where it was fitted for another."""
    data = json.loads(file.read_text(encoding="utf-8"))
    if data["encoder"] != encoder or tuple(data["weights"]) != FEATURES:
        return None
    return Fusion(tuple(data["weights"].values()), data["bias"])


def fusion_of_words(file: Path = FILE) -> tuple[float, ...]:
    """Return weights and bias for a search without an encoder: of what is not measured none counts."""
    data = json.loads(file.read_text(encoding="utf-8"))
    return (*(data["weights"].get(name, 0.0) for name in FEATURES), data["bias"])


def write_fusion(fusion: Fusion, encoder: str, file: Path = FILE) -> None:
    """Keep the model for ``encoder``."""
    weights = {name: round(weight, 4) for name, weight in zip(FEATURES, fusion.weights, strict=True)}
    data = {"encoder": encoder, "weights": weights, "bias": round(fusion.bias, 4)}
    file.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")

"""The gate finds the nearest examples without comparing all of them in full."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from nlu.components.gate import _Examples, _nearest


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_the_nearest_examples_are_found_as_by_comparing_all() -> None:
    rng = np.random.default_rng(1)
    spread = 1 / np.sqrt(np.arange(1, 385))  # an encoder's vectors differ most along a few directions
    groups = rng.normal(size=(300, 384)) * spread
    vectors = unit(groups[rng.integers(300, size=6_000)] + rng.normal(size=(6_000, 384)) * spread * 0.5)
    asked = unit(groups[rng.integers(300, size=200)] + rng.normal(size=(200, 384)) * spread * 0.5)
    examples = _Examples(vectors)
    found = np.array([_nearest(examples.similar(vector)[np.newaxis])[0] for vector in asked])
    exact = _nearest(asked @ vectors.T)
    assert np.mean(np.isclose(found, exact, atol=1e-5)) >= 0.95
    assert np.abs(found - exact).max() < 0.05


def test_few_examples_are_all_looked_at() -> None:
    vectors = unit(np.random.default_rng(2).normal(size=(5, 384)))
    assert len(_Examples(vectors).similar(vectors[0])) == 5

"""The passage index at three sizes."""

from __future__ import annotations

import numpy as np
import pytest

from bot.bench_search import measure, synthetic
from knowledge import vector_index


@pytest.mark.parametrize("kind", ["flat", "graph", "compressed"])
def test_each_kind_finds_nearly_what_the_exact_one_finds(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_index, "EXACT_UP_TO", 10**6 if kind == "flat" else 10)
    monkeypatch.setattr(vector_index, "GRAPH_UP_TO", 10**6 if kind == "graph" else 20)
    seen: list[int] = []
    figures = measure(8_000, lambda done, total: seen.append(done))
    assert figures["recall_at_10"] >= 0.95
    assert seen[-1] == 8_000


def test_synthetic_vectors_are_as_near_each_other_as_real_ones() -> None:
    passages, queries = synthetic(6_000)
    assert np.allclose(np.linalg.norm(passages, axis=1), 1.0, atol=1e-3)
    apart = passages[:1_000] @ passages[1_000:2_000].T
    assert apart.mean() == pytest.approx(0.18, abs=0.05)
    assert (queries[:200] @ passages.T).max(axis=1).mean() > 0.6

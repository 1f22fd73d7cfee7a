"""``advisor bench search``: the passage index at any size, on vectors clustered like real ones."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np

from knowledge.encoder import Vectors
from knowledge.vector_index import search_alone, vector_index

_WIDTH = 384
# As our own passages are (measured): cosine within a service, between any two, passages a service.
_WITHIN, _ACROSS, _EACH = 0.71, 0.18, 30
_SPECTRUM = 92  # directions that hold nine tenths of the variance
_QUERIES, _TOP, _THREADS = 1_000, 10, 8
_BATCH = 50_000


def synthetic(count: int, seed: int = 1) -> tuple[Vectors, Vectors]:
    """Return (passages, queries), shapes (count, 384) and (1000, 384), rows of length 1."""
    rng = np.random.default_rng(seed)
    scale = np.exp(-np.arange(_WIDTH) / _SPECTRUM * 1.15).astype(np.float32)  # 90 % in the first 92
    scale /= np.linalg.norm(scale)
    cone = rng.standard_normal(_WIDTH, dtype=np.float32)
    cone /= np.linalg.norm(cone)
    clusters = max(1, count // _EACH)
    centres = rng.standard_normal((clusters, _WIDTH), dtype=np.float32) * scale
    made = np.empty((count + _QUERIES, _WIDTH), dtype=np.float32)
    for start in range(0, len(made), _BATCH):
        rows = made[start : start + _BATCH]
        own = rng.standard_normal(rows.shape, dtype=np.float32) * scale
        of = rng.integers(0, clusters, len(rows))
        rows[:] = (
            cone * np.sqrt(_ACROSS)
            + _unit(centres[of]) * np.sqrt(_WITHIN - _ACROSS)
            + _unit(own) * np.sqrt(1.0 - _WITHIN)
        )
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return made[:count], made[count:]


def measure(count: int, progress: Callable[[int, int], None]) -> dict[str, float | int | str]:
    """Build an index of ``count`` synthetic passages and return the figures of section 10 of the design."""
    passages, queries = synthetic(count)
    began = time.perf_counter()
    index = vector_index(passages, progress)
    build_s = time.perf_counter() - began
    size_mib = _size_mib(index)
    exact = _exact(passages, queries)
    del passages
    search_alone()
    index.search(queries[:10], _TOP)
    alone = [_timed(index, query) for query in queries]
    with ThreadPoolExecutor(_THREADS) as pool:
        together = list(pool.map(lambda query: _timed(index, query), queries))
    found = [set(positions) for _, positions in alone]
    right = [len(each & set(true)) / _TOP for each, true in zip(found, exact, strict=True)]
    return {
        "passages": count,
        "index": type(index).__name__,
        "build_s": round(build_s, 1),
        "rss_mib": round(size_mib),
        "recall_at_10": round(float(np.mean(right)), 4),
        **_times("", [took for took, _ in alone]),
        **_times("_8_threads", [took for took, _ in together]),
    }


def table(figures: dict[str, float | int | str]) -> str:
    """Return the figures, a line each."""
    return "\n".join(f"{name:20} {value}" for name, value in figures.items())


def _timed(index: faiss.Index, query: Vectors) -> tuple[float, list[int]]:
    began = time.perf_counter()
    _, positions = index.search(query[np.newaxis], _TOP)
    return (time.perf_counter() - began) * 1000, list(map(int, positions[0]))


def _times(name: str, took: list[float]) -> dict[str, float]:
    return {
        f"p50_ms{name}": round(statistics.median(took), 2),
        f"p95_ms{name}": round(statistics.quantiles(took, n=20)[18], 2),
    }


def _exact(passages: Vectors, queries: Vectors) -> list[list[int]]:
    best = np.full((len(queries), _TOP), -np.inf, dtype=np.float32)
    where = np.zeros((len(queries), _TOP), dtype=np.int64)
    for start in range(0, len(passages), _BATCH):
        scores = np.hstack([best, queries @ passages[start : start + _BATCH].T])
        places = np.hstack(
            [
                where,
                np.broadcast_to(
                    np.arange(start, start + scores.shape[1] - _TOP), (len(queries), scores.shape[1] - _TOP)
                ),
            ]
        )
        order = np.argpartition(-scores, _TOP, axis=1)[:, :_TOP]
        best, where = np.take_along_axis(scores, order, 1), np.take_along_axis(places, order, 1)
    return [list(map(int, row)) for row in where]


def _unit(rows: Vectors) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _size_mib(index: faiss.Index) -> float:
    """Return the memory of the index: what it takes on disk, for all of it is held."""
    return float(len(faiss.serialize_index(index)) / 2**20)

"""Which FAISS index for how many vectors: exact, then a graph, then compressed lists.

Up to 20,000 vectors the exact search takes a millisecond. Up to 200,000 a graph (HNSW, Malkov
and Yashunin 2020) finds nearly the same in less. Beyond, memory decides: inverted lists of
4-bit product codes (IVF-PQ, Jégou et al. 2011; André et al. 2017), whose best few hundred are
measured anew with 8 bits a number.

FAISS's own threads are left to the building. A search is one query and is done in a
millisecond or so: with a thread each, several at once do not fight over the cores.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import faiss
import numpy as np

from knowledge.encoder import Vectors

EXACT_UP_TO = 20_000
GRAPH_UP_TO = 200_000
_NEIGHBOURS, _BREADTH_BUILT, _BREADTH_ASKED = 32, 120, 400
_CODES = 192  # of 4 bits, for a vector
_LOOKED_AT = 4  # one list in so many, for a query
_MEASURED_ANEW = 40  # for each wanted
_TRAINED_ON = 40  # vectors a list
_BATCH = 50_000


def vector_index(vectors: Vectors, progress: Callable[[int, int], None] = lambda done, total: None) -> faiss.Index:
    """Return an index of ``vectors``, shape (n, dimension), rows of length 1, for the inner product."""
    count, width = vectors.shape
    index: Any
    if count <= EXACT_UP_TO:
        index = faiss.IndexFlatIP(width)
    elif count <= GRAPH_UP_TO:
        index = faiss.IndexHNSWFlat(width, _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction, index.hnsw.efSearch = _BREADTH_BUILT, _BREADTH_ASKED
    else:
        index = _compressed(vectors)
    for start in range(0, count, _BATCH):
        index.add(vectors[start : start + _BATCH])
        progress(min(start + _BATCH, count), count)
    return cast(faiss.Index, index)


def _compressed(vectors: Vectors) -> faiss.Index:
    count, width = vectors.shape
    lists = 2 ** round(math.log2(math.sqrt(count) * 2))
    index: Any = faiss.index_factory(
        width, f"IVF{lists},PQ{min(_CODES, width // 2)}x4fsr,Refine(SQ8)", faiss.METRIC_INNER_PRODUCT
    )
    rng = np.random.default_rng(1)
    some = rng.choice(count, min(count, lists * _TRAINED_ON), replace=False)
    index.train(np.ascontiguousarray(vectors[np.sort(some)]))
    index.k_factor = _MEASURED_ANEW
    faiss.extract_index_ivf(index.base_index).nprobe = lists // _LOOKED_AT
    return cast(faiss.Index, index)


def search_alone() -> None:
    """Keep FAISS to one thread a search from now on; call it once where queries are answered."""
    faiss.omp_set_num_threads(1)

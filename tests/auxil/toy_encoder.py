"""An encoder for tests: character bigrams hashed into a few dimensions. Deterministic, no model."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from knowledge.encoder import Vectors


class ToyEncoder:
    name = "toy"
    dimension = 64

    def queries(self, texts: Sequence[str]) -> Vectors:
        vectors = np.full((len(texts), self.dimension), 0.01, dtype=np.float32)
        for row, text in enumerate(texts):
            for start in range(len(text) - 1):
                vectors[row, zlib.crc32(text[start : start + 2].encode()) % self.dimension] += 1.0
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    passages = queries

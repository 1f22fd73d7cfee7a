"""The passage index: unit vectors in FAISS, with what says which service each belongs to.

A saved index is one folder named by its fingerprint; ``CURRENT`` names the one in use and
is replaced in one step, so a reader sees the old index or the new one, never a mixture.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Vectors
from knowledge.errors import IndexUnusable
from knowledge.passages import Passage, PassageKind
from knowledge.vector_index import vector_index

FORMAT = 4
WORDS_ONLY = "words"  # stands for the encoder where there is none
_FILES = ("vectors.faiss", "rows.npy")


@dataclass(frozen=True)
class Fingerprint:
    """What an index was made for. All must agree, or it is not used."""

    encoder: str
    passages: str  # a digest of the passages, in order
    format: int = FORMAT

    @classmethod
    def of(cls, encoder: str, passages: Sequence[Passage]) -> Fingerprint:
        """Return the fingerprint of ``passages`` encoded by ``encoder``."""
        text = json.dumps(_rows(passages), ensure_ascii=False)
        return cls(encoder, hashlib.sha256(text.encode()).hexdigest()[:16])

    def __str__(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


class PassageIndex:
    """Passages and their vectors; immutable once made.

    ``calibration`` is what the search fitted on this index (see knowledge/search.py).
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        vectors: faiss.Index,
        rows: NDArray[np.float16],
        fingerprint: Fingerprint,
        calibration: tuple[float, ...] = (),
    ) -> None:
        self.passages = tuple(passages)
        self.fingerprint = fingerprint
        self.calibration = calibration
        self._vectors = vectors
        self._rows = rows  # the index itself may keep them compressed only

    @classmethod
    def build(
        cls, passages: Sequence[Passage], vectors: Vectors, encoder: str, calibration: tuple[float, ...] = ()
    ) -> PassageIndex:
        """Index ``vectors`` of shape (len(passages), dimension), rows of length 1."""
        index = vector_index(vectors)
        rows = vectors.astype(np.float16)
        return cls(passages, index, rows, Fingerprint.of(encoder, passages), calibration)

    @classmethod
    def of_words(cls, passages: Sequence[Passage], calibration: tuple[float, ...]) -> PassageIndex:
        """Return an index without vectors: what is found in it is found by words alone."""
        none = np.zeros((len(passages), 1), dtype=np.float16)
        return cls(passages, faiss.IndexFlatIP(1), none, Fingerprint.of(WORDS_ONLY, passages), calibration)

    def is_of(self, passages: Sequence[Passage]) -> bool:
        """Return whether every row is that of ``passages``."""
        return self.passages == tuple(passages)

    def vectors(self) -> dict[str, Vectors]:
        """Return the vector of each indexed text, of shape (dimension,)."""
        rows = self._rows.astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return {passage.text: row for passage, row in zip(self.passages, rows, strict=True)}

    def nearest(self, vector: Vectors, top: int) -> tuple[Vectors, NDArray[np.int64]]:
        """Return (cosines, positions) of the ``top`` nearest passages, best first.

        ``vector`` has shape (dimension,). Raises ValueError for another dimension.
        """
        if vector.shape != (self._vectors.d,):
            raise ValueError(f"a vector of shape {vector.shape} for an index of dimension {self._vectors.d}")
        query = np.ascontiguousarray(vector[np.newaxis], dtype=np.float32)
        scores, positions = self._vectors.search(query, min(top, len(self.passages)))
        return scores[0], positions[0]

    def save(self, folder: Path, calibration: tuple[float, ...]) -> None:
        """Write the index and its calibration under ``folder`` and make it the current one."""
        folder.mkdir(parents=True, exist_ok=True)
        name = str(self.fingerprint)
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        try:
            faiss.write_index(self._vectors, str(draft / "vectors.faiss"))
            np.save(draft / "rows.npy", self._rows)
            manifest = {
                "fingerprint": asdict(self.fingerprint),
                "sha256": {name: _sha256(draft / name) for name in _FILES},
                "calibration": calibration,
                "passages": _rows(self.passages),
            }
            told = {**manifest, "check": _check(manifest)}
            (draft / "manifest.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
            shutil.rmtree(folder / name, ignore_errors=True)
            os.replace(draft, folder / name)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        pointer = folder / ".CURRENT.new"
        pointer.write_text(name, encoding="utf-8")
        os.replace(pointer, folder / "CURRENT")
        for old in folder.iterdir():
            if old.is_dir() and old.name != name and not old.name.startswith(".new-"):
                shutil.rmtree(old, ignore_errors=True)

    @classmethod
    def load(cls, folder: Path, encoder: str) -> PassageIndex:
        """Return the saved index.

        Raises IndexUnusable unless it is whole, was made by ``encoder`` and its rows are
        those it was made for: a row of another service would give a true-looking wrong answer.
        """
        try:
            home = folder / (folder / "CURRENT").read_text(encoding="utf-8").strip()
            manifest = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
            whole = manifest.pop("check") == _check(manifest)
            if not whole or any(_sha256(home / name) != manifest["sha256"][name] for name in _FILES):
                raise IndexUnusable("the saved files are damaged")
            vectors = faiss.read_index(str(home / "vectors.faiss"))
            rows = np.load(home / "rows.npy", mmap_mode="r", allow_pickle=False)
            found = [Passage(row[0], PassageKind(row[1]), row[2]) for row in manifest["passages"]]
            fingerprint = Fingerprint(**manifest["fingerprint"])
            calibration = tuple(map(float, manifest["calibration"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError) as error:
            raise IndexUnusable(f"no usable index in {folder}: {error}") from error
        if fingerprint != Fingerprint.of(encoder, found) or not len(found) == vectors.ntotal == len(rows):
            raise IndexUnusable(f"the saved index was made for {fingerprint}, not by {encoder} for its own passages")
        return cls(found, vectors, rows, fingerprint, calibration)


def _rows(passages: Sequence[Passage]) -> list[list[str]]:
    return [[passage.service_id, passage.kind.value, passage.text] for passage in passages]


def _check(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()

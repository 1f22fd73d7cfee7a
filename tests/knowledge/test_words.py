"""The model of people's words is fitted once and kept; a kept one says just the same, or is not used."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from knowledge.words import ServiceWords, made_from

TEXTS = ["没人烧饭", "没人做饭", "饭做不动", "送饭上门", "去世了怎么办", "人走了办啥手续", "火化", "骨灰"] * 3
OWNERS = [0, 0, 0, 0, 1, 1, 1, 1] * 3
SAID = ["没人烧饭", "人走了", "", "长护险", "🙂"]


@pytest.fixture(scope="module")
def fitted() -> ServiceWords:
    return ServiceWords(TEXTS, OWNERS, 3)


def test_a_kept_model_says_the_same(fitted: ServiceWords, tmp_path: Path) -> None:
    fitted.save(tmp_path / "w.npz", "a")
    kept = ServiceWords.load(tmp_path / "w.npz", "a")
    assert kept
    for text in SAID:
        assert np.allclose(kept.odds(text), fitted.odds(text))


def test_one_made_from_something_else_or_missing_is_not_used(fitted: ServiceWords, tmp_path: Path) -> None:
    assert ServiceWords.load(tmp_path / "w.npz", "a") is None
    fitted.save(tmp_path / "w.npz", "a")
    assert ServiceWords.load(tmp_path / "w.npz", "b") is None
    assert made_from("one list") != made_from("another")


def test_a_damaged_one_is_not_used_or_says_the_same(fitted: ServiceWords, tmp_path: Path) -> None:
    file, rng = tmp_path / "w.npz", random.Random(1)
    fitted.save(file, "a")
    whole = file.read_bytes()
    refused = 0
    for _ in range(200):
        at = rng.randrange(len(whole))
        damaged = rng.choice(
            [whole[:at], whole[:at] + bytes([whole[at] ^ rng.randint(1, 255)]) + whole[at + 1 :], whole[at:]]
        )
        file.write_bytes(damaged)
        kept = ServiceWords.load(file, "a")
        refused += kept is None
        for text in SAID if kept else ():
            assert np.allclose(kept.odds(text), fitted.odds(text))  # type: ignore[union-attr]
    assert refused > 150

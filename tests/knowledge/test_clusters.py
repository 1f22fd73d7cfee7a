"""Questions that mean the same are found together."""

from __future__ import annotations

import time

import numpy as np
import pytest

from knowledge.clusters import clusters
from knowledge.encoder import SentenceEncoder, Vectors
from knowledge.normalise import normalise
from knowledge.settings import KnowledgeSettings
from knowledge.store import load

LIFT = ["我家老公房想装电梯，能补贴多少钱", "加装电梯政府补几钿", "六楼没电梯，装一部政府出多少钱"]
BATH = ["老人洗澡洗不动，有人上门帮忙洗吗", "有没有人到家里来给瘫痪的老人洗澡"]
ALONE = ["附近哪里好剃头"]

DIMENSION = 384


def rows(count: int, near: dict[int, int] | None = None) -> Vectors:
    """Return unit vectors that have nothing in common, but that some are copies of others."""
    drawn = np.random.default_rng(7).normal(size=(count, DIMENSION))
    for copy, original in (near or {}).items():
        drawn[copy] = drawn[original] + 0.3 * drawn[copy]
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)


CROWD = np.random.default_rng(1).normal(size=(300, DIMENSION)).astype(np.float32)
CROWD /= np.linalg.norm(CROWD, axis=1, keepdims=True)


def test_what_is_near_is_together_and_the_biggest_group_comes_first() -> None:
    found = clusters([f"{n}" for n in range(6)], rows(6, {4: 3, 5: 3}), CROWD)
    assert [sorted(each.members) for each in found] == [[3, 4, 5], [0], [1], [2]]


def test_the_same_text_counts_each_time_it_is_asked() -> None:
    vectors = rows(4)
    vectors[3] = vectors[2]
    found = clusters(["a", "b", "c", "c"], vectors, CROWD)
    assert [each.members for each in found] == [(2, 3), (0,), (1,)]


def test_the_medoid_is_the_one_that_all_others_are_near_to() -> None:
    middle = rows(1)[0]
    off = [middle + 0.03 * each for each in np.random.default_rng(3).normal(size=(4, DIMENSION))]
    vectors = np.asarray([off[0], off[1], middle, off[2], off[3]], dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    (found,) = clusters(list("abcde"), vectors, CROWD)
    assert found.medoid == found.members[0] == 2


def test_without_a_meaning_only_the_same_text_is_the_same() -> None:
    found = clusters(["a", "b", "a"], np.zeros((3, DIMENSION), dtype=np.float32), CROWD)
    assert [each.members for each in found] == [(0, 2), (1,)]
    assert clusters([], np.zeros((0, DIMENSION), dtype=np.float32), CROWD) == []


def test_two_thousand_questions_take_seconds() -> None:
    began = time.monotonic()
    near = {n: n // 7 * 7 for n in range(2000) if n % 7}
    found = clusters([str(n) for n in range(2000)], rows(2000, near), CROWD, above=6)
    assert time.monotonic() - began < 5
    assert [len(each.members) for each in found] == [7] * 285 + [5]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(KnowledgeSettings().encoder)


def test_with_the_real_encoder_other_words_for_the_same_are_together(encoder: SentenceEncoder) -> None:
    texts = [normalise(each) for each in (*ALONE, *BATH, *LIFT)]
    crowd = encoder.passages([service.name for service in load()])
    found = clusters(texts, encoder.queries(texts), crowd)
    assert [sorted(each.members) for each in found] == [[3, 4, 5], [1, 2], [0]]

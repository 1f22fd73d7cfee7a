from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from knowledge.errors import IndexUnusable
from knowledge.index import PassageIndex
from knowledge.passages import Passage, passages
from knowledge.search import ServiceSearch
from knowledge.store import load
from tests.auxil.toy_encoder import ToyEncoder

ENCODER = ToyEncoder()
SERVICES = load()
LISTED = list(passages(SERVICES))
VECTORS = ENCODER.passages([passage.text for passage in LISTED])


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    PassageIndex.build(LISTED, VECTORS, ENCODER.name).save(tmp_path, (0.0,) * 8)
    return tmp_path


def test_a_saved_index_answers_as_before(saved: Path) -> None:
    before = PassageIndex.build(LISTED, VECTORS, ENCODER.name).nearest(VECTORS[7], 5)
    after = PassageIndex.load(saved, ENCODER.name).nearest(VECTORS[7], 5)
    assert (before[1] == after[1]).all()
    assert after[1][0] == 7 or np.isclose(after[0][0], 1.0)


def test_an_index_of_another_encoder_is_not_used(saved: Path) -> None:
    with pytest.raises(IndexUnusable):
        PassageIndex.load(saved, "another")


def test_a_row_of_another_service_is_noticed(saved: Path) -> None:
    swapped = [Passage(LISTED[-1].service_id, LISTED[0].kind, LISTED[0].text), *LISTED[1:]]
    assert not PassageIndex.load(saved, ENCODER.name).is_of(swapped)
    manifest = next(saved.glob("*/manifest.json"))
    told = json.loads(manifest.read_text())
    told["passages"][0][0] = told["passages"][-1][0]
    manifest.write_text(json.dumps(told))
    with pytest.raises(IndexUnusable):
        PassageIndex.load(saved, ENCODER.name)


@pytest.mark.parametrize("name", ["vectors.faiss", "manifest.json"])
@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data[:-9] + b"\x00" * 9]
)
def test_a_damaged_file_is_noticed(saved: Path, name: str, damage) -> None:  # type: ignore[no-untyped-def]
    file = next(saved.glob(f"*/{name}"))
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(IndexUnusable):
        PassageIndex.load(saved, ENCODER.name)


def test_no_index_at_all_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(IndexUnusable):
        PassageIndex.load(tmp_path, ENCODER.name)


def test_a_new_index_replaces_the_old_one_in_one_step(saved: Path) -> None:
    PassageIndex.build(LISTED[:-1], VECTORS[:-1], ENCODER.name).save(saved, (0.0,) * 8)
    assert PassageIndex.load(saved, ENCODER.name).is_of(LISTED[:-1])
    assert len([each for each in saved.iterdir() if each.is_dir()]) == 1


def test_a_vector_of_another_size_is_refused(saved: Path) -> None:
    with pytest.raises(ValueError, match="dimension"):
        PassageIndex.load(saved, ENCODER.name).nearest(np.ones(3, dtype=np.float32), 1)


@pytest.fixture(scope="module")
def search() -> ServiceSearch:
    index = PassageIndex.build(LISTED, VECTORS, ENCODER.name)
    return ServiceSearch(index, ENCODER.queries([passage.text for passage in LISTED]))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_a_service_is_found_by_its_own_name(search: ServiceSearch, service) -> None:  # type: ignore[no-untyped-def]
    from knowledge.normalise import normalise

    text = normalise(service.name)
    assert search.search(text, ENCODER.queries([text])[0])[0].service_id == service.id


def test_scores_are_probabilities_in_falling_order(search: ServiceSearch) -> None:
    scores = [match.score for match in search.search("没人烧饭", ENCODER.queries(["没人烧饭"])[0])]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= score <= 1.0 for score in scores)


def test_without_a_vector_words_alone_still_find(search: ServiceSearch) -> None:
    assert search.search("老年综合津贴", None)[0].service_id == "sh_comprehensive_allowance"


def test_only_the_services_named_are_searched(search: ServiceSearch) -> None:
    found = search.search("长护险", None, only=("respite", "meal_service"))
    assert {match.service_id for match in found} == {"respite", "meal_service"}


@pytest.mark.parametrize("text", ["", "。。。", "zzzz", "🙂" * 50, "养老院" * 70])
def test_odd_texts_break_nothing(search: ServiceSearch, text: str) -> None:
    search.search(text, None)


def test_the_only_service_named_is_found_first_however_long_the_text(search: ServiceSearch) -> None:
    text = "我想问问那个长护险我老太婆中风了两年了一只手不能动上厕所要人扶走路也走不稳晚上还要起来三趟"
    best = search.search(text, ENCODER.queries([text])[0])[0]
    assert best.service_id == "ltci_apply"
    assert best.score >= 0.7


def test_where_two_are_named_neither_wins_by_its_name(search: ServiceSearch) -> None:
    from knowledge.search import NAMED_SCORE

    unnamed = search.search("敬老卡和喘息服务", None)
    assert [match.score for match in unnamed if match.score == NAMED_SCORE] == []

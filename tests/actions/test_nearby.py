from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from actions.answers import Answerer
from actions.nearby import places_near
from actions.understood import Context, UnderstoodAct, context_of, slots_after
from knowledge.places import KIND_SERVICES, PlaceBook, PlaceKind
from knowledge.places_store import import_places
from knowledge.plain_text import plain_text
from knowledge.reply import Outcome, PlacesBlock, Reply
from knowledge.store import SERVICES_FOLDER, load
from storage.clock import SHANGHAI
from tests.auxil.toy_library import toy_library

NOW = datetime(2026, 11, 25, 11, 0, tzinfo=SHANGHAI)


@pytest.fixture
def book(tmp_path: Path) -> PlaceBook:
    return import_places(SERVICES_FOLDER.parent / "places" / "sample.csv", tmp_path / "places.json")


def places(reply: Reply | None) -> PlacesBlock:
    assert reply
    (block,) = reply.blocks
    assert isinstance(block, PlacesBlock)
    return block


def test_by_district_with_today_s_hours_and_the_word_sample(book: PlaceBook) -> None:
    reply = places_near("徐汇区哪里有老年食堂", book, NOW)
    block = places(reply)
    assert [place.name for place in block.places] == ["示例徐家汇长者食堂", "示例田林长者食堂"]
    assert all("现在开着" in (place.hours or "") for place in block.places)
    assert any("示例" in note for note in block.notes)
    assert block.contact


def test_by_road_with_the_distance_and_how_it_is_reckoned(book: PlaceBook) -> None:
    block = places(places_near("离田林路近的顾问点", book, NOW))
    assert block.places[0].name == "示例田林养老顾问点"
    assert "米" in (block.places[0].distance or "")
    assert any("直线" in note and "15分钟" in note for note in block.notes)


def test_without_data_nothing_is_made_up() -> None:
    reply = places_near("徐汇区哪里有老年食堂", PlaceBook(), NOW)
    block = places(reply)
    assert block.places == []
    assert reply
    assert "12345" in plain_text(reply)
    assert reply.outcome is Outcome.UNANSWERED_FIELD


@pytest.mark.parametrize("text", ["长护险去哪里办", "养老院怎么申请", "我住在田林", "附近的医院"])
def test_other_questions_are_left_to_the_list(book: PlaceBook, text: str) -> None:
    assert places_near(text, book, NOW) is None


def test_where_is_asked_and_the_next_message_tells(book: PlaceBook) -> None:
    answerer = Answerer(toy_library(), NOW, book)
    context = Context()
    first = answerer.reply([UnderstoodAct("ask_where", "附近有没有老年食堂", 0.9)], context)
    assert first.outcome is Outcome.ASKED_SLOT
    after = context_of(slots_after(first, context, NOW), NOW)
    second = answerer.reply([UnderstoodAct("inform", "我住在田林", 0.9)], after)
    assert places(second).places[0].name == "示例田林长者食堂"


@pytest.mark.parametrize("filled", [True, False])
def test_a_place_asked_for_is_what_the_next_question_is_about(book: PlaceBook, filled: bool) -> None:
    reply = places_near("徐汇区哪里有老年食堂", book if filled else PlaceBook(), NOW)
    assert reply
    assert slots_after(reply, Context(), NOW)["last_service"] == "meal_service"


def test_every_kind_of_place_is_of_a_service_in_the_list() -> None:
    services = load()
    assert set(KIND_SERVICES) == set(PlaceKind)
    assert all(service_id in {each.id for each in services} for service_id in KIND_SERVICES.values())

"""Booking for a caller: the same rules, the same seats, and the caller's words kept with it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from actions.booking.bookings import Bookings
from actions.booking.calls import Calls
from actions.booking.model import Applicant, NoticeKind, State
from bot.desk.appointments import REASONS, STATES
from storage.audit import Audit
from storage.database import Database
from storage.notes import CallNotes
from tests.auxil.booking import Clock
from tests.bot.test_path import database, library  # noqa: F401
from tests.desk.conftest import DeskTab

PHONE = "13800138000"


@pytest.fixture
def event(an_event: Callable[..., str], database: Database) -> str:
    made = an_event(seats=1)
    return made


def booked(page: str) -> str:
    found = re.search(r"/desk/bookings/([0-9a-f]{32})", page)
    assert found
    return found[1]


def test_a_clerk_books_and_reads_the_code_out(
    login: Callable[..., DeskTab], event: str, database: Database, clock: Clock
) -> None:
    clerk = login()
    assert f"event={event}" in clerk.get("/desk/bookings").text
    page = clerk.act(
        "/desk/bookings/new", event=event, phone="138 0013 8000", for_whom="母亲", agreed="1", words="要教翻身", key="k"
    )
    assert "办好了" in page.text
    (booking,) = Bookings(database, clock).mine(conversation_of(database, page.url.path))
    assert (booking.state, booking.for_whom, booking.phone) == (State.BOOKED, "母亲", PHONE)
    assert f"{booking.code[:3]} {booking.code[3:]}" in page.text
    (note,) = CallNotes(database, clock).latest(1)
    assert (note.disposition, note.text) == ("booked", "要教翻身")


def conversation_of(database: Database, path: str) -> str:
    booking = Bookings(database, Clock()).by_id(path.rsplit("/", 1)[1])
    assert booking
    return booking.conversation


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(login: Callable[..., DeskTab], event: str) -> None:
    clerk = login()
    wrong = clerk.act("/desk/bookings/new", event=event, phone="123", words="很急", key="k")
    assert wrong.status_code == 409
    assert "电话号码不对" in wrong.text
    assert "很急" in wrong.text
    unasked = clerk.act("/desk/bookings/new", event=event, phone=PHONE, for_whom="母亲", key="k")
    assert "先问过本人" in unasked.text


def test_the_last_seat_is_sold_once_and_the_next_caller_may_wait(login: Callable[..., DeskTab], event: str) -> None:
    clerk = login()
    clerk.act("/desk/bookings/new", event=event, phone=PHONE, key="a")
    again = clerk.act("/desk/bookings/new", event=event, phone=PHONE, key="a")  # pressed twice
    assert "办好了" in again.text
    full = clerk.act("/desk/bookings/new", event=event, phone="13900139000", key="b")
    assert "刚刚满了" in full.text
    waits = clerk.act("/desk/bookings/new", event=event, phone="13900139000", wait="1", key="b")
    assert "在候补" in waits.text


def test_a_booking_is_found_by_code_or_phone_moved_and_cancelled(
    login: Callable[..., DeskTab], event: str, an_event: Callable[..., str], database: Database, clock: Clock
) -> None:
    clerk = login()
    other = an_event(hours=72)
    made = Bookings(database, clock).book(event, Applicant("web:a", PHONE), "x")
    for query in ({"code": made.code}, {"phone": PHONE}):
        assert booked(clerk.act("/desk/bookings", **query).text) == made.id
    assert "没有找到" in clerk.act("/desk/bookings", phone="13900139000").text
    clerk.act(f"/desk/bookings/{made.id}", act="move", event=other)
    moved = Bookings(database, clock).by_id(made.id)
    assert moved is not None
    assert moved.event.id == other
    assert "取消了" in clerk.act(f"/desk/bookings/{made.id}", act="cancel").text
    acts = {line.act for line in Audit(database, clock).latest(20)}
    assert {"move", "cancel", "look_phone", "look_booking"} <= acts


def test_who_came_is_noted_once_it_has_begun(
    login: Callable[..., DeskTab], event: str, database: Database, clock: Clock
) -> None:
    clerk = login()
    made = Bookings(database, clock).book(event, Applicant("web:a", PHONE), "x")
    assert "没有找到" in clerk.act(f"/desk/bookings/{made.id}", act="came").text
    clock.forward(hours=49)
    late = login("li")
    late.act(f"/desk/bookings/{made.id}", act="missed")
    after = Bookings(database, clock).by_id(made.id)
    assert after is not None
    assert after.state is State.MISSED


def test_a_call_is_taken_off_the_list_once(login: Callable[..., DeskTab], database: Database, clock: Clock) -> None:
    clerk = login()
    calls = Calls(database, clock)
    calls.ask("web:a", PHONE, "training", "想学翻身", "key")
    assert PHONE in clerk.get("/desk/calls").text
    (call,) = calls.waiting("staff:test")
    for _ in range(2):
        clerk.act("/desk/calls", call=call.id)
    assert "没有要回的电话" in clerk.get("/desk/calls").text


def test_every_state_and_reason_has_words() -> None:
    assert set(STATES) == set(State)
    assert {kind.value for kind in NoticeKind} - {"rating"} <= set(REASONS)

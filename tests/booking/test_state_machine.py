"""Any sequence of book, wait, move, cancel, accept, expire and capacity changes keeps the invariants."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from actions.booking.bookings import Bookings
from actions.booking.errors import BookingError
from actions.booking.model import ACTIVE, HOLDS_A_SEAT, Booking
from actions.booking.staff import Staff
from storage.booking_tables import BookingRow, CourseRow, EventRow, OutboxRow
from storage.crypto import Cipher, read_or_make_key
from storage.database import Database
from tests.auxil.booking import Clock, who
from tests.auxil.databases import emptied

EVENTS = ("e0", "e1", "e2")
KEY = Cipher(read_or_make_key(Path(tempfile.mkdtemp()) / "key"))


class Rules(RuleBasedStateMachine):
    """Few people and few seats, so that everything collides."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.database = fresh(self.url)
        self.clock = Clock()
        self.bookings = Bookings(self.database, self.clock)
        self.staff = Staff(self.database, self.clock, "staff:a")
        self.made: list[Booking] = []
        self.requests = 0
        with self.database.write() as session:
            session.add(CourseRow(id="c", title="课", about="-", sample=True))
            session.flush()
            for number, event in enumerate(EVENTS):
                starts = self.clock.at + timedelta(days=3 + number // 2)  # two at one time
                session.add(
                    EventRow(
                        id=event,
                        kind="training",
                        course_id="c",
                        title="课",
                        district="徐汇区",
                        place="路1号",
                        starts_at=starts,
                        ends_at=starts + timedelta(hours=1),
                        seats=1 + number,
                        taken=0,
                        state="open",
                        sample=True,
                    )
                )

    @rule(event=st.sampled_from(EVENTS), person=st.integers(1, 4), wait=st.booleans())
    def book(self, event: str, person: int, wait: bool) -> None:
        self.requests += 1
        try:
            self.made.append(self.bookings.book(event, who(person), f"r{self.requests}", wait))
        except BookingError:
            return

    @precondition(lambda self: self.made)
    @rule(which=st.integers(0, 50))
    def cancel(self, which: int) -> None:
        self.bookings.cancel(self.made[which % len(self.made)], "-")

    @precondition(lambda self: self.made)
    @rule(which=st.integers(0, 50), event=st.sampled_from(EVENTS))
    def move(self, which: int, event: str) -> None:
        number = which % len(self.made)
        try:
            self.made[number] = self.bookings.move(self.made[number], event, "-")
        except BookingError:
            return

    @precondition(lambda self: self.made)
    @rule(which=st.integers(0, 50))
    def accept(self, which: int) -> None:
        try:
            self.bookings.accept(self.made[which % len(self.made)], "-")
        except BookingError:
            return

    @rule(hours=st.sampled_from([1, 13, 30]))
    def time_passes(self, hours: int) -> None:
        self.clock.forward(hours=hours)
        self.bookings.expire_offers()

    @rule(event=st.sampled_from(EVENTS), seats=st.integers(0, 4))
    def change_seats(self, event: str, seats: int) -> None:
        try:
            self.staff.set_seats(event, seats)
        except BookingError:
            return

    @rule(event=st.sampled_from(EVENTS))
    def cancel_event(self, event: str) -> None:
        if self.requests > 12:  # not too early: nothing can be booked there any more
            self.staff.cancel_event(event)

    @invariant()
    def holds(self) -> None:
        with self.database.transaction() as session:
            rows = list(session.scalars(select(BookingRow)))
            events = {event.id: event for event in session.scalars(select(EventRow))}
            pending = list(session.scalars(select(OutboxRow).where(OutboxRow.state == "pending")))
        seated = Counter(row.event_id for row in rows if row.state in HOLDS_A_SEAT)
        for event in events.values():
            assert event.taken == seated[event.id]
            assert 0 <= event.taken <= event.seats
        active = [row for row in rows if row.state in ACTIVE]
        assert len({(row.person, row.starts_at) for row in active}) == len(active)
        assert len({row.code for row in active}) == len(active)
        assert all(row.starts_at == events[row.event_id].starts_at for row in rows if row.state in ACTIVE)
        for event in events.values():  # nobody waits while a seat is free
            waits = any(row.state == "waiting" and row.event_id == event.id for row in rows)
            ahead = event.state == "open" and event.starts_at > self.clock.at
            assert not (waits and ahead and event.taken < event.seats)
        states = {row.id: row.state for row in rows}
        told = {"offer_lapsed", "event_cancelled"}
        assert all(states[each.booking_id] in HOLDS_A_SEAT for each in pending if each.kind not in told)

    def teardown(self) -> None:
        self.database.engine.dispose()


def fresh(url: str) -> Database:
    return emptied(Database(f"sqlite:///{Path(tempfile.mkdtemp()) / 'a.db'}" if url == "sqlite" else url, KEY))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_sequence_breaks_the_rules(kind: str, request: pytest.FixtureRequest) -> None:
    class OfKind(Rules):
        url = "sqlite" if kind == "sqlite" else request.getfixturevalue("server")

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        OfKind,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )

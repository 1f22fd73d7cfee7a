"""Promise 1: the last seat is sold once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from actions.booking.bookings import Bookings
from actions.booking.errors import Full
from actions.booking.model import Booking
from storage.booking_tables import EventRow
from storage.database import Database
from tests.auxil.booking import who

Make = Callable[..., str]
THREADS = 50
ROUNDS = 200 if os.environ.get("ADVISOR_SOAK") else 8


def seats(database: Database, event: str) -> tuple[int, Counter[str]]:
    with database.engine.connect() as connection:
        taken = connection.execute(text("SELECT taken FROM events WHERE id = :id"), {"id": event}).scalar_one()
        states = connection.execute(text("SELECT state FROM bookings WHERE event_id = :id"), {"id": event}).scalars()
        return taken, Counter(states)


def test_fifty_at_once_on_one_seat(bookings: Bookings, an_event: Make, database: Database) -> None:
    for turn in range(ROUNDS):
        event, start = an_event(seats=1, hours=48 + turn), Barrier(THREADS)

        def attempt(number: int, event: str = event, turn: int = turn, start: Barrier = start) -> str:
            start.wait()
            try:
                return bookings.book(event, who(number), f"{turn}-{number}").state
            except Full:  # 已满: asked, and waits
                return bookings.book(event, who(number), f"{turn}-{number}-w", wait=True).state

        with ThreadPoolExecutor(THREADS) as pool:
            got = Counter(pool.map(attempt, range(THREADS)))
        assert got == {"booked": 1, "waiting": THREADS - 1}
        assert seats(database, event) == (1, Counter(booked=1, waiting=THREADS - 1))


def test_cancelling_and_booking_interleaved(bookings: Bookings, an_event: Make, database: Database) -> None:
    for turn in range(ROUNDS):
        event, start = an_event(seats=1, hours=48 + turn), Barrier(THREADS)
        first = bookings.book(event, who(0), f"{turn}-first")

        def come(
            number: int, event: str = event, turn: int = turn, start: Barrier = start, first: Booking = first
        ) -> str:
            start.wait()
            if number == 0:
                bookings.cancel(first, "web:0")
                return "left"
            try:
                return bookings.book(event, who(number), f"{turn}-{number}", wait=number % 2 == 0).state
            except Full:
                return "full"

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(come, range(THREADS)))
        taken, states = seats(database, event)
        assert taken == states["booked"] + states["offered"] <= 1
        assert taken == 1  # it came free, and somebody wanted it
        assert states["cancelled"] == 1


def test_the_database_itself_refuses_a_seat_too_many(an_event: Make, database: Database) -> None:
    event = an_event(seats=1)
    with pytest.raises(IntegrityError), database.write() as session:  # noqa: PT012
        row = session.get(EventRow, event)
        assert row
        row.taken = 2

"""The rules of booking, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from actions.booking.bookings import Bookings
from actions.booking.daytime import after_daytime, reminders
from actions.booking.errors import AlreadyBooked, Closed, Full, Locked, NotFound
from actions.booking.model import State
from actions.booking.staff import Staff
from storage.booking_tables import AuditRow, BookingRow, EventRow, OutboxRow
from storage.clock import SHANGHAI
from storage.database import Database
from tests.auxil.booking import Clock, who

Make = Callable[..., str]


def states(database: Database, event: str) -> Counter[str]:
    with database.transaction() as session:
        return Counter(session.scalars(select(BookingRow.state).where(BookingRow.event_id == event)))


def taken(database: Database, event: str) -> int:
    with database.transaction() as session:
        row = session.get(EventRow, event)
        assert row
        return row.taken


def pending(database: Database) -> list[str]:
    with database.transaction() as session:
        return sorted(session.scalars(select(OutboxRow.kind).where(OutboxRow.state == "pending")))


def test_a_seat_is_booked_and_its_reminders_wait(bookings: Bookings, an_event: Make, database: Database) -> None:
    event = an_event()
    booking = bookings.book(event, who(), "k1")
    assert booking.state is State.BOOKED
    assert len(booking.code) == 6
    assert booking.code.isdigit()
    assert booking.phone == "13800000001"
    assert booking.event.taken == 1
    assert pending(database) == ["day_before", "rating", "soon"]
    assert bookings.mine("web:1") == [booking]


def test_the_same_request_twice_books_once(bookings: Bookings, an_event: Make, database: Database) -> None:
    event = an_event()
    assert bookings.book(event, who(), "k1") == bookings.book(event, who(), "k1")
    assert taken(database, event) == 1


def test_one_person_has_one_place_and_one_time(bookings: Bookings, an_event: Make) -> None:
    event, same_time = an_event(), an_event()
    bookings.book(event, who(), "k1")
    with pytest.raises(AlreadyBooked):
        bookings.book(event, who(), "k2")
    with pytest.raises(AlreadyBooked):
        bookings.book(same_time, who(), "k3")
    assert bookings.book(event, who(1, "妈妈"), "k4").for_whom == "妈妈"


def test_a_full_time_says_so_and_keeps_a_waiting_list(bookings: Bookings, an_event: Make, database: Database) -> None:
    event = an_event(seats=1)
    bookings.book(event, who(1), "k1")
    with pytest.raises(Full):
        bookings.book(event, who(2), "k2")
    assert bookings.book(event, who(2), "k3", wait=True).state is State.WAITING
    assert taken(database, event) == 1


@pytest.mark.parametrize("hours", [0, -1])
def test_what_is_past_cannot_be_booked(bookings: Bookings, an_event: Make, hours: float) -> None:
    with pytest.raises(Closed):
        bookings.book(an_event(hours=hours), who(), "k1")


def test_a_seat_that_comes_free_is_offered_to_who_waits_first(
    bookings: Bookings, an_event: Make, database: Database, clock: Clock
) -> None:
    event = an_event(seats=1)
    first = bookings.book(event, who(1), "k1")
    second = bookings.book(event, who(2), "k2", wait=True)
    third = bookings.book(event, who(3), "k3", wait=True)
    bookings.cancel(first, "web:1")
    assert taken(database, event) == 1
    assert bookings.mine("web:2")[0].state is State.OFFERED
    assert bookings.mine("web:3")[0].state is State.WAITING
    assert "offer" in pending(database)
    clock.forward(hours=25)
    assert bookings.expire_offers() == 1
    assert bookings.mine("web:2") == []
    taken_up = bookings.accept(third, "web:3")
    assert taken_up.state is State.BOOKED
    with pytest.raises(NotFound):
        bookings.accept(second, "web:2")


def test_a_move_keeps_the_code_and_frees_the_old_seat(bookings: Bookings, an_event: Make, database: Database) -> None:
    old, new, full = an_event(), an_event(hours=72), an_event(seats=1, hours=73)
    booking = bookings.book(old, who(1), "k1")
    bookings.book(full, who(2), "k2")
    with pytest.raises(Full):
        bookings.move(booking, full, "web:1")
    assert taken(database, old) == 1
    moved = bookings.move(booking, new, "web:1")
    assert moved.code == booking.code
    assert (taken(database, old), taken(database, new)) == (0, 1)
    assert bookings.move(moved, new, "web:1").event.id == new
    assert taken(database, new) == 1


def test_cancelling_twice_frees_one_seat(bookings: Bookings, an_event: Make, database: Database) -> None:
    event = an_event()
    bookings.book(event, who(2), "k0")
    booking = bookings.book(event, who(1), "k1")
    bookings.cancel(booking, "web:1")
    bookings.cancel(booking, "web:1")
    assert taken(database, event) == 1
    assert bookings.book(event, who(1), "k2").state is State.BOOKED


def test_a_cancelled_time_tells_everybody(bookings: Bookings, staff: Staff, an_event: Make, database: Database) -> None:
    event = an_event(seats=1)
    bookings.book(event, who(1), "k1")
    bookings.book(event, who(2), "k2", wait=True)
    assert staff.cancel_event(event) == 2
    assert pending(database) == ["event_cancelled", "event_cancelled"]
    with pytest.raises(Closed):
        bookings.book(event, who(3), "k3", wait=True)


def test_more_seats_are_offered_to_who_waits(
    bookings: Bookings, staff: Staff, an_event: Make, database: Database
) -> None:
    event = an_event(seats=1)
    for number in range(1, 5):
        bookings.book(event, who(number), f"k{number}", wait=True)
    staff.set_seats(event, 3)
    assert states(database, event) == {"booked": 1, "offered": 2, "waiting": 1}
    assert taken(database, event) == 3
    with pytest.raises(Full):
        staff.set_seats(event, 2)


def test_code_and_phone_together_find_a_booking_and_five_wrong_ones_lock(
    bookings: Bookings, an_event: Make, clock: Clock
) -> None:
    booking = bookings.book(an_event(), who(), "k1")
    assert bookings.by_code("web:9", booking.code, booking.phone).id == booking.id
    for _ in range(5):
        with pytest.raises(NotFound):
            bookings.by_code("web:9", "000000" if booking.code != "000000" else "111111", booking.phone)
    with pytest.raises(Locked):
        bookings.by_code("web:9", booking.code, booking.phone)
    clock.forward(minutes=16)
    assert bookings.by_code("web:9", booking.code, booking.phone).id == booking.id


def test_a_wrong_phone_is_told_like_a_wrong_code(bookings: Bookings, an_event: Make) -> None:
    booking = bookings.book(an_event(), who(), "k1")
    told = set()
    for code, phone in ((booking.code, "13900000000"), ("000000", booking.phone), ("000000", "13900000000")):
        with pytest.raises(NotFound) as error:
            bookings.by_code("web:9", code, phone)
        told.add(str(error.value))
    assert len(told) == 1


def test_every_act_leaves_a_line(bookings: Bookings, an_event: Make, database: Database) -> None:
    event, other = an_event(seats=1), an_event(hours=80)
    booking = bookings.book(event, who(1), "k1")
    bookings.book(event, who(2), "k2", wait=True)
    bookings.move(booking, other, "web:1")
    bookings.cancel(booking, "staff:a")
    with database.transaction() as session:
        acts = list(session.scalars(select(AuditRow.act).order_by(AuditRow.number)))
    assert acts == ["book", "wait", "move", "offer", "cancel"]


def test_neither_name_nor_phone_can_be_read_in_the_database(
    bookings: Bookings, an_event: Make, database: Database
) -> None:
    bookings.book(an_event(), who(), "k1")
    with database.engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM bookings")).all()
    assert b"13800000001" not in repr(rows).encode()


def test_five_hundred_tries_on_seven_seats(bookings: Bookings, an_event: Make, database: Database) -> None:
    event = an_event(seats=7)

    def attempt(number: int) -> str:
        return bookings.book(event, who(number), f"k{number}", wait=True).state

    with ThreadPoolExecutor(50) as pool:
        got = Counter(pool.map(attempt, range(1, 501)))
    assert got == {"booked": 7, "waiting": 493}
    assert taken(database, event) == 7
    with database.transaction() as session:
        queue = list(session.scalars(select(BookingRow.queued).where(BookingRow.event_id == event)))
    assert sorted(queue) == list(range(1, 501))


def test_the_same_request_at_once_books_once(bookings: Bookings, an_event: Make, database: Database) -> None:
    event = an_event(seats=5)
    with ThreadPoolExecutor(20) as pool:
        made = {booking.id for booking in pool.map(lambda _: bookings.book(event, who(), "same"), range(40))}
    assert len(made) == 1
    assert taken(database, event) == 1


def test_booking_and_cancelling_at_once_never_sells_a_seat_twice(
    bookings: Bookings, an_event: Make, database: Database
) -> None:
    event = an_event(seats=3)

    def come_and_go(number: int) -> None:
        for turn in range(4):
            try:
                booking = bookings.book(event, who(number), f"k{number}-{turn}")
            except Full:
                continue
            bookings.cancel(booking, "-")

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(come_and_go, range(1, 41)))
    assert taken(database, event) == 0
    assert set(states(database, event)) <= {"cancelled"}


def test_moves_that_cross_do_not_wait_for_each_other(bookings: Bookings, an_event: Make, database: Database) -> None:
    one, two = an_event(seats=40), an_event(seats=40, hours=72)
    there = [bookings.book(one, who(n), f"a{n}") for n in range(1, 16)]
    back = [bookings.book(two, who(n), f"b{n}") for n in range(16, 31)]
    with ThreadPoolExecutor(30) as pool:
        list(pool.map(lambda pair: bookings.move(*pair, "-"), [(b, two) for b in there] + [(b, one) for b in back]))
    assert (taken(database, one), taken(database, two)) == (15, 15)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=SHANGHAI))  # noqa: DTZ001


@given(moments, st.floats(0, 40))
def test_daytime_ends_in_daytime_and_grows_with_the_hours(start: datetime, hours: float) -> None:
    end = after_daytime(start, hours)
    assert end >= start
    assert 8 <= end.hour < 20 or (end.hour, end.minute) == (20, 0)
    assert after_daytime(start, hours + 1) > end


def test_the_night_does_not_count() -> None:
    evening = datetime(2026, 11, 25, 19, 0, tzinfo=SHANGHAI)
    assert after_daytime(evening, 12) == datetime(2026, 11, 26, 19, 0, tzinfo=SHANGHAI)


@given(moments, st.integers(0, 200))
def test_nobody_is_reminded_at_night_nor_too_late(starts: datetime, hours_before: int) -> None:
    now = starts - timedelta(hours=hours_before)
    for kind, at in reminders(starts, now).items():
        assert now < at
        assert (at < starts) is (kind in ("day_before", "soon"))
        assert 8 <= at.hour <= 20

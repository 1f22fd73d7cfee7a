"""The calendar file, read by a strict reader that is not the one that writes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from ical.calendar_stream import IcsCalendarStream

from actions.booking.bookings import Bookings
from actions.booking.calendar_file import calendar_file
from tests.auxil.booking import Clock, who


def test_the_file_is_valid_and_says_when_and_where(
    bookings: Bookings, an_event: Callable[..., str], clock: Clock
) -> None:
    booking = bookings.book(an_event(latitude=31.17, longitude=121.42), who(), "k1")
    written = calendar_file(booking, clock())
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))
    (event,) = IcsCalendarStream.calendar_from_ics(written.decode()).events
    assert event.summary == "照护课"
    assert event.location == "田林路（示例）1号"
    assert event.dtstart == booking.event.starts_at
    assert str(event.dtstart.tzinfo) == "Asia/Shanghai"  # type: ignore[union-attr]
    assert event.alarm[0].trigger == timedelta(hours=-2)
    assert f"{booking.code[:3]} {booking.code[3:]}" in (event.description or "")
    assert booking.phone not in written.decode()


def test_a_move_keeps_the_id_so_that_calendars_replace_it(
    bookings: Bookings, an_event: Callable[..., str], clock: Clock
) -> None:
    booking = bookings.book(an_event(), who(), "k1")
    moved = bookings.move(booking, an_event(hours=90), "web:1")
    uids = [
        IcsCalendarStream.calendar_from_ics(calendar_file(each, clock()).decode()).events[0].uid
        for each in (booking, moved)
    ]
    assert uids[0] == uids[1]

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from actions.booking.slots import NOTICE, slots
from knowledge.hours import parse_hours
from storage.clock import SHANGHAI

HOURS = parse_hours("周一至周五 8:30-11:30，13:00-16:30")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_a_day_is_cut_into_whole_slots() -> None:
    day = [slot for slot in slots(HOURS, 60, at("2026-11-25T18:00")) if slot.starts_at.date() == date(2026, 11, 26)]
    assert [slot.starts_at.strftime("%H:%M") for slot in day] == ["08:30", "09:30", "10:30", "13:00", "14:00", "15:00"]


def test_nobody_comes_on_a_holiday_a_weekend_or_a_closed_day() -> None:
    found = slots(HOURS, 30, at("2026-09-25T08:00"), closed={date(2026, 10, 9)})
    days = {slot.starts_at.date() for slot in found}
    assert date(2026, 10, 1) not in days
    assert date(2026, 10, 9) not in days
    assert all(day.weekday() < 5 for day in days)
    assert date(2026, 10, 12) in days


def test_a_year_without_an_announced_calendar_has_slots() -> None:
    assert slots(HOURS, 30, at("2031-03-03T08:00"))


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=SHANGHAI))  # noqa: DTZ001


@given(moments, st.integers(10, 120))
def test_slots_are_ahead_in_order_and_never_overlap(now: datetime, minutes: int) -> None:
    found = slots(HOURS, minutes, now)
    assert all(slot.starts_at >= now + NOTICE for slot in found)
    assert all(slot.ends_at - slot.starts_at == timedelta(minutes=minutes) for slot in found)
    assert all(one.ends_at <= other.starts_at for one, other in itertools.pairwise(found))

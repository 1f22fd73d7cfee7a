from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from actions.booking.bookings import Bookings
from actions.booking.catalogue import Catalogue
from actions.booking.errors import Closed, Full
from storage.booking_tables import CourseRow, EventRow, PointRow
from storage.database import Database
from tests.auxil.booking import Clock, who


@pytest.fixture
def catalogue(database: Database, clock: Clock) -> Catalogue:
    made = Catalogue(database, clock, demo=True)
    made.put_points([point("tianlin", "徐汇区"), point("wujiaochang", "杨浦区")])
    return made


def point(name: str, district: str) -> PointRow:
    return PointRow(
        id=name,
        name=f"示例{name}",
        district=district,
        street=None,
        address="示例路1号",
        phone=None,
        hours="周一至周五 9:00-11:00",
        slot_minutes=30,
        advisors=1,
        latitude=None,
        longitude=None,
        sample=True,
    )


def date_of(clock: Clock, seats: int = 5) -> EventRow:
    starts = clock.at + timedelta(days=3)
    return EventRow(
        id="date1",
        kind="training",
        course_id="c",
        point_id=None,
        title="照护课",
        district="徐汇区",
        place="示例路1号",
        bring=None,
        latitude=None,
        longitude=None,
        starts_at=starts,
        ends_at=starts + timedelta(hours=2),
        seats=seats,
        taken=0,
        state="open",
        sample=True,
    )


def test_slots_of_a_district_in_order(catalogue: Catalogue) -> None:
    found = catalogue.consultations("徐汇区")
    assert {event.district for event in found} == {"徐汇区"}
    assert [event.starts_at for event in found] == sorted(event.starts_at for event in found)
    assert len(catalogue.consultations()) == 2 * len(found)


def test_a_booked_slot_is_full_and_stays_one(catalogue: Catalogue, bookings: Bookings) -> None:
    offered = catalogue.consultations("徐汇区")[0]
    event = catalogue.event_id(offered.id)
    bookings.book(event, who(1), "k1")
    assert catalogue.event_id(offered.id) == event
    with pytest.raises(Full):
        bookings.book(catalogue.event_id(offered.id), who(2), "k2")
    assert catalogue.consultations("徐汇区")[0].free == 0


def test_the_same_slot_wanted_by_many_at_once_is_had_by_one(catalogue: Catalogue, bookings: Bookings) -> None:
    offered = catalogue.consultations("徐汇区")[0]

    def attempt(number: int) -> str:
        try:
            return bookings.book(catalogue.event_id(offered.id), who(number), f"k{number}").state
        except Full:
            return "full"

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(attempt, range(1, 41))) == {"booked": 1, "full": 39}


@pytest.mark.parametrize("offered", ["slot:tianlin@2026-11-28T09:00:00+08:00", "slot:nobody@2026-11-26T09:00:00+08:00"])
def test_a_slot_that_is_none_cannot_be_booked(catalogue: Catalogue, offered: str) -> None:
    with pytest.raises(Closed):
        catalogue.event_id(offered)


def test_a_closed_day_has_no_slots(catalogue: Catalogue) -> None:
    day = catalogue.consultations("徐汇区")[0].starts_at.date()
    catalogue.close_days("tianlin", [day, date(2026, 12, 25)])
    assert day not in {event.starts_at.date() for event in catalogue.consultations("徐汇区")}


def test_courses_put_again_keep_the_seats_that_are_taken(
    catalogue: Catalogue, bookings: Bookings, clock: Clock
) -> None:
    course = CourseRow(id="c", title="照护课", about="教翻身", sample=True)
    catalogue.put_courses([course], [date_of(clock)])
    bookings.book("date1", who(), "k1")
    catalogue.put_courses([CourseRow(id="c", title="照护课", about="教翻身", sample=True)], [date_of(clock, seats=7)])
    (event,) = catalogue.trainings("徐汇区")
    assert (event.seats, event.taken) == (5, 1)  # Staff.set_seats changes them
    assert catalogue.trainings("杨浦区") == []

"""What can be booked: dates of courses, and the slots of advisor points."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from actions.booking.errors import Closed
from actions.booking.model import Event, Kind
from actions.booking.slots import Slot, slots
from actions.booking.store import as_event
from knowledge.hours import parse_hours
from storage.booking_tables import ClosedDayRow, CourseRow, EventRow, PointRow
from storage.database import Database

CONSULTATION = "养老顾问面谈"
_SLOT = "slot:"
_FEW = 3  # points a district


class Catalogue:
    """The times on offer. A slot becomes an event when it is first booked; until then its id is ``slot:…``."""

    def __init__(self, database: Database, clock: Callable[[], datetime], demo: bool = False) -> None:
        """Offer what is in ``database``; sample times only with ``demo``."""
        self._db = database
        self._clock = clock
        self._demo = demo

    def trainings(self, district: str | None = None) -> list[Event]:
        """Return the coming dates of courses, full ones too, the soonest first."""
        query = (
            select(EventRow)
            .where(EventRow.kind == Kind.TRAINING, EventRow.state == "open", EventRow.starts_at > self._clock())
            .order_by(EventRow.starts_at)
        )
        with self._db.transaction() as session:
            return [
                as_event(row)
                for row in session.scalars(query)
                if district in (None, row.district) and (self._demo or not row.sample)
            ]

    def consultations(self, district: str | None = None) -> list[Event]:
        """Return the coming slots of a district's points, full ones too, the soonest first.

        Without a district: of a few points in each, since who goes anywhere needs no more.
        """
        now = self._clock()
        with self._db.transaction() as session:
            points = self._points(session, district)
            ids = [point.id for point in points]
            made: dict[tuple[str | None, datetime], EventRow] = {
                (row.point_id, row.starts_at): row
                for row in session.scalars(select(EventRow).where(EventRow.point_id.in_(ids), EventRow.starts_at > now))
            }
            closed: dict[str, set[date]] = defaultdict(set)
            for row in session.scalars(select(ClosedDayRow).where(ClosedDayRow.point_id.in_(ids))):
                closed[row.point_id].add(row.day)
            # Most points keep the same hours: their slots are reckoned once.
            alike: dict[tuple[str, int, frozenset[date]], list[Slot]] = {}
            found = []
            for point in points:
                hours = (point.hours, point.slot_minutes, frozenset(closed[point.id]))
                if hours not in alike:
                    alike[hours] = slots(parse_hours(point.hours), point.slot_minutes, now, closed[point.id])
                found += _offers(point, alike[hours], made)
        return sorted(found, key=lambda event: (event.starts_at, event.place))

    def has(self, kind: Kind) -> bool:
        """Return whether anything of a kind is on offer."""
        return bool(self.districts(kind))

    def districts(self, kind: Kind) -> list[str]:
        """Return the districts where something of a kind is on offer."""
        if kind is Kind.TRAINING:
            return sorted({event.district for event in self.trainings()})
        with self._db.transaction() as session:
            query = select(PointRow.district, PointRow.sample).distinct()
            return sorted({district for district, sample in session.execute(query) if self._demo or not sample})

    def event_id(self, offered: str) -> str:
        """Return the id to book ``offered`` by: a slot's event is made now. Raises Closed for no such slot."""
        if not offered.startswith(_SLOT):
            return offered
        point_id, moment = offered.removeprefix(_SLOT).split("@")
        starts_at = datetime.fromisoformat(moment)
        try:
            with self._db.write() as session:
                row = session.scalar(_event_of(point_id, starts_at))
                return row.id if row else self._make(session, point_id, starts_at)
        except IntegrityError:  # somebody made it in this moment
            with self._db.transaction() as session:
                made = session.scalar(_event_of(point_id, starts_at))
                if made is None:
                    raise
                return made.id

    def put_courses(self, courses: Iterable[CourseRow], events: Iterable[EventRow]) -> None:
        """Add courses and dates, or change what has the same id; its seats stay: Staff.set_seats changes them."""
        with self._db.write() as session:
            for course in courses:
                session.merge(course)
            session.flush()
            for event in events:
                there = session.get(EventRow, event.id, with_for_update=True)
                if there:
                    event.taken, event.seats, event.state = there.taken, there.seats, there.state
                session.merge(event)

    def there(self, event_ids: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Return (seats taken, state) of those of the events that are there."""
        query = select(EventRow.id, EventRow.taken, EventRow.state).where(EventRow.id.in_(list(event_ids)))
        with self._db.transaction() as session:
            return {event_id: (taken, state) for event_id, taken, state in session.execute(query)}

    def put_points(self, points: Iterable[PointRow]) -> None:
        """Add points, or change what has the same id."""
        with self._db.write() as session:
            for point in points:
                session.merge(point)

    def close_days(self, point_id: str, days: Iterable[date]) -> None:
        """Set the days on which a point is closed against its hours."""
        with self._db.write() as session:
            session.execute(delete(ClosedDayRow).where(ClosedDayRow.point_id == point_id))
            session.add_all(ClosedDayRow(point_id=point_id, day=day) for day in days)

    def _points(self, session: Session, district: str | None) -> list[PointRow]:
        query = select(PointRow).order_by(PointRow.id)
        if district:
            query = query.where(PointRow.district == district)
        points = [point for point in session.scalars(query) if self._demo or not point.sample]
        if district:
            return points
        taken: Counter[str] = Counter()
        few = []
        for point in points:
            taken[point.district] += 1
            if taken[point.district] <= _FEW:
                few.append(point)
        return few

    def _slots(self, session: Session, point: PointRow) -> list[Slot]:
        closed = set(session.scalars(select(ClosedDayRow.day).where(ClosedDayRow.point_id == point.id)))
        return slots(parse_hours(point.hours), point.slot_minutes, self._clock(), closed)

    def _make(self, session: Session, point_id: str, starts_at: datetime) -> str:
        point = session.get(PointRow, point_id)
        slot = next((s for s in self._slots(session, point) if s.starts_at == starts_at), None) if point else None
        if point is None or slot is None:
            raise Closed
        row = EventRow(
            id=uuid.uuid4().hex,
            kind=Kind.CONSULTATION,
            course_id=None,
            point_id=point.id,
            title=CONSULTATION,
            district=point.district,
            place=_place(point),
            bring=None,
            latitude=point.latitude,
            longitude=point.longitude,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            seats=point.advisors,
            taken=0,
            state="open",
            sample=point.sample,
        )
        session.add(row)
        session.flush()
        return row.id


def _event_of(point_id: str, starts_at: datetime) -> Select[EventRow]:
    return select(EventRow).where(EventRow.point_id == point_id, EventRow.starts_at == starts_at)


def _offers(point: PointRow, of_point: list[Slot], made: Mapping[tuple[str | None, datetime], EventRow]) -> list[Event]:
    """Return the slots of a point that are not closed, with what is taken of them.

    A slot's id stays the same when it is made an event.
    """
    # Read once: a column costs as much as the rest of the loop.
    point_id, district, advisors, sample = point.id, point.district, point.advisors, point.sample
    latitude, longitude, place = point.latitude, point.longitude, _place(point)
    offers = []
    for slot in of_point:
        event = made.get((point_id, slot.starts_at))
        if event and event.state != "open":
            continue
        offers.append(
            Event(
                id=f"{_SLOT}{point_id}@{slot.stamp}",
                kind=Kind.CONSULTATION,
                title=CONSULTATION,
                district=district,
                place=place,
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
                seats=event.seats if event else advisors,
                taken=event.taken if event else 0,
                latitude=latitude,
                longitude=longitude,
                sample=sample,
            )
        )
    return offers


def _place(point: PointRow) -> str:
    return f"{point.name}，{point.district}{point.street or ''}{point.address}"

"""What staff do with a time that can be booked; every act is in the audit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select

from actions.booking.daytime import tell_at
from actions.booking.errors import Closed, Full, NotFound
from actions.booking.model import ACTIVE, Booking, NoticeKind, State
from actions.booking.store import Store
from actions.booking.waiting import offer
from storage.booking_tables import BookingRow
from storage.database import Database


class Staff:
    """The acts of one member of staff; ``actor`` is ``staff:name``."""

    def __init__(self, database: Database, clock: Callable[[], datetime], actor: str) -> None:
        self._db = database
        self._clock = clock
        self._actor = actor

    def set_seats(self, event_id: str, seats: int) -> None:
        """Change the seats; new ones go to who waits. Raises Full below the seats taken, Closed."""
        with self._db.write() as session:
            store, now = Store(session, self._db.cipher), self._clock()
            event = store.event_row(event_id)
            if event is None or event.state != "open":
                raise Closed
            if seats < event.taken:
                raise Full
            event.seats = seats
            session.flush()
            store.audit(now, self._actor, "seats", event=event_id)
            while store.take_seat(event_id, now):
                if not offer(store, event_id, now):
                    store.give_back_seat(event_id)
                    break

    def cancel_event(self, event_id: str) -> int:
        """Cancel a time; everybody there is told. Return how many. Raises Closed for no such time."""
        with self._db.write() as session:
            store, now = Store(session, self._db.cipher), self._clock()
            event = store.event_row(event_id)
            if event is None:
                raise Closed
            event.state, told = "cancelled", 0
            for state in ACTIVE:
                for row in store.of_event(event_id, state):
                    row.state = State.CANCELLED
                    store.audit(now, self._actor, "event_cancel", row.id, event_id)
                    store.drop_pending(row.id)
                    store.send_later(row, NoticeKind.EVENT_CANCELLED, tell_at(now, row.starts_at))
                    told += 1
            event.taken = 0
            store.audit(now, self._actor, "cancel_event", event=event_id)
            return told

    def attended(self, code: str, came: bool, event_id: str | None = None) -> Booking:
        """Note whether who booked came. Raises NotFound for a code with no booking that has begun."""
        with self._db.write() as session:
            store, now = Store(session, self._db.cipher), self._clock()
            query = (
                select(BookingRow)
                .where(
                    BookingRow.code == code,
                    BookingRow.state.in_((State.BOOKED, State.ATTENDED, State.MISSED)),
                    BookingRow.starts_at <= now,
                )
                .order_by(BookingRow.starts_at.desc())
            )
            if event_id:
                query = query.where(BookingRow.event_id == event_id)
            row = session.scalar(query)
            if row is None:
                raise NotFound
            row.state = State.ATTENDED if came else State.MISSED
            store.audit(now, self._actor, "came" if came else "missed", row.id, row.event_id)
            if not came:
                store.drop_pending(row.id, (NoticeKind.RATING,))
            return store.booking(row)

    def bookings(self, event_id: str | None = None, since: datetime | None = None) -> list[Booking]:
        """Return bookings by time, with names and phones decrypted: a look that the audit keeps."""
        query = select(BookingRow).order_by(BookingRow.starts_at, BookingRow.queued)
        if event_id:
            query = query.where(BookingRow.event_id == event_id)
        if since:
            query = query.where(BookingRow.starts_at >= since)
        with self._db.write() as session:
            store = Store(session, self._db.cipher)
            store.audit(self._clock(), self._actor, "look", event=event_id)
            return [store.booking(row) for row in session.scalars(query)]

    def of_phone(self, phone: str) -> list[Booking]:
        """Return the bookings made with ``phone`` (digits), the latest first: a look that the audit keeps."""
        with self._db.write() as session:
            store = Store(session, self._db.cipher)
            store.audit(self._clock(), self._actor, "look_phone")
            return [store.booking(row) for row in store.of_phone(phone)]

    def by_code(self, code: str) -> Booking:
        """Return the active booking of a code, without its phone. Raises NotFound."""
        with self._db.write() as session:
            store = Store(session, self._db.cipher)
            row = session.scalar(select(BookingRow).where(BookingRow.code == code, BookingRow.state.in_(ACTIVE)))
            store.audit(self._clock(), self._actor, "look", row.id if row else None)
            if row:
                return store.booking(row)
        raise NotFound

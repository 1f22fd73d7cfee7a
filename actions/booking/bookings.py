"""Book, move, cancel, wait: each one transaction that leaves a line in the audit.

What no race may break is held by the database (storage/booking_tables.py): seats by a
conditional update under a check, one place a person by partial unique indexes, one booking
a request by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from actions.booking.daytime import into_daytime, reminders, tell_at
from actions.booking.errors import AlreadyBooked, Closed, Full, Locked, NotFound
from actions.booking.model import ACTIVE, HOLDS_A_SEAT, REMINDERS, STAFF, Applicant, Booking, NoticeKind, State
from actions.booking.store import Store
from actions.booking.waiting import pass_on
from storage.booking_tables import AttemptRow, BookingRow, EventRow
from storage.database import Database

WRONG_CODES = 5
LOCKED_FOR = timedelta(minutes=15)
_TRIES = 3  # a code doubled by a race is drawn again


class Bookings:
    """The rules of booking over one database. Safe to share by threads."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def book(self, event_id: str, applicant: Applicant, key: str, wait: bool = False) -> Booking:
        """Book a seat, or with ``wait`` a place on the waiting list where none is left.

        The same ``key`` again returns the same booking. Raises Full, Closed, AlreadyBooked.
        """
        for attempt in range(_TRIES):
            try:
                return self._book(event_id, applicant, key, wait)
            except IntegrityError as error:
                done = self._made_by(key)
                if done:
                    return done
                if not _is_about(error, "code") or attempt + 1 == _TRIES:
                    raise AlreadyBooked from error
        raise AssertionError("unreachable")

    def cancel(self, booking: Booking, actor: str) -> Booking:
        """Cancel; a seat it held goes to who waits first. Cancelled already: nothing more happens."""
        with self._change(booking) as (store, row):
            held = row.state in HOLDS_A_SEAT
            if row.state in ACTIVE:
                row.state = State.CANCELLED
                self._end(store, row, actor, "cancel")
                self._tell(store, row, actor, NoticeKind.EVENT_CANCELLED)
                if held:
                    pass_on(store, row.event_id, self._clock())
            return store.booking(row)

    def move(self, booking: Booking, event_id: str, actor: str) -> Booking:
        """Move to another time; the old seat is given up only once the new one is had.

        Raises Full, Closed, AlreadyBooked, NotFound (it is not active any more).
        """
        try:
            with self._change(booking, event_id) as (store, row):
                if row.state not in HOLDS_A_SEAT and row.state != State.WAITING:
                    raise NotFound
                if row.event_id == event_id:
                    return store.booking(row)
                event = self._seat(store, event_id)
                old, held = row.event_id, row.state in HOLDS_A_SEAT
                row.event_id, row.starts_at, row.state, row.offered_until = (
                    event.id,
                    event.starts_at,
                    State.BOOKED,
                    None,
                )
                self._end(store, row, actor, "move")
                self._tell(store, row, actor, NoticeKind.MOVED)
                store.flush()
                if held:
                    pass_on(store, old, self._clock())
                self._remind(store, row)
                return store.booking(row)
        except IntegrityError as error:
            raise AlreadyBooked from error

    def accept(self, booking: Booking, actor: str) -> Booking:
        """Take the seat that was offered. Raises NotFound where the offer has lapsed."""
        with self._change(booking) as (store, row):
            now = self._clock()
            if row.state != State.OFFERED or row.offered_until is None or row.offered_until < now:
                raise NotFound
            row.state, row.offered_until = State.BOOKED, None
            store.audit(now, actor, "accept", row.id, row.event_id)
            store.drop_pending(row.id)
            self._remind(store, row)
            return store.booking(row)

    def expire_offers(self) -> int:
        """Pass on the seats whose offer has lapsed; return how many."""
        with self._db.write() as session:
            store, now = Store(session, self._db.cipher), self._clock()
            found = store.lapsed(now)
            store.lock([row.event_id for row in found])
            # One may have been taken while we waited for the lock.
            lapsed = [row for row in filter(None, (store.row(each.id) for each in found)) if row.state == State.OFFERED]
            for row in lapsed:
                row.state = State.EXPIRED
                self._end(store, row, "system", "expire")
                store.send_later(row, NoticeKind.OFFER_LAPSED, into_daytime(now))
                pass_on(store, row.event_id, self._clock())
            return len(lapsed)

    def rate(self, booking: Booking, rating: int, actor: str) -> None:
        """Keep how it was: 1 bad, 2 fair, 3 good. Raises NotFound before it has begun."""
        with self._change(booking) as (store, row):
            if row.state not in (State.BOOKED, State.ATTENDED) or row.starts_at > self._clock():
                raise NotFound
            row.rating = rating
            store.audit(self._clock(), actor, "rate", row.id, row.event_id)

    def set_reminders(self, conversation: str, wanted: bool) -> None:
        """Stop reminders of all bookings of a conversation, or have them again."""
        with self._db.write() as session:
            store = Store(session, self._db.cipher)
            store.set_reminders(conversation, wanted)
            store.flush()
            store.audit(self._clock(), conversation, "reminders" if wanted else "no_reminders")
            for row in store.active_of(conversation):
                store.drop_pending(row.id, REMINDERS)
                store.flush()
                if row.state == State.BOOKED:
                    self._remind(store, row)

    def mine(self, conversation: str) -> list[Booking]:
        """Return the active bookings of a conversation, the soonest first."""
        with self._db.transaction() as session:
            store = Store(session, self._db.cipher)
            return [store.booking(row) for row in store.active_of(conversation)]

    def telegram_of(self, phone: str) -> str | None:
        """Return the Telegram conversation that last booked with ``phone`` (digits), or None."""
        with self._db.transaction() as session:
            return Store(session, self._db.cipher).conversation_of(phone, "telegram:")

    def by_id(self, booking_id: str) -> Booking | None:
        """Return a booking, for a caller that has proved whose it is."""
        with self._db.transaction() as session:
            store = Store(session, self._db.cipher)
            row = session.get(BookingRow, booking_id)
            return store.booking(row) if row else None

    def by_code(self, conversation: str, code: str, phone: str) -> Booking:
        """Return the booking of this code and phone, for whoever knows both.

        Raises NotFound, alike for a wrong code, a wrong phone and no booking; Locked after
        five of them for fifteen minutes.
        """
        with self._db.write() as session:
            store, now = Store(session, self._db.cipher), self._clock()
            attempt = session.get(AttemptRow, conversation, with_for_update=True) or AttemptRow(
                conversation=conversation, wrong=0
            )
            if attempt.locked_until and attempt.locked_until > now:
                raise Locked(attempt.locked_until)
            rows = store.active_by(code, phone)
            if rows:
                if attempt in session:
                    session.delete(attempt)
                return store.booking(rows[0])
            attempt.wrong = attempt.wrong % WRONG_CODES + 1
            attempt.locked_until = now + LOCKED_FOR if attempt.wrong == WRONG_CODES else None
            session.add(attempt)
        raise NotFound

    def _book(self, event_id: str, applicant: Applicant, key: str, wait: bool) -> Booking:
        with self._db.write() as session:
            store, now = Store(session, self._db.cipher), self._clock()
            before = store.by_key(key)
            if before:
                return store.booking(before)
            try:
                event, state = self._seat(store, event_id), State.BOOKED
            except Full:
                full = store.event_row(event_id)
                if not wait or full is None:
                    raise
                event, state = full, State.WAITING
            row = store.add(event, applicant, state, key, now)
            store.audit(now, applicant.conversation, "book" if state is State.BOOKED else "wait", row.id, event.id)
            if state is State.BOOKED:
                self._remind(store, row)
            return store.booking(row)

    def _seat(self, store: Store, event_id: str) -> EventRow:
        """Take a seat and return its event. Raises Full, Closed."""
        now = self._clock()
        event = store.event_row(event_id)
        if event is None or event.state != "open" or event.starts_at <= now:
            raise Closed
        if not store.take_seat(event_id, now):
            raise Full
        return event

    def _remind(self, store: Store, row: BookingRow) -> None:
        if store.wants_reminders(row.conversation):
            for kind, at in reminders(row.starts_at, self._clock()).items():
                store.send_later(row, kind, at)

    def _tell(self, store: Store, row: BookingRow, actor: str, kind: NoticeKind) -> None:
        """Tell the booker of what staff did: nobody shall come at a time that is gone."""
        now = self._clock()
        if actor.startswith(STAFF) and row.starts_at > now:
            store.send_later(row, kind, tell_at(now, row.starts_at))

    def _end(self, store: Store, row: BookingRow, actor: str, act: str) -> None:
        store.audit(self._clock(), actor, act, row.id, row.event_id)
        store.drop_pending(row.id)

    def _made_by(self, key: str) -> Booking | None:
        with self._db.transaction() as session:
            store = Store(session, self._db.cipher)
            row = store.by_key(key)
            return store.booking(row) if row else None

    @contextmanager
    def _change(self, booking: Booking, *events: str) -> Iterator[tuple[Store, BookingRow]]:
        """Yield the booking's row with its event locked before it. Raises NotFound."""
        with self._db.write() as session:
            store = Store(session, self._db.cipher)
            store.lock([booking.event.id, *events])
            row = store.row(booking.id)
            if row is None:
                raise NotFound
            yield store, row


def _is_about(error: IntegrityError, what: str) -> bool:
    """Return whether the index that was broken is the one on ``what``."""
    told = str(error.orig)
    return f"uq_bookings_{what}" in told or f"bookings.{what}" in told

"""Rows in and out: the only module of booking that knows the tables' columns."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from actions.booking.model import ACTIVE, Applicant, Booking, Event, Kind, NoticeKind, State
from storage.booking_tables import AuditRow, BookingRow, EventRow, NoRemindersRow, OutboxRow
from storage.crypto import Cipher
from storage.digests import person_digest, phone_digest

_CODE_DIGITS = 6
_CODES = 10**_CODE_DIGITS


class Store:
    """Reads and writes within one transaction."""

    def __init__(self, session: Session, cipher: Cipher) -> None:
        self._session = session
        self._cipher = cipher

    def event_row(self, event_id: str) -> EventRow | None:
        """Return the event, locked against other writers until the end of the transaction."""
        return self._session.get(EventRow, event_id, with_for_update=True, populate_existing=True)

    def lock(self, event_ids: Sequence[str]) -> None:
        """Lock several events, always in the same order, so that two moves cannot wait for each other."""
        for event_id in sorted(set(event_ids)):
            self.event_row(event_id)

    def take_seat(self, event_id: str, now: datetime) -> bool:
        """Take a seat in one step; False where there is none, or it is past or cancelled."""
        taken = self._session.execute(
            update(EventRow)
            .where(
                EventRow.id == event_id,
                EventRow.state == "open",
                EventRow.starts_at > now,
                EventRow.taken < EventRow.seats,
            )
            .values(taken=EventRow.taken + 1)
            .execution_options(synchronize_session=False)
        )
        return int(taken.rowcount) == 1  # type: ignore[attr-defined]

    def give_back_seat(self, event_id: str) -> None:
        """Give a seat back in one step."""
        self._session.execute(
            update(EventRow)
            .where(EventRow.id == event_id)
            .values(taken=EventRow.taken - 1)
            .execution_options(synchronize_session=False)
        )

    def by_key(self, key: str) -> BookingRow | None:
        """Return the booking that the request with ``key`` made."""
        return self._session.scalar(select(BookingRow).where(BookingRow.key == key))

    def row(self, booking_id: str) -> BookingRow | None:
        """Return a booking, locked until the end of the transaction."""
        return self._session.get(BookingRow, booking_id, with_for_update=True, populate_existing=True)

    def active_of(self, conversation: str) -> list[BookingRow]:
        """Return the active bookings of a conversation, the soonest first."""
        return self._active(BookingRow.conversation == conversation)

    def active_by(self, code: str, phone: str) -> list[BookingRow]:
        """Return the active booking with this code and phone."""
        digest = phone_digest(self._cipher, phone)
        return self._active((BookingRow.code == code) & (BookingRow.phone_digest == digest))

    def of_phone(self, phone: str) -> list[BookingRow]:
        """Return every booking with this phone, the latest first."""
        digest = phone_digest(self._cipher, phone)
        query = select(BookingRow).where(BookingRow.phone_digest == digest).order_by(BookingRow.starts_at.desc())
        return list(self._session.scalars(query))

    def conversation_of(self, phone: str, channel: str) -> str | None:
        """Return the conversation of a ``channel`` that last booked with ``phone``."""
        query = (
            select(BookingRow.conversation)
            .where(
                BookingRow.phone_digest == phone_digest(self._cipher, phone),
                BookingRow.conversation.startswith(channel, autoescape=True),
            )
            .order_by(BookingRow.created_at.desc())
            .limit(1)
        )
        return self._session.scalar(query)

    def of_event(self, event_id: str, state: State) -> list[BookingRow]:
        """Return an event's bookings in ``state``, in the order in which they were made."""
        query = (
            select(BookingRow)
            .where(BookingRow.event_id == event_id, BookingRow.state == state)
            .order_by(BookingRow.queued)
        )
        return list(self._session.scalars(query))

    def lapsed(self, now: datetime) -> list[BookingRow]:
        """Return the offers that nobody took in time."""
        query = select(BookingRow).where(BookingRow.state == State.OFFERED, BookingRow.offered_until < now)
        return list(self._session.scalars(query))

    def add(self, event: EventRow, applicant: Applicant, state: State, key: str, now: datetime) -> BookingRow:
        """Write a booking. The database refuses a second place of one person."""
        row = BookingRow(
            id=uuid.uuid4().hex,
            event_id=event.id,
            code=self._free_code(),
            state=state,
            person=person_digest(self._cipher, applicant.phone, applicant.for_whom),
            phone_digest=phone_digest(self._cipher, applicant.phone),
            name=self._cipher.encrypt(applicant.name, "bookings.name") if applicant.name else None,
            phone=self._cipher.encrypt(applicant.phone, "bookings.phone"),
            for_whom=applicant.for_whom,
            conversation=applicant.conversation,
            key=key,
            starts_at=event.starts_at,
            queued=self._next_in_queue(event.id),
            offered_until=None,
            agreed=applicant.agreed,
            rating=None,
            created_at=now,
        )
        self._session.add(row)
        self._session.flush()
        return row

    def flush(self) -> None:
        """Write what is changed, so that the database checks its rules now."""
        self._session.flush()

    def audit(self, at: datetime, actor: str, act: str, booking: str | None = None, event: str | None = None) -> None:
        """Leave a line: who did what."""
        self._session.add(AuditRow(at=at, actor=actor, act=act, booking_id=booking, event_id=event))

    def send_later(self, row: BookingRow, kind: NoticeKind, due_at: datetime) -> None:
        """Put a message to the booker into the outbox."""
        self._session.add(
            OutboxRow(
                id=uuid.uuid4().hex,
                booking_id=row.id,
                conversation=row.conversation,
                kind=kind,
                state="pending",
                due_at=due_at,
                tries=0,
            )
        )

    def drop_pending(self, booking_id: str, kinds: Collection[NoticeKind] = tuple(NoticeKind)) -> None:
        """Take back what is not sent yet."""
        self._session.execute(
            update(OutboxRow)
            .where(OutboxRow.booking_id == booking_id, OutboxRow.state == "pending", OutboxRow.kind.in_(kinds))
            .values(state="dropped")
        )

    def wants_reminders(self, conversation: str) -> bool:
        """Return whether nobody said 不要提醒."""
        return self._session.get(NoRemindersRow, conversation) is None

    def set_reminders(self, conversation: str, wanted: bool) -> None:
        """Keep whether a conversation wants reminders."""
        there = self._session.get(NoRemindersRow, conversation)
        if wanted and there:
            self._session.delete(there)
        elif not wanted and not there:
            self._session.add(NoRemindersRow(conversation=conversation))

    def booking(self, row: BookingRow) -> Booking:
        """Return the row as a Booking, decrypted."""
        event = self._session.get(EventRow, row.event_id, populate_existing=True)
        if event is None:
            raise LookupError(row.event_id)
        return Booking(
            id=row.id,
            code=row.code,
            state=State(row.state),
            for_whom=row.for_whom,
            phone=self._cipher.decrypt(row.phone, "bookings.phone"),
            name=self._cipher.decrypt(row.name, "bookings.name") if row.name else None,
            conversation=row.conversation,
            event=as_event(event),
            offered_until=row.offered_until,
            ahead=self._ahead(row) if row.state == State.WAITING else 0,
            rating=row.rating,
        )

    def _active(self, condition: object) -> list[BookingRow]:
        query = (
            select(BookingRow)
            .where(BookingRow.state.in_(ACTIVE), condition)  # type: ignore[arg-type]
            .order_by(BookingRow.starts_at)
        )
        return list(self._session.scalars(query))

    def _ahead(self, row: BookingRow) -> int:
        before = (BookingRow.event_id == row.event_id) & (BookingRow.queued < row.queued)
        query = select(func.count()).where(before, BookingRow.state == State.WAITING)
        return int(self._session.scalar(query) or 0)

    def _next_in_queue(self, event_id: str) -> int:
        last = self._session.scalar(select(func.max(BookingRow.queued)).where(BookingRow.event_id == event_id))
        return (last or 0) + 1

    def _free_code(self) -> str:
        """Return a code that no active booking has; the index refuses what a race would still double."""
        while True:
            code = f"{secrets.randbelow(_CODES):0{_CODE_DIGITS}}"
            used = select(BookingRow.id).where(BookingRow.code == code, BookingRow.state.in_(ACTIVE))
            if self._session.scalar(used) is None:
                return code


def as_event(row: EventRow) -> Event:
    """Return the row as an Event."""
    return Event(
        id=row.id,
        kind=Kind(row.kind),
        title=row.title,
        district=row.district,
        place=row.place,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        seats=row.seats,
        taken=row.taken,
        bring=row.bring,
        latitude=row.latitude,
        longitude=row.longitude,
        sample=row.sample,
    )

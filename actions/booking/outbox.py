"""What is to be sent, once it is due: claimed by one sender at a time, tried again, at last left to staff.

Sending cannot be exactly once: after a crash between send and mark it is sent again, and its
words make a repeat harmless. A claim is a lease (the due time is put off), so what a dead
sender held is sent by the next one.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from actions.booking.daytime import into_daytime, reminders
from actions.booking.model import Booking, NoticeKind, State
from actions.booking.store import Store
from storage.booking_tables import BookingRow, CallRow, OutboxRow
from storage.crypto import CannotDecrypt
from storage.database import Database

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
TRIES = 5  # with the waits below: about half an hour
_WAITS = (timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=8), timedelta(minutes=20))
_RATE_WITHIN = timedelta(days=7)
_SHOWN_FOR = timedelta(days=30)
_REPLY, _PHONE = "outbox.reply", "calls.phone"


@dataclass(frozen=True)
class Notice:
    """One message that is due, with the booking it is about."""

    id: str
    kind: NoticeKind
    booking: Booking
    tries: int  # this one included


@dataclass(frozen=True)
class Shown:
    """A message that was sent, or that waits on the page: the Reply as JSON."""

    id: str
    reply: str
    at: datetime


class Outbox:
    """The outbox over one database. Safe to share by threads and processes."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def claim(self, limit: int = 20) -> list[Notice]:
        """Return what is due and still true, each claimed for ``LEASE``; what is not true any more is dropped."""
        claimed = []
        with self._db.write() as session:
            store, now = Store(session, self._db.cipher), self._clock()
            query = (
                select(OutboxRow)
                .where(OutboxRow.state == "pending", OutboxRow.due_at <= now)
                .order_by(OutboxRow.due_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            for row in session.scalars(query):
                booked = session.get(BookingRow, row.booking_id)
                try:
                    booking = store.booking(booked) if booked else None
                except CannotDecrypt as error:  # one that was written with another key holds up nobody
                    logger.error("outbox %s is dropped: %s", row.id, error)
                    booking = None
                kind = NoticeKind(row.kind)
                if booking is None or not _still_true(kind, booking, now):
                    row.state = "dropped"
                    continue
                row.tries += 1
                row.due_at = now + LEASE
                claimed.append(Notice(row.id, kind, booking, row.tries))
        return claimed

    def sent(self, notice: Notice, reply: str) -> None:
        """Note that ``reply`` (JSON) was sent."""
        self._end(notice, "sent", reply)

    def failed(self, notice: Notice) -> bool:
        """Put off the next try; False where there were enough and staff must have it."""
        if notice.tries >= TRIES:
            return False
        with self._db.write() as session:
            row = session.get(OutboxRow, notice.id, with_for_update=True)
            if row and row.state == "pending":
                row.due_at = self._clock() + _WAITS[notice.tries - 1]
        return True

    def to_staff(self, notice: Notice, reply: str, about: str) -> None:
        """Put it on the call list; the page shows it too, if the person comes back there."""
        now = self._clock()
        with self._db.write() as session:
            row = session.get(OutboxRow, notice.id, with_for_update=True)
            if row is None or row.state != "pending":
                return
            row.state, row.sent_at = "staff", now
            row.reply = self._db.cipher.encrypt(reply, _REPLY)
            booking = notice.booking
            session.add(
                CallRow(
                    id=uuid.uuid4().hex,
                    key=row.id,
                    conversation=booking.conversation,
                    booking_id=booking.id,
                    reason=notice.kind,
                    phone=self._db.cipher.encrypt(booking.phone, _PHONE),
                    about=about,
                    state="open",
                    created_at=now,
                )
            )

    def seen(self, notice_id: str, conversation: str) -> bool:
        """Note that the person pressed 知道了: nobody need ring any more. False where it was not theirs."""
        with self._db.write() as session:
            row = session.get(OutboxRow, notice_id, with_for_update=True)
            if row is None or row.conversation != conversation:
                return False
            row.state = "seen"
            call = session.scalar(select(CallRow).where(CallRow.key == notice_id, CallRow.state == "open"))
            if call:
                call.state, call.done_at, call.done_by = "done", self._clock(), conversation
            return True

    def shown(self, conversation: str) -> list[Shown]:
        """Return what was sent to a conversation in the last month, oldest first."""
        query = (
            select(OutboxRow)
            .where(OutboxRow.conversation == conversation, OutboxRow.sent_at > self._clock() - _SHOWN_FOR)
            .order_by(OutboxRow.sent_at)
        )
        with self._db.transaction() as session:
            return [
                Shown(row.id, self._db.cipher.decrypt(row.reply, _REPLY), row.sent_at)
                for row in session.scalars(query)
                if row.reply and row.sent_at
            ]

    def _end(self, notice: Notice, state: str, reply: str) -> None:
        with self._db.write() as session:
            row = session.get(OutboxRow, notice.id, with_for_update=True)
            if row and row.state == "pending":
                row.state, row.sent_at = state, self._clock()
                row.reply = self._db.cipher.encrypt(reply, _REPLY)


def _still_true(kind: NoticeKind, booking: Booking, now: datetime) -> bool:
    starts = booking.event.starts_at
    if kind is NoticeKind.DAY_BEFORE:  # too late for it: the one two hours before says the same
        return booking.state is State.BOOKED and NoticeKind.SOON in reminders(starts, now)
    if kind in (NoticeKind.SOON, NoticeKind.MOVED):
        return booking.state is State.BOOKED and starts > now
    if kind is NoticeKind.OFFER:
        return booking.state is State.OFFERED and booking.offered_until is not None and booking.offered_until > now
    if kind is NoticeKind.OFFER_LAPSED:
        return booking.state is State.EXPIRED and starts > now
    if kind is NoticeKind.EVENT_CANCELLED:
        return booking.state is State.CANCELLED and starts > now
    rated = booking.rating is not None
    return booking.state in (State.BOOKED, State.ATTENDED) and not rated and now < into_daytime(starts) + _RATE_WITHIN

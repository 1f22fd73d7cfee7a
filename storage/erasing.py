"""Erases what is kept about one conversation, in every table; a booking still to come stays until its day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, or_, select

from storage.booking_tables import AttemptRow, BookingRow, CallRow, NoRemindersRow, OutboxRow
from storage.database import Database
from storage.desk_tables import CallNoteRow, DeskMessageRow
from storage.tables import (
    ButtonRow,
    ChatSettingsRow,
    DeliveryRow,
    InboxRow,
    TicketRow,
    TurnRow,
    UnansweredRow,
)

_ACTIVE = ("booked", "waiting", "offered")


class Erasure:
    """Deletes, at the person's own wish."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def erase(self, conversation: str, now: datetime) -> int:
        """Delete all of a conversation; return how many bookings still to come were kept.

        The audit keeps what was done to a booking, without a name, a phone or a word.
        """
        with self._db.write() as session:
            to_come = (
                BookingRow.conversation == conversation,
                BookingRow.state.in_(_ACTIVE),
                BookingRow.starts_at > now,
            )
            kept = list(session.scalars(select(BookingRow.id).where(*to_come)))
            for row in (OutboxRow, CallRow):
                over = or_(row.booking_id.is_(None), row.booking_id.not_in(kept))
                session.execute(delete(row).where(row.conversation == conversation, over))
            session.execute(
                delete(BookingRow).where(BookingRow.conversation == conversation, BookingRow.id.not_in(kept))
            )
            belongs = (
                AttemptRow,
                TicketRow,
                DeskMessageRow,
                CallNoteRow,
                UnansweredRow,
                DeliveryRow,
                TurnRow,
                ButtonRow,
                ChatSettingsRow,
                InboxRow,
            )
            for table in belongs if kept else (NoRemindersRow, *belongs):
                session.execute(delete(table).where(table.conversation == conversation))
            return len(kept)

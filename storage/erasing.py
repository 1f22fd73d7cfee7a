"""Erases what is kept about one conversation, in every table; a booking still to come stays until its day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, or_, select, update

from storage.booking_tables import AttemptRow, AuditRow, BookingRow, CallRow, NoRemindersRow, OutboxRow
from storage.database import Database
from storage.desk_tables import CallNoteRow, DeskMessageRow
from storage.digests import phone_digest
from storage.tables import (
    ButtonRow,
    ChatSettingsRow,
    DeliveryRow,
    InboxRow,
    LeaseRow,
    TicketRow,
    TurnRow,
    UnansweredRow,
)

ACTIVE = ("booked", "waiting", "offered")
ERASE_AFTER = "erase_after"  # in the audit: this booking goes once its day is over


class Erasure:
    """Deletes, at the person's own wish."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def erase(self, conversation: str, now: datetime, asked_in: str | None = None, but: str | None = None) -> int:
        """Delete all of a conversation; return how many bookings still to come were kept.

        ``asked_in`` is the message that asked for it: what was written after it and waits for its answer
        stays. ``but`` is a message whose answer has still to be sent: it stays too. The audit keeps what was
        done to a booking, without a name, a phone or a word, and no longer whose conversation it was.
        """
        with self._db.write() as session:
            to_come = (
                BookingRow.conversation == conversation,
                BookingRow.state.in_(ACTIVE),
                BookingRow.starts_at > now,
            )
            kept = list(session.scalars(select(BookingRow.id).where(*to_come)))
            for row in (OutboxRow, CallRow):
                over = or_(row.booking_id.is_(None), row.booking_id.not_in(kept))
                session.execute(delete(row).where(row.conversation == conversation, over))
            session.execute(
                delete(BookingRow).where(BookingRow.conversation == conversation, BookingRow.id.not_in(kept))
            )
            stays = [but] if but else []
            for table in (TicketRow, DeliveryRow, TurnRow):
                session.execute(delete(table).where(table.conversation == conversation, table.inbox_id.not_in(stays)))
            for each in (AttemptRow, DeskMessageRow, CallNoteRow, UnansweredRow, ButtonRow, ChatSettingsRow):
                session.execute(delete(each).where(each.conversation == conversation))
            if not kept:
                session.execute(delete(NoRemindersRow).where(NoRemindersRow.conversation == conversation))
            messages = delete(InboxRow).where(InboxRow.conversation == conversation, InboxRow.id.not_in(stays))
            if asked_in:
                messages = messages.where(or_(InboxRow.state == "done", InboxRow.id == asked_in))
            session.execute(messages)
            session.execute(update(AuditRow).where(AuditRow.actor == conversation).values(actor=nobody(conversation)))
            session.add_all(
                AuditRow(at=now, actor=nobody(conversation), act=ERASE_AFTER, booking_id=booking_id)
                for booking_id in kept
            )
            if not but:
                session.execute(delete(LeaseRow).where(LeaseRow.name == f"chat:{conversation}", LeaseRow.until < now))
            return len(kept)

    def erase_phone(self, phone: str, now: datetime) -> int:
        """Delete a telephone number wherever it is kept; return how many bookings still to come were kept.

        What was said in a conversation in which it was given stays: it need not be its holder's.
        """
        decrypt = self._db.cipher.decrypt
        with self._db.write() as session:
            its = BookingRow.phone_digest == phone_digest(self._db.cipher, phone)
            to_come = (its, BookingRow.state.in_(ACTIVE), BookingRow.starts_at > now)
            kept = list(session.scalars(select(BookingRow.id).where(*to_come)))
            gone = list(session.scalars(select(BookingRow.id).where(its, BookingRow.id.not_in(kept))))
            for column in (OutboxRow.booking_id, CallRow.booking_id, BookingRow.id):
                session.execute(delete(column.class_).where(column.in_(gone)))
            for call in session.scalars(select(CallRow).where(CallRow.booking_id.is_(None))):
                if decrypt(call.phone, "calls.phone") == phone:
                    session.delete(call)
            for message in session.scalars(select(InboxRow).where(InboxRow.phone.is_not(None))):
                if decrypt(message.phone or b"", "inbox.phone") == phone:
                    message.phone = None
            for ticket in session.scalars(select(TicketRow).where(TicketRow.phone.is_not(None))):
                if decrypt(ticket.phone or b"", "tickets.phone") == phone:
                    ticket.phone = None
            session.add_all(
                AuditRow(at=now, actor="phone:erased", act=ERASE_AFTER, booking_id=booking_id) for booking_id in kept
            )
            return len(kept)


def nobody(conversation: str) -> str:
    """Return what stands in the place of a conversation that was erased: its channel alone, for the statistics."""
    return f"{conversation.partition(':')[0]}:erased"

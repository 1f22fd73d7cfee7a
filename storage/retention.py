"""Forgets the record of conversations, and whose a booking was, once it is old enough."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from storage.booking_tables import AttemptRow, AuditRow, BookingRow, CallRow, NoRemindersRow, OutboxRow
from storage.clock import SHANGHAI
from storage.database import Database
from storage.desk_tables import CallNoteRow, DeskMessageRow, StaffSessionRow
from storage.erasing import ERASE_AFTER, nobody
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

AUDIT_KEPT = timedelta(days=3 * 366)  # records of what was done are kept for three years (PIPL, article 56)
_BATCH = 500  # rows at a time: nobody waits long for the writer


class Retention:
    """Deletes what was said before a given time; what staff still have to see stays."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def forget(self, before: datetime) -> int:
        """Delete messages that came in before ``before``, and all that hangs on them; return how many."""
        gone = 0
        while True:
            with self._db.write() as session:
                waiting = select(TicketRow.inbox_id).where(TicketRow.state != "closed")
                sending = select(DeliveryRow.inbox_id).where(DeliveryRow.state == "pending")
                old = select(InboxRow.id).where(
                    InboxRow.received_at < before,  # answered or not: nobody answers it any more
                    InboxRow.id.not_in(waiting),
                    InboxRow.id.not_in(sending),
                )
                ids = list(session.scalars(old.limit(_BATCH)))
                belongs: tuple[InstrumentedAttribute[str], ...] = (
                    TicketRow.inbox_id,
                    DeliveryRow.inbox_id,
                    TurnRow.inbox_id,
                    InboxRow.id,
                )
                for column in belongs:
                    session.execute(delete(column.class_).where(column.in_(ids)))
                if len(ids) < _BATCH:
                    _forget_the_rest(session, before)
            gone += len(ids)
            if len(ids) < _BATCH:
                return gone

    def forget_bookings(self, before: datetime, now: datetime) -> int:
        """Take name, phone and conversation from bookings of before ``before``; return how many had them.

        The booking itself stays, for the counts. One that was only kept because its day was still to come,
        when its person had everything erased, is deleted once that day is over.
        """
        with self._db.write() as session:
            today = datetime.combine(now.astimezone(SHANGHAI).date(), time.min, SHANGHAI)
            asked = select(AuditRow.booking_id).where(AuditRow.act == ERASE_AFTER)
            over = select(BookingRow.id).where(BookingRow.id.in_(asked), BookingRow.starts_at < today)
            ids = list(session.scalars(over.limit(_BATCH)))
            for column in (OutboxRow.booking_id, CallRow.booking_id, BookingRow.id):
                session.execute(delete(column.class_).where(column.in_(ids)))
            session.execute(delete(OutboxRow).where(OutboxRow.due_at < before, OutboxRow.state != "pending"))
            session.execute(delete(CallRow).where(CallRow.done_at < before))
            old = select(BookingRow).where(BookingRow.starts_at < before, BookingRow.phone_digest != "")
            rows = session.scalars(old.limit(_BATCH)).all()
            for row in rows:
                row.name, row.phone, row.phone_digest = None, self._db.cipher.encrypt("", "bookings.phone"), ""
                row.person, row.conversation = row.id, nobody(row.conversation)
        more = self.forget_bookings(before, now) if len(rows) == _BATCH or len(ids) == _BATCH else 0
        return len(rows) + len(ids) + more


def _forget_the_rest(session: Session, before: datetime) -> None:
    """Delete what hangs on no message by itself, and how somebody wants to be answered who is heard of no more."""
    for row in (ButtonRow, UnansweredRow, CallNoteRow, StaffSessionRow):
        session.execute(delete(row).where(row.created_at < before))
    talked = select(TicketRow.conversation).where(TicketRow.state != "closed")
    old_words = (DeskMessageRow.created_at < before, DeskMessageRow.conversation.not_in(talked))
    session.execute(delete(DeskMessageRow).where(*old_words))
    for kept in (ChatSettingsRow, AttemptRow, NoRemindersRow):
        said = select(TurnRow.number).where(TurnRow.conversation == kept.conversation).exists()
        booked = select(BookingRow.id).where(BookingRow.conversation == kept.conversation).exists()
        session.execute(delete(kept).where(~or_(said, booked)))
    session.execute(delete(LeaseRow).where(LeaseRow.until < before))
    session.execute(delete(AuditRow).where(AuditRow.at < before - AUDIT_KEPT))

"""Forgets the record of conversations once it is old enough."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import InstrumentedAttribute

from storage.database import Database
from storage.desk_tables import CallNoteRow, DeskMessageRow, StaffSessionRow
from storage.tables import ButtonRow, DeliveryRow, InboxRow, TicketRow, TurnRow, UnansweredRow

_BATCH = 500  # rows at a time: nobody waits long for the writer


class Retention:
    """Deletes what was said before a given time; what staff still have to see stays."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def forget(self, before: datetime) -> int:
        """Delete answered messages that came in before ``before``, and all that hangs on them; return how many."""
        gone = 0
        while True:
            with self._db.write() as session:
                waiting = select(TicketRow.inbox_id).where(TicketRow.state != "closed")
                sending = select(DeliveryRow.inbox_id).where(DeliveryRow.state == "pending")
                old = select(InboxRow.id).where(
                    InboxRow.received_at < before,
                    InboxRow.state == "done",
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
                    for row in (ButtonRow, UnansweredRow, CallNoteRow, StaffSessionRow):
                        session.execute(delete(row).where(row.created_at < before))
                    talked = select(TicketRow.conversation).where(TicketRow.state != "closed")
                    old_words = (DeskMessageRow.created_at < before, DeskMessageRow.conversation.not_in(talked))
                    session.execute(delete(DeskMessageRow).where(*old_words))
            gone += len(ids)
            if len(ids) < _BATCH:
                return gone

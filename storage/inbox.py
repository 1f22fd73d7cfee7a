"""Messages as they came in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.tables import InboxRow

_TEXT, _PHONE = "inbox.text", "inbox.phone"


@dataclass(frozen=True)
class Received:
    """A stored message. ``text`` is already masked."""

    id: str
    channel: str
    external_id: str
    conversation: str
    text: str
    act: str | None
    received_at: datetime
    phone: str | None = None


class Inbox:
    """The inbox: one row a message, unique by channel and the channel's own id."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def store(self, message: Received) -> bool:
        """Store a message; return False where it was stored before (a repeat)."""
        row = InboxRow(
            id=message.id,
            channel=message.channel,
            external_id=message.external_id,
            conversation=message.conversation,
            text=self._db.cipher.encrypt(message.text, _TEXT),
            act=message.act,
            state="received",
            received_at=message.received_at,
            phone=self._db.cipher.encrypt(message.phone, _PHONE) if message.phone else None,
        )
        try:
            with self._db.transaction() as session:
                session.add(row)
        except IntegrityError:
            return False
        return True

    def undone(self, since: datetime) -> list[Received]:
        """Return messages received ``since`` that nobody answered, oldest first."""
        query = (
            select(InboxRow)
            .where(InboxRow.state == "received", InboxRow.received_at >= since)
            .order_by(InboxRow.received_at)
        )
        with self._db.transaction() as session:
            return [
                Received(
                    row.id,
                    row.channel,
                    row.external_id,
                    row.conversation,
                    self._db.cipher.decrypt(row.text, _TEXT),
                    row.act,
                    row.received_at,
                    self._db.cipher.decrypt(row.phone, _PHONE) if row.phone else None,
                )
                for row in session.scalars(query)
            ]

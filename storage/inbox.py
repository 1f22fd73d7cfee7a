"""Messages as they came in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, insert, select, union, update
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.tables import DeliveryRow, InboxRow

_TEXT, _PHONE = "inbox.text", "inbox.phone"
_INSERT = insert(InboxRow.__table__)  # type: ignore[arg-type]  # plain, not the ORM's: a third of the time


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
    media: str | None = None
    sequence: int = 0


class Inbox:
    """The inbox: one row a message, unique by channel and the channel's own id."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def store(self, message: Received) -> bool:
        """Store a message; return False where it was stored before (a repeat)."""
        row = {
            "id": message.id,
            "channel": message.channel,
            "external_id": message.external_id,
            "conversation": message.conversation,
            "text": self._db.cipher.encrypt(message.text, _TEXT),
            "act": message.act,
            "state": "received",
            "received_at": message.received_at,
            "phone": self._db.cipher.encrypt(message.phone, _PHONE) if message.phone else None,
            "media": message.media,
            "sequence": message.sequence,
        }
        try:
            with self._db.write() as session:
                session.connection().execute(_INSERT, row)
        except IntegrityError:
            return False
        return True

    def undone(self, since: datetime, but: Collection[str] = ()) -> list[Received]:
        """Return messages received ``since`` that nobody answered, oldest first, without some channels."""
        query = (
            select(InboxRow)
            .where(InboxRow.state == "received", InboxRow.received_at >= since, InboxRow.channel.not_in(but))
            .order_by(InboxRow.received_at)
        )
        return self._all(query)

    def waiting(self, conversation: str) -> list[Received]:
        """Return the messages of a conversation that nobody answered, in the channel's order."""
        query = (
            select(InboxRow)
            .where(InboxRow.conversation == conversation, InboxRow.state == "received")
            .order_by(InboxRow.sequence, InboxRow.received_at)
        )
        return self._all(query)

    def waiting_conversations(self, channel: str, since: datetime) -> list[str]:
        """Return the conversations of a channel with a message, or a reply, that waits."""
        inbox = select(InboxRow.conversation).where(
            InboxRow.channel == channel, InboxRow.state == "received", InboxRow.received_at >= since
        )
        replies = select(DeliveryRow.conversation).where(
            DeliveryRow.state == "pending",
            DeliveryRow.conversation.startswith(f"{channel}:", autoescape=True),
            DeliveryRow.created_at >= since,
        )
        with self._db.transaction() as session:
            return list(session.scalars(union(inbox, replies)))

    def skip(self, inbox_id: str) -> None:
        """Note that a message needs no answer."""
        with self._db.write() as session:
            session.execute(update(InboxRow).where(InboxRow.id == inbox_id).values(state="done"))

    def _all(self, query: Select[InboxRow]) -> list[Received]:
        decrypt = self._db.cipher.decrypt
        with self._db.transaction() as session:
            return [
                Received(
                    row.id,
                    row.channel,
                    row.external_id,
                    row.conversation,
                    decrypt(row.text, _TEXT),
                    row.act,
                    row.received_at,
                    decrypt(row.phone, _PHONE) if row.phone else None,
                    row.media,
                    row.sequence,
                )
                for row in session.scalars(query)
            ]

"""Replies that a channel has to send, and how somebody wants to be answered."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from storage.database import Database
from storage.tables import ChatSettingsRow, DeliveryRow, TurnRow

_REPLY = "turns.reply"


@dataclass(frozen=True)
class Delivery:
    """A reply (JSON) that is not sent yet; the first ``parts_sent`` messages of it are."""

    inbox_id: str
    reply: str
    intent: str | None
    parts_sent: int


@dataclass(frozen=True)
class ChatSettings:
    """How somebody wants to be answered."""

    voice: bool = False
    slow: bool = False
    short: bool = False


class Deliveries:
    """The replies of all channels that push."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def pending(self, conversation: str) -> list[Delivery]:
        """Return what a conversation has not been sent yet, in order."""
        query = (
            select(DeliveryRow, TurnRow)
            .join(TurnRow, TurnRow.inbox_id == DeliveryRow.inbox_id)
            .where(DeliveryRow.conversation == conversation, DeliveryRow.state == "pending")
            .order_by(DeliveryRow.number)
        )
        decrypt = self._db.cipher.decrypt
        with self._db.transaction() as session:
            return [
                Delivery(row.inbox_id, decrypt(turn.reply, _REPLY), turn.intent, row.parts_sent)
                for row, turn in session.execute(query)
            ]

    def part_sent(self, inbox_id: str, parts: int) -> None:
        """Note that the first ``parts`` messages of a reply are sent."""
        self._set(inbox_id, parts_sent=parts)

    def sent(self, inbox_id: str) -> None:
        """Note that a reply is sent whole."""
        self._set(inbox_id, state="sent")

    def failed(self, inbox_id: str) -> None:
        """Give a reply up: the person cannot be reached."""
        self._set(inbox_id, state="failed")

    def settings(self, conversation: str) -> ChatSettings:
        """Return how a conversation wants to be answered."""
        with self._db.transaction() as session:
            row = session.get(ChatSettingsRow, conversation)
            return ChatSettings(row.voice, row.slow, row.short) if row else ChatSettings()

    def set_settings(self, conversation: str, settings: ChatSettings) -> None:
        """Keep how a conversation wants to be answered."""
        with self._db.write() as session:
            session.merge(
                ChatSettingsRow(
                    conversation=conversation, voice=settings.voice, slow=settings.slow, short=settings.short
                )
            )

    def _set(self, inbox_id: str, **values: object) -> None:
        with self._db.write() as session:
            session.execute(update(DeliveryRow).where(DeliveryRow.inbox_id == inbox_id).values(**values))

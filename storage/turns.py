"""What was said and answered, and what staff should see of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from storage.database import Database
from storage.tables import ButtonRow, DeliveryRow, InboxRow, TicketRow, TurnRow, UnansweredRow
from storage.tickets import NewTicket, open_ticket

_TEXT, _REPLY, _UNANSWERED = "turns.text", "turns.reply", "unanswered.text"
_TOKEN_BYTES = 12
_INSERT_TURN = insert(TurnRow.__table__)  # type: ignore[arg-type]
_INSERT_BUTTON = insert(ButtonRow.__table__)  # type: ignore[arg-type]
_CLOSE = update(InboxRow.__table__).where(InboxRow.id == bindparam("closed")).values(state="done")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Turn:
    """One message and its reply (as JSON)."""

    inbox_id: str
    conversation: str
    text: str
    reply: str
    outcome: str
    intent: str | None
    service_id: str | None
    took_ms: float
    created_at: datetime
    district: str | None = None  # said in it; for statistics
    age_band: str | None = None


@dataclass(frozen=True)
class PressedButton:
    """What a token stands for."""

    title: str
    act: str


class Turns:
    """The record of conversations."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def record(
        self,
        turn: Turn,
        ticket: NewTicket | None = None,
        unanswered: str | None = None,
        also: Sequence[str] = (),
        deliver: bool = False,
    ) -> None:
        """Store a turn and close its inbox row, with a ticket or an unanswered question, at once.

        ``also`` are inbox rows that were taken as one message with it; with ``deliver`` the
        reply waits to be sent by its channel.
        """
        encrypt = self._db.cipher.encrypt
        with self._db.write() as session:
            # Plain statements, not the ORM's, for what every message needs: a third of the time.
            connection = session.connection()
            connection.execute(
                _INSERT_TURN, {**asdict(turn), "text": encrypt(turn.text, _TEXT), "reply": encrypt(turn.reply, _REPLY)}
            )
            for inbox_id in (turn.inbox_id, *also):
                connection.execute(_CLOSE, {"closed": inbox_id})
            if ticket:
                open_ticket(session, turn.conversation, turn.inbox_id, ticket, turn.created_at)
            if unanswered:
                session.add(
                    UnansweredRow(
                        conversation=turn.conversation,
                        text=encrypt(turn.text, _UNANSWERED),
                        reason=unanswered,
                        nearest=turn.service_id,
                        created_at=turn.created_at,
                    )
                )
            if deliver:
                session.add(
                    DeliveryRow(
                        inbox_id=turn.inbox_id,
                        conversation=turn.conversation,
                        state="pending",
                        parts_sent=0,
                        created_at=turn.created_at,
                    )
                )

    def last(self, conversation: str, count: int, since: datetime | None = None) -> list[Turn]:
        """Return the last ``count`` turns of a conversation, those after ``since`` only; oldest first."""
        query = select(TurnRow).where(TurnRow.conversation == conversation).order_by(TurnRow.number.desc()).limit(count)
        if since is not None:
            query = query.where(TurnRow.created_at > since)
        with self._db.transaction() as session:
            return [self._turn(row) for row in reversed(session.scalars(query).all())]

    def turn_of(self, channel: str, external_id: str) -> Turn | None:
        """Return the turn of a message, or None where it has no answer yet."""
        query = (
            select(TurnRow)
            .join(InboxRow, InboxRow.id == TurnRow.inbox_id)
            .where(InboxRow.channel == channel, InboxRow.external_id == external_id)
        )
        with self._db.transaction() as session:
            row = session.scalar(query)
            return self._turn(row) if row else None

    def unanswered(self, limit: int = 100) -> list[tuple[str, str]]:
        """Return (text, reason) of the latest unanswered questions."""
        query = select(UnansweredRow).order_by(UnansweredRow.id.desc()).limit(limit)
        with self._db.transaction() as session:
            return [(self._db.cipher.decrypt(row.text, _UNANSWERED), row.reason) for row in session.scalars(query)]

    def open_tickets(self) -> list[tuple[str, str]]:
        """Return (kind, conversation) of what waits for staff, oldest first."""
        query = select(TicketRow).where(TicketRow.state == "open").order_by(TicketRow.id)
        with self._db.transaction() as session:
            return [(row.kind, row.conversation) for row in session.scalars(query)]

    def _turn(self, row: TurnRow) -> Turn:
        decrypt = self._db.cipher.decrypt
        return Turn(
            row.inbox_id,
            row.conversation,
            decrypt(row.text, _TEXT),
            decrypt(row.reply, _REPLY),
            row.outcome,
            row.intent,
            row.service_id,
            row.took_ms,
            row.created_at,
            row.district,
            row.age_band,
        )


class Buttons:
    """Opaque tokens: a button says nothing but what the database knows of it."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def issue(self, conversation: str, titled_acts: list[tuple[str, str]], now: datetime) -> list[str]:
        """Return a new token for each (title, act)."""
        tokens = [secrets.token_urlsafe(_TOKEN_BYTES) for _ in titled_acts]
        rows = [
            {"token": token, "conversation": conversation, "title": title, "act": act, "created_at": now}
            for token, (title, act) in zip(tokens, titled_acts, strict=True)
        ]
        with self._db.write() as session:
            session.connection().execute(_INSERT_BUTTON, rows)
        return tokens

    def pressed(self, token: str, conversation: str) -> PressedButton | None:
        """Return what a token stands for, or None where this conversation was never given it."""
        with self._db.transaction() as session:
            row = session.get(ButtonRow, token)
            if row is None or row.conversation != conversation:
                return None
            return PressedButton(row.title, row.act)

"""What has changed since one last looked: one cheap look for everybody who watches."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from storage.database import Database
from storage.desk_tables import DeskMessageRow
from storage.tables import TicketRow, TurnRow

QUEUE = "queue"


@dataclass(frozen=True)
class Seen:
    """How far one has looked."""

    turn: int = 0
    message: int = 0
    queue: tuple[tuple[object, ...], ...] = ()


class Changes:
    """Looks for what is new."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def since(self, seen: Seen) -> tuple[Seen, set[str]]:
        """Return how far this look went, and the conversations with something new; QUEUE where the queue is."""
        held = (TicketRow.id, TicketRow.state, TicketRow.claimed_by, TicketRow.urgency, TicketRow.waits_since)
        with self._db.transaction() as session:
            turns = session.execute(
                select(TurnRow.conversation, func.max(TurnRow.number))
                .where(TurnRow.number > seen.turn)
                .group_by(TurnRow.conversation)
            ).all()
            messages = session.execute(
                select(DeskMessageRow.conversation, func.max(DeskMessageRow.number))
                .where(DeskMessageRow.number > seen.message)
                .group_by(DeskMessageRow.conversation)
            ).all()
            queue = tuple(
                tuple(row)
                for row in session.execute(
                    select(*held).where(TicketRow.state.in_(("open", "claimed"))).order_by(TicketRow.id)
                )
            )
        now = Seen(
            max([seen.turn, *(number for _, number in turns)]),
            max([seen.message, *(number for _, number in messages)]),
            queue,
        )
        changed = {conversation for conversation, _ in (*turns, *messages)}
        return now, changed | ({QUEUE} if queue != seen.queue else set())

    def latest(self) -> Seen:
        """Return how far there is to look now."""
        with self._db.transaction() as session:
            turn = session.scalar(select(func.max(TurnRow.number))) or 0
            message = session.scalar(select(func.max(DeskMessageRow.number))) or 0
        return Seen(turn, message)

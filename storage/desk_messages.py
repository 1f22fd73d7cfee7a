"""What staff write to people: stored first, then sent through the person's own channel until it arrives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.desk_tables import DeskMessageRow, StaffRow

_REPLY = "desk_messages.reply"
_TRIES = 6
_WAIT = timedelta(seconds=20)


@dataclass(frozen=True)
class DeskMessage:
    """One message; ``reply`` is JSON, ``who`` what the person is told of the writer (nobody: the desk)."""

    number: int
    conversation: str
    reply: str
    who: str | None
    state: str
    tries: int
    at: datetime


class DeskMessages:
    """The messages over one database. Safe to share by threads and processes."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def write(
        self, conversation: str, reply: str, key: str, ticket_id: int | None = None, staff_id: str | None = None
    ) -> bool:
        """Store a message to be sent; False where the same ``key`` was stored before."""
        now = self._clock()
        row = DeskMessageRow(
            key=key,
            ticket_id=ticket_id,
            conversation=conversation,
            staff_id=staff_id,
            reply=self._db.cipher.encrypt(reply, _REPLY),
            state="pending",
            tries=0,
            due_at=now,
            created_at=now,
        )
        try:
            with self._db.write() as session:
                session.add(row)
        except IntegrityError:
            return False
        return True

    def of(self, conversation: str, since: datetime | None = None) -> list[DeskMessage]:
        """Return the messages of a conversation, those after ``since`` only; oldest first."""
        query = (
            select(DeskMessageRow, StaffRow.shown)
            .outerjoin(StaffRow, StaffRow.id == DeskMessageRow.staff_id)
            .where(DeskMessageRow.conversation == conversation)
            .order_by(DeskMessageRow.number)
        )
        if since is not None:
            query = query.where(DeskMessageRow.created_at > since)
        with self._db.transaction() as session:
            return [self._message(row, who) for row, who in session.execute(query)]

    def waiting(self) -> list[str]:
        """Return the conversations with a message that is due."""
        query = (
            select(DeskMessageRow.conversation)
            .where(DeskMessageRow.state == "pending", DeskMessageRow.due_at <= self._clock())
            .distinct()
        )
        with self._db.transaction() as session:
            return list(session.scalars(query))

    def pending(self, conversation: str) -> list[DeskMessage]:
        """Return what is not sent yet to a conversation, in order."""
        return [each for each in self.of(conversation) if each.state == "pending"]

    def sent(self, message: DeskMessage) -> None:
        """Note that a message is sent."""
        self._set(message, state="sent")

    def failed(self, message: DeskMessage, final: bool) -> None:
        """Put off the next try, or give the message up."""
        last = final or message.tries + 1 >= _TRIES
        due = self._clock() + _WAIT * (message.tries + 1)
        self._set(message, state="failed" if last else "pending", tries=message.tries + 1, due_at=due)

    def _set(self, message: DeskMessage, **values: object) -> None:
        with self._db.write() as session:
            session.execute(update(DeskMessageRow).where(DeskMessageRow.number == message.number).values(**values))

    def _message(self, row: DeskMessageRow, who: str | None) -> DeskMessage:
        reply = self._db.cipher.decrypt(row.reply, _REPLY)
        return DeskMessage(row.number, row.conversation, reply, who, row.state, row.tries, row.created_at)

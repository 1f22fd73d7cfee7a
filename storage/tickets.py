"""Who waits for a person, who of staff has taken whom, and when it has lain too long.

What no race may break is one conditional update: a ticket is claimed once, and given back by
whoever has it or by the one sweep that finds it silent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, literal, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from storage.database import Database
from storage.tables import TicketRow

_PHONE = "tickets.phone"
_ACTIVE = ("open", "claimed")
# Asked twice for each message: made once, and without the ORM it takes a third of the time.
_ACTIVE_OF = select(TicketRow.__table__).where(
    TicketRow.conversation == bindparam("conversation"), TicketRow.state.in_(_ACTIVE)
)


@dataclass(frozen=True)
class NewTicket:
    """What a turn makes staff see; ``due_at`` is by when somebody should have taken it."""

    kind: str
    urgency: int
    due_at: datetime | None = None


@dataclass(frozen=True)
class Ticket:
    """Somebody who waits, or is being talked with."""

    id: int
    conversation: str
    kind: str
    state: str
    urgency: int
    created_at: datetime
    due_at: datetime | None = None
    phone: str | None = None
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    waits_since: datetime | None = None
    spoken_at: datetime | None = None

    @property
    def channel(self) -> str:
        """Return the channel of the conversation."""
        return self.conversation.split(":")[0]

    @property
    def is_held(self) -> bool:
        """Return whether a clerk has it: the bot is silent then."""
        return self.state == "claimed"


class Tickets:
    """The queue over one database. Safe to share by threads and processes."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def active(self, conversation: str) -> Ticket | None:
        """Return the ticket of a conversation that is not closed."""
        with self._db.engine.connect() as connection:
            row = connection.execute(_ACTIVE_OF, {"conversation": conversation}).first()
            return self._ticket(row) if row else None

    def by_id(self, ticket_id: int) -> Ticket | None:
        """Return a ticket, whatever its state."""
        return self._one(select(TicketRow).where(TicketRow.id == ticket_id))

    def queue(self) -> list[Ticket]:
        """Return what is not closed: the most urgent first, then who waits longest."""
        query = (
            select(TicketRow)
            .where(TicketRow.state.in_(_ACTIVE))
            .order_by(TicketRow.urgency.desc(), TicketRow.created_at, TicketRow.id)
        )
        with self._db.transaction() as session:
            return [self._ticket(row) for row in session.scalars(query)]

    def ahead(self, urgency: int, mine: Ticket | None) -> int:
        """Return how many that nobody has taken yet come before ``mine``, or before a new one of ``urgency``."""
        before = TicketRow.urgency == urgency
        if mine:
            urgency = max(urgency, mine.urgency)
            before = (TicketRow.urgency == urgency) & (TicketRow.id < mine.id)
        query = select(func.count()).where(TicketRow.state == "open", (TicketRow.urgency > urgency) | before)
        with self._db.transaction() as session:
            return int(session.scalar(query) or 0)

    def claim(self, ticket_id: int, staff_id: str, rings: bool = False) -> bool:
        """Take a ticket; False where somebody else was first. Who ``rings`` is not waited for in the chat."""
        now = self._clock()
        return self._change(
            (TicketRow.id == ticket_id) & (TicketRow.state == "open"),
            state="claimed",
            claimed_by=staff_id,
            claimed_at=now,
            first_claimed_at=_or_now(TicketRow.first_claimed_at, now),
            waits_since=None if rings else now,
            spoken_at=now,
        )

    def staff_spoke(self, ticket_id: int, staff_id: str) -> bool:
        """Note that the clerk who has it wrote; False for anybody else."""
        return self._change(_held_by(ticket_id, staff_id), waits_since=None, spoken_at=self._clock())

    def person_spoke(self, conversation: str) -> None:
        """Note that the person waits for the clerk's next word."""
        now = self._clock()
        mine = (TicketRow.conversation == conversation) & (TicketRow.state == "claimed")
        self._change(mine, waits_since=_or_now(TicketRow.waits_since, now), spoken_at=now)

    def close(self, ticket_id: int, staff_id: str, disposition: str) -> bool:
        """Hand back to the bot; False where this clerk does not have it (any more)."""
        return self._change(
            _held_by(ticket_id, staff_id), state="closed", closed_at=self._clock(), disposition=disposition
        )

    def put_back(self, ticket_id: int, staff_id: str) -> bool:
        """Give a ticket back to the queue, where it keeps its place; False for anybody else."""
        return self._change(_held_by(ticket_id, staff_id), **_unclaimed())

    def release_silent(self, silent: timedelta) -> list[Ticket]:
        """Put back to the queue whose clerk let the person wait that long; return those."""
        waits = (TicketRow.state == "claimed") & (TicketRow.waits_since < self._clock() - silent)
        return self._each(waits, **_unclaimed())

    def close_forgotten(self, quiet: timedelta) -> list[Ticket]:
        """Close what was answered and where nobody has said anything since; return those."""
        over = (
            (TicketRow.state == "claimed")
            & TicketRow.waits_since.is_(None)
            & (TicketRow.spoken_at < self._clock() - quiet)
        )
        return self._each(over, state="closed", closed_at=self._clock(), disposition="quiet")

    def set_phone(self, ticket_id: int, phone: str) -> None:
        """Keep where the person wants to be rung."""
        self._change(TicketRow.id == ticket_id, phone=self._db.cipher.encrypt(phone, _PHONE))

    def _each(self, condition: ColumnElement[bool], **values: Any) -> list[Ticket]:
        """Change what fits one by one; return what was changed here and not by another process."""
        with self._db.transaction() as session:
            found = [self._ticket(row) for row in session.scalars(select(TicketRow).where(condition))]
        return [each for each in found if self._change((TicketRow.id == each.id) & condition, **values)]

    def _change(self, condition: ColumnElement[bool], **values: Any) -> bool:
        with self._db.write() as session:
            changed = session.execute(
                update(TicketRow).where(condition).values(**values).execution_options(synchronize_session=False)
            )
            return bool(changed.rowcount)  # type: ignore[attr-defined]

    def _one(self, query: Select[TicketRow]) -> Ticket | None:
        with self._db.transaction() as session:
            row = session.scalar(query)
            return self._ticket(row) if row else None

    def _ticket(self, row: TicketRow | Row[Any]) -> Ticket:
        return Ticket(
            row.id,
            row.conversation,
            row.kind,
            row.state,
            row.urgency,
            row.created_at,
            row.due_at,
            self._db.cipher.decrypt(row.phone, _PHONE) if row.phone else None,
            row.claimed_by,
            row.claimed_at,
            row.waits_since,
            row.spoken_at,
        )


def open_ticket(session: Session, conversation: str, inbox_id: str, new: NewTicket, now: datetime) -> None:
    """Write a ticket; one that is there already keeps its place, and becomes as urgent as the new one."""
    row = session.scalar(
        select(TicketRow).where(TicketRow.conversation == conversation, TicketRow.state.in_(_ACTIVE)).with_for_update()
    )
    if row is None:
        session.add(
            TicketRow(
                inbox_id=inbox_id,
                conversation=conversation,
                kind=new.kind,
                state="open",
                urgency=new.urgency,
                due_at=new.due_at,
                created_at=now,
            )
        )
    elif new.urgency > row.urgency:
        row.kind, row.urgency, row.due_at = new.kind, new.urgency, new.due_at


def _or_now(column: InstrumentedAttribute[datetime | None], now: datetime) -> ColumnElement[Any]:
    """Return the column's time, or ``now`` bound as the column is: SQLite would keep it without its zone."""
    return func.coalesce(column, literal(now, column.type))


def _held_by(ticket_id: int, staff_id: str) -> ColumnElement[bool]:
    return (TicketRow.id == ticket_id) & (TicketRow.state == "claimed") & (TicketRow.claimed_by == staff_id)


def _unclaimed() -> dict[str, Any]:
    return {"state": "open", "claimed_by": None, "claimed_at": None, "waits_since": None}

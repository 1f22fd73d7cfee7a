"""What is kept about somebody: for who asks what we know, and to take away (PIPL, article 45).

It goes through every table that knows of conversations, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Table, func, select
from sqlalchemy.orm import Session

from storage import booking_tables, desk_tables  # noqa: F401 (they add their tables)
from storage.booking_tables import BookingRow, CallRow
from storage.database import Database
from storage.desk_tables import CallNoteRow, DeskMessageRow
from storage.digests import phone_digest
from storage.erasing import ACTIVE
from storage.tables import Base, InboxRow, TicketRow, TurnRow

Rows = dict[str, list[dict[str, Any]]]  # table → its rows, decrypted
# Of no use to the person: our own keys, digests of what stands beside them, names of staff.
OURS = {"person", "phone_digest", "key", "token", "staff_id", "claimed_by", "done_by", "holder", "actor"}


@dataclass(frozen=True)
class Summary:
    """What is kept about a conversation, in figures."""

    messages: int = 0
    since: datetime | None = None
    to_come: tuple[datetime, ...] = ()  # when what is booked begins
    past: int = 0
    calls: int = 0  # wishes to be rung
    waits: bool = False  # for a person, or talks with one
    from_staff: int = 0
    notes: int = 0  # of staff

    def is_empty(self) -> bool:
        """Return whether nothing is kept."""
        return self == Summary()


class Records:
    """Reads what is kept about one conversation, or beside one telephone number."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def summary(self, conversation: str, now: datetime, asked_in: str = "") -> Summary:
        """Return the figures, without the message ``asked_in`` in which they are asked for."""

        def count(session: Session, row: type[Any], *conditions: ColumnElement[bool]) -> int:
            query = select(func.count()).select_from(row).where(row.conversation == conversation, *conditions)
            return int(session.scalar(query) or 0)

        with self._db.transaction() as session:
            said = (TurnRow.conversation == conversation, TurnRow.inbox_id != asked_in)
            messages, since = session.execute(select(func.count(), func.min(TurnRow.created_at)).where(*said)).one()
            comes = (BookingRow.state.in_(ACTIVE), BookingRow.starts_at > now)
            when = select(BookingRow.starts_at).where(BookingRow.conversation == conversation, *comes)
            to_come = tuple(session.scalars(when.order_by(BookingRow.starts_at)))
            return Summary(
                messages,
                since,
                to_come,
                count(session, BookingRow) - len(to_come),
                count(session, CallRow, CallRow.state == "open", CallRow.booking_id.is_(None)),
                count(session, TicketRow, TicketRow.state != "closed") > 0,
                count(session, DeskMessageRow, DeskMessageRow.staff_id.is_not(None)),
                count(session, CallNoteRow),
            )

    def of_conversation(self, conversation: str) -> Rows:
        """Return everything that is kept about a conversation."""
        with self._db.transaction() as session:
            found = {
                table.name: self._rows(session, table, table.c.conversation == conversation)
                for table in conversation_tables()
            }
            audit = Base.metadata.tables["audit"]
            found["audit"] = self._rows(session, audit, audit.c.actor == conversation)
            events = _ids(found["bookings"], "event_id")
            found["events"] = self._rows(session, *_with_id("events", events))
        return {name: rows for name, rows in found.items() if rows}

    def of_phone(self, phone: str) -> Rows:
        """Return what is kept beside a telephone number (digits), and not what others said in a conversation."""
        bookings, outbox = (Base.metadata.tables[name] for name in ("bookings", "outbox"))
        with self._db.transaction() as session:
            its = bookings.c.phone_digest == phone_digest(self._db.cipher, phone)
            ids = list(session.scalars(select(bookings.c.id).where(its)))
            found = {
                "bookings": self._rows(session, bookings, its),
                "outbox": self._rows(session, outbox, outbox.c.booking_id.in_(ids)),
                "calls": self._rows(session, *_with_id("calls", self._with_phone(session, CallRow, phone))),
            }
            found["events"] = self._rows(session, *_with_id("events", _ids(found["bookings"], "event_id")))
        return {name: rows for name, rows in found.items() if rows}

    def conversations_of(self, phone: str) -> dict[str, int]:
        """Return in which conversations a number was given, and how many messages each has."""
        given: set[str] = set()
        with self._db.transaction() as session:
            for row in (InboxRow, TicketRow, CallRow):
                ids = self._with_phone(session, row, phone)
                given |= set(session.scalars(select(row.conversation).where(row.id.in_(ids))))
            its = BookingRow.phone_digest == phone_digest(self._db.cipher, phone)
            given |= set(session.scalars(select(BookingRow.conversation).where(its)))
            messages = select(TurnRow.conversation).where(TurnRow.conversation.in_(given))
            return dict.fromkeys(sorted(given), 0) | Counter(session.scalars(messages))

    def _with_phone(self, session: Session, row: type[Any], phone: str) -> list[Any]:
        """Return the ids of rows with a number: it is encrypted, so every one is opened."""
        column = f"{row.__tablename__}.phone"
        query = select(row.id, row.phone).where(row.phone.is_not(None))
        return [id_ for id_, sealed in session.execute(query) if self._db.cipher.decrypt(sealed, column) == phone]

    def _rows(self, session: Session, table: Table, condition: ColumnElement[bool]) -> list[dict[str, Any]]:
        query = select(table).where(condition).order_by(*table.primary_key.columns)
        return [self._plain(table, dict(row)) for row in session.execute(query).mappings()]

    def _plain(self, table: Table, row: dict[str, Any]) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for column in table.columns:
            value = row[column.name]
            if value is None or column.name in OURS:
                continue
            if isinstance(column.type, LargeBinary):
                value = self._db.cipher.decrypt(value, f"{table.name}.{column.name}")
                value = json.loads(value) if column.name == "reply" else value
            plain[column.name] = value
        return plain


def conversation_tables() -> list[Table]:
    """Return the tables whose rows belong to a conversation."""
    return [table for table in Base.metadata.sorted_tables if "conversation" in table.columns]


def _ids(rows: Sequence[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


def _with_id(name: str, ids: Sequence[Any]) -> tuple[Table, ColumnElement[bool]]:
    table = Base.metadata.tables[name]
    return table, table.c.id.in_(ids)

"""The call list: whom staff have to ring, because no channel reaches them or because they asked."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from actions.booking.errors import NotFound
from actions.booking.store import Store
from storage.booking_tables import CallRow
from storage.database import Database

_PHONE = "calls.phone"


@dataclass(frozen=True)
class Call:
    """One line of the list."""

    id: str
    reason: str
    phone: str
    about: str
    created_at: datetime


class Calls:
    """The call list over one database."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def ask(self, conversation: str, phone: str, reason: str, about: str, key: str) -> None:
        """Put somebody who asks to be rung on the list; the same ``key`` again changes nothing."""
        with self._db.write() as session:
            if session.scalar(select(CallRow.id).where(CallRow.key == key)):
                return
            session.add(
                CallRow(
                    id=uuid.uuid4().hex,
                    key=key,
                    conversation=conversation,
                    booking_id=None,
                    reason=reason,
                    phone=self._db.cipher.encrypt(phone, _PHONE),
                    about=about,
                    state="open",
                    created_at=self._clock(),
                )
            )
            Store(session, self._db.cipher).audit(self._clock(), conversation, "ask_call")

    def waiting(self, actor: str) -> list[Call]:
        """Return who is to be rung, the longest waiting first: a look that the audit keeps."""
        query = select(CallRow).where(CallRow.state == "open").order_by(CallRow.created_at)
        with self._db.write() as session:
            Store(session, self._db.cipher).audit(self._clock(), actor, "look_calls")
            return [
                Call(row.id, row.reason, self._db.cipher.decrypt(row.phone, _PHONE), row.about, row.created_at)
                for row in session.scalars(query)
            ]

    def done(self, call_id: str, actor: str) -> None:
        """Take a line off the list. ``call_id`` may be its beginning. Raises NotFound."""
        with self._db.write() as session:
            row = session.scalar(
                select(CallRow).where(CallRow.id.startswith(call_id, autoescape=True), CallRow.state == "open")
            )
            if row is None:
                raise NotFound
            row.state, row.done_at, row.done_by = "done", self._clock(), actor
            Store(session, self._db.cipher).audit(self._clock(), actor, "called", row.booking_id)

"""The audit: who did what, or looked at whose data, and when. It only grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from storage.booking_tables import AuditRow
from storage.database import Database


@dataclass(frozen=True)
class Audited:
    """One line: ``about`` is what it was done to or looked at."""

    at: datetime
    actor: str
    act: str
    about: str


class Audit:
    """Writes and shows lines of the audit."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def note(self, actor: str, act: str, subject: str | None = None) -> None:
        """Write a line; ``act`` has at most 20 characters."""
        with self._db.write() as session:
            session.add(AuditRow(at=self._clock(), actor=actor, act=act, subject=subject))

    def latest(self, count: int, actor: str = "") -> list[Audited]:
        """Return the latest lines, the newest first; of one ``actor`` only where one is named."""
        query = select(AuditRow).order_by(AuditRow.number.desc()).limit(count)
        if actor:
            query = query.where(AuditRow.actor == actor)
        with self._db.transaction() as session:
            return [
                Audited(row.at, row.actor, row.act, row.subject or row.booking_id or row.event_id or "")
                for row in session.scalars(query)
            ]

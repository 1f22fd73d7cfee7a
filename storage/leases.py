"""Leases: who works on something alone, over all processes and machines that share the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, update
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.tables import LeaseRow


class Leases:
    """Leases of one holder. A holder that died loses them when their time is over."""

    def __init__(self, database: Database, clock: Callable[[], datetime], holder: str) -> None:
        self._db = database
        self._clock = clock
        self._holder = holder

    def take(self, name: str, lasts: timedelta) -> bool:
        """Take or renew a lease; False while somebody else has it."""
        now = self._clock()
        free = or_(LeaseRow.holder == self._holder, LeaseRow.until < now)
        with self._db.write() as session:
            changed = session.execute(
                update(LeaseRow)
                .where(LeaseRow.name == name, free)
                .values(holder=self._holder, until=now + lasts)
                .execution_options(synchronize_session=False)
            )
            if changed.rowcount:  # type: ignore[attr-defined]
                return True
        try:
            with self._db.write() as session:
                session.add(LeaseRow(name=name, holder=self._holder, until=now + lasts))
        except IntegrityError:  # it is there, and somebody else's
            return False
        return True

    def drop(self, name: str) -> None:
        """Give a lease back."""
        mine = (LeaseRow.name == name) & (LeaseRow.holder == self._holder)
        with self._db.write() as session:
            session.execute(delete(LeaseRow).where(mine))

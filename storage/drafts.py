"""Changes to the service list that wait for a second pair of eyes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from storage.database import Database
from storage.desk_tables import DraftRow

MAX_WHY = 200


@dataclass(frozen=True)
class Draft:
    """A change to one service; ``made_by`` and ``ended_by`` are names to log in with."""

    id: str
    service_id: str
    service: str  # JSON of the whole service; empty: it is to be removed
    base: str  # the list's version it was made from
    why: str
    made_by: str
    state: str  # open, published, withdrawn
    ended_by: str | None
    created_at: datetime
    ended_at: datetime | None


class Drafts:
    """The drafts. One is made, then published or withdrawn, once; none is ever deleted or changed."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def make(self, service_id: str, service: str, base: str, why: str, made_by: str, now: datetime) -> Draft:
        """Keep a draft, and return it."""
        draft = Draft(uuid.uuid4().hex, service_id, service, base, why, made_by, "open", None, now, None)
        with self._db.write() as session:
            session.add(DraftRow(**vars(draft)))
        return draft

    def get(self, draft_id: str) -> Draft | None:
        """Return a draft, or None."""
        with self._db.transaction() as session:
            row = session.get(DraftRow, draft_id)
            return _draft(row) if row else None

    def open(self, service_id: str = "") -> list[Draft]:
        """Return what waits, of one service where one is named, the oldest first."""
        query = select(DraftRow).where(DraftRow.state == "open").order_by(DraftRow.created_at)
        if service_id:
            query = query.where(DraftRow.service_id == service_id)
        with self._db.transaction() as session:
            return [_draft(row) for row in session.scalars(query)]

    def end(self, draft_id: str, state: str, by: str, now: datetime) -> bool:
        """Make an open draft ``published`` or ``withdrawn``; False where it was not open any more."""
        with self._db.write() as session:
            changed = session.execute(
                update(DraftRow)
                .where(DraftRow.id == draft_id, DraftRow.state == "open")
                .values(state=state, ended_by=by, ended_at=now)
            )
            return bool(changed.rowcount)  # type: ignore[attr-defined]


def _draft(row: DraftRow) -> Draft:
    return Draft(
        row.id,
        row.service_id,
        row.service,
        row.base,
        row.why,
        row.made_by,
        row.state,
        row.ended_by,
        row.created_at,
        row.ended_at,
    )

"""Notes of calls and chats: what it was about, how it ended, the caller's words. Encrypted."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.desk_tables import CallNoteRow, StaffRow

_TEXT = "call_notes.text"
DISPOSITIONS = {
    "answered": "答复了",
    "referred": "请对方打别的电话或去别处",
    "booked": "约好了",
    "call_back": "要回电",
    "emergency": "急救，已请对方打120或110",
    "unreachable": "联系不上",
    "other": "其他",
}


@dataclass(frozen=True)
class CallNote:
    """One note; ``who`` wrote it."""

    id: str
    who: str
    disposition: str
    topic: str | None
    text: str
    at: datetime
    conversation: str | None


class CallNotes:
    """The notes over one database."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def write(
        self,
        staff_id: str,
        disposition: str,
        topic: str | None,
        text: str,
        key: str,
        conversation: str | None = None,
    ) -> bool:
        """Keep a note; False where the same ``key`` was kept before."""
        row = CallNoteRow(
            id=uuid.uuid4().hex,
            key=key,
            staff_id=staff_id,
            conversation=conversation,
            disposition=disposition,
            topic=topic,
            text=self._db.cipher.encrypt(text, _TEXT),
            created_at=self._clock(),
        )
        try:
            with self._db.write() as session:
                session.add(row)
        except IntegrityError:
            return False
        return True

    def latest(self, count: int, conversation: str | None = None) -> list[CallNote]:
        """Return the latest notes, the newest first; of one ``conversation`` only where one is given."""
        query = (
            select(CallNoteRow, StaffRow.shown)
            .outerjoin(StaffRow, StaffRow.id == CallNoteRow.staff_id)
            .order_by(CallNoteRow.created_at.desc())
            .limit(count)
        )
        if conversation:
            query = query.where(CallNoteRow.conversation == conversation)
        decrypt = self._db.cipher.decrypt
        with self._db.transaction() as session:
            return [
                CallNote(
                    row.id,
                    shown or "",
                    row.disposition,
                    row.topic,
                    decrypt(row.text, _TEXT),
                    row.created_at,
                    row.conversation,
                )
                for row, shown in session.execute(query)
            ]

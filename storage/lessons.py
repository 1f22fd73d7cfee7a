"""Questions that were not answered, and the lessons that editors make of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from storage.database import Database
from storage.desk_tables import LessonRow
from storage.tables import TurnRow, UnansweredRow

QUESTION_COLUMN = "unanswered.text"  # what its encryption is bound to


@dataclass(frozen=True)
class Question:
    """A question that was not answered; ``intent`` is what it was taken for, while its turn is still kept."""

    id: int
    text: str
    reason: str
    nearest: str | None
    intent: str | None
    at: datetime


@dataclass(frozen=True)
class NewLesson:
    """What is to be learnt.

    ``kind`` is alias or question (``target``: a service, or a draft of one), utterance
    (``target``: an intent), or service (``text``: its name, ``target``: its id to be).
    """

    kind: str
    text: str
    target: str


@dataclass(frozen=True)
class Lesson(NewLesson):
    """What waits to be exported."""

    id: str
    made_by: str
    at: datetime


class Lessons:
    """The list of questions, and what became of them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def questions(self, most: int) -> list[Question]:
        """Return the latest ``most`` questions, the newest first."""
        intent = (
            select(TurnRow.intent)
            .where(
                TurnRow.conversation == UnansweredRow.conversation,
                TurnRow.created_at == UnansweredRow.created_at,
            )
            .limit(1)
            .scalar_subquery()
        )
        query = select(UnansweredRow, intent).order_by(UnansweredRow.id.desc()).limit(most)
        decrypt = self._db.cipher.decrypt
        with self._db.transaction() as session:
            return [
                Question(row.id, decrypt(row.text, QUESTION_COLUMN), row.reason, row.nearest, taken_for, row.created_at)
                for row, taken_for in session.execute(query)
            ]

    def learn(self, questions: Sequence[int], lessons: Iterable[NewLesson], made_by: str, now: datetime) -> int:
        """Take the questions off the list and keep the lessons; return how many questions were still there.

        Where none was, somebody else has seen to them: no lesson is kept. A lesson that waits
        already is kept once.
        """
        with self._db.write() as session:
            taken = session.execute(delete(UnansweredRow).where(UnansweredRow.id.in_(questions)))
            gone = int(taken.rowcount)  # type: ignore[attr-defined]
            if not gone:
                return 0
            known = {NewLesson(row.kind, row.text, row.target) for row in session.scalars(select(LessonRow))}
            session.add_all(
                LessonRow(
                    id=uuid.uuid4().hex,
                    kind=each.kind,
                    text=each.text,
                    target=each.target,
                    made_by=made_by,
                    created_at=now,
                )
                for each in dict.fromkeys(lessons)
                if each not in known
            )
            return gone

    def waiting(self) -> list[Lesson]:
        """Return the lessons, oldest first."""
        query = select(LessonRow).order_by(LessonRow.created_at, LessonRow.id)
        with self._db.transaction() as session:
            return [_lesson(row) for row in session.scalars(query)]

    def take_back(self, lesson_ids: Sequence[str]) -> list[Lesson]:
        """Delete lessons, and with a draft of a service the questions kept for it; return those deleted."""
        with self._db.write() as session:
            rows = list(session.scalars(select(LessonRow).where(LessonRow.id.in_(lesson_ids))))
            drafts = [row.target for row in rows if row.kind == "service"]
            kept_for = select(LessonRow).where(LessonRow.kind == "question", LessonRow.target.in_(drafts))
            rows += [row for row in session.scalars(kept_for) if row not in rows]
            session.execute(delete(LessonRow).where(LessonRow.id.in_([row.id for row in rows])))
            return [_lesson(row) for row in rows]


def _lesson(row: LessonRow) -> Lesson:
    return Lesson(row.kind, row.text, row.target, row.id, row.made_by, row.created_at)

"""What visitors say of an answer. That it helped is not kept: no table has a place for it."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from storage.database import Database
from storage.lessons import QUESTION_COLUMN
from storage.tables import TurnRow, UnansweredRow

REASON = "feedback_bad"
_TURN_COLUMN = "turns.text"


class Thumbs:
    """Takes what somebody says of an answer of their own conversation."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def no(self, inbox_id: str, conversation: str) -> bool:
        """Put the turn's question on the list of those not answered; return whether it is this conversation's.

        What is on the list already, by itself or by an earlier press, stays there once.
        """
        with self._db.write() as session:
            turn = _turn(session, inbox_id, conversation)
            if turn is None:
                return False
            text = self._db.cipher.decrypt(turn.text, _TURN_COLUMN)
            if not self._listed(session, turn, text):
                session.add(
                    UnansweredRow(
                        conversation=conversation,
                        text=self._db.cipher.encrypt(text, QUESTION_COLUMN),
                        reason=REASON,
                        nearest=turn.service_id,
                        created_at=turn.created_at,
                    )
                )
            return True

    def yes(self, inbox_id: str, conversation: str) -> bool:
        """Take an earlier "no" back; return whether the turn is this conversation's."""
        with self._db.write() as session:
            turn = _turn(session, inbox_id, conversation)
            if turn is None:
                return False
            listed = self._listed(session, turn, self._db.cipher.decrypt(turn.text, _TURN_COLUMN))
            pressed = [row.id for row in listed if row.reason == REASON]
            session.execute(delete(UnansweredRow).where(UnansweredRow.id.in_(pressed)))
            return True

    def _listed(self, session: Session, turn: TurnRow, text: str) -> list[UnansweredRow]:
        """Return what is on the list of this turn: a question has its turn's conversation, time and text."""
        query = select(UnansweredRow).where(
            UnansweredRow.conversation == turn.conversation, UnansweredRow.created_at == turn.created_at
        )
        decrypt = self._db.cipher.decrypt
        return [row for row in session.scalars(query) if decrypt(row.text, QUESTION_COLUMN) == text]


def _turn(session: Session, inbox_id: str, conversation: str) -> TurnRow | None:
    # Locked, so that two presses at once follow each other on PostgreSQL too.
    query = select(TurnRow).where(TurnRow.inbox_id == inbox_id, TurnRow.conversation == conversation)
    return session.scalar(query.with_for_update())

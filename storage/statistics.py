"""Counts for the city's survey of needs and supply: nobody's name, words or identity is in them.

What was said is forgotten after some weeks, so the counts of whole past days are kept by
themselves. Days are Shanghai's. A day stays open for one day more, since who waits at
midnight is answered after it; from then on its counts do not change.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage.booking_tables import BookingRow, EventRow
from storage.clock import SHANGHAI
from storage.database import Database
from storage.desk_tables import CallNoteRow, DailyCountRow
from storage.tables import TicketRow, TurnRow

ASKED, TALK, BROKEN = "asked", "talk", "broken"  # every turn is one of these, or is not counted
UNMET, HUMAN = "unmet", "human"  # among ASKED: without an answer; wished for a person
TICKET, EMERGENCY, NOTE = "ticket", "emergency", "note_"
WAITS = UNDER_2, UNDER_10, LONGER, NOT_TAKEN = ("waited_under_2", "waited_under_10", "waited_longer", "not_taken")
ROLLED_UP = "rolled_up"
FAMILY = "family:"  # how a topic begins that is no service
OPERATORS_OWN = ("cli", "terminal", "bench", "evaluate")  # channels on which nobody asks for themselves

_DAY = timedelta(days=1)
_QUESTIONS = ("answered_", "asked_", "unanswered_", "guarded_", "handed_off_")
_NOT_MET = ("unanswered_", "asked_did_you_mean", "handed_off_misses")
_BROKEN = ("error_dialogue_down", "error_system", "error_busy")
_STEPS = ("asked_slot", "answered_booking")  # of a form: with an intent of "steps" no question of its own
_NO_QUESTION = ("answered_conversation", "handed_off_call_back", "handed_off_held")
_INTENTS = {
    "aspect": (
        "ask_service ask_eligibility ask_amount ask_how_to_apply ask_documents ask_where ask_contact ask_time repeat "
        "simplify unclear"
    ),
    "finder": "find_benefits",
    "booking": "book_training book_consultation list_bookings reschedule_booking cancel_booking",
    "steps": "inform correct choose skip affirm deny stop",
    "talk": (
        "greet goodbye thank small_talk help read_aloud larger_text restart bot_challenge feedback_good feedback_bad"
    ),
    "human": "request_human complain",
    "wellbeing": "wellbeing",
    "emergency": "emergency",
    "abuse": "report_abuse",
    "scam": "check_suspicious report_scam",
    "medical": "medical_question",
    "others_data": "privacy others_data",
    "outside": "out_of_scope",
}
_FAMILY_OF = {intent: family for family, intents in _INTENTS.items() for intent in intents.split()}
FAMILIES = (*_INTENTS, "places")


class Cell(NamedTuple):
    """What is counted by itself; empty where it is not known."""

    day: date
    measure: str
    channel: str = ""
    topic: str = ""  # a service, a FAMILY of intents, or a ticket's kind
    district: str = ""
    age_band: str = ""


@dataclass(frozen=True)
class Counted:
    """The counts of the days of a period, today's so far; of days ``without``, nothing is kept."""

    cells: Counter[Cell]
    days: list[date]
    without: list[date]


@dataclass(frozen=True)
class Booked:
    """Bookings of a period by (kind, state); seats of its courses that have begun, and how many were taken."""

    cells: Counter[tuple[str, str]]
    seats: int
    taken: int


class Statistics:
    """Counts days, and keeps the counts."""

    def __init__(self, database: Database, clock: Callable[[], datetime], remembered: int = 29) -> None:
        """Whole past days whose turns are surely still there: ``remembered``."""
        self._db = database
        self._clock = clock
        self._remembered = remembered

    def roll_up(self, day: date) -> None:
        """Keep the counts of a day, in place of those kept before. Raises ValueError for one that is not over."""
        if day >= self._today():
            raise ValueError(f"{day} is not over")
        # Two machines may do it at the same moment: they count the same, and the second one's is dropped.
        with contextlib.suppress(IntegrityError), self._db.write() as session:
            cells = _counted(session, day, day)
            session.execute(delete(DailyCountRow).where(DailyCountRow.day == day))
            session.add(_row(Cell(day, ROLLED_UP), 1))
            session.add_all(_row(cell, count) for cell, count in cells.items())

    def roll_up_missing(self) -> list[date]:
        """Keep the counts of every remembered day that has none, and of yesterday anew; return the days."""
        today = self._today()
        past = [today - number * _DAY for number in range(self._remembered, 0, -1)]
        with self._db.transaction() as session:
            kept = _rolled_up(session, past[0], past[-1]) if past else set()
        days = [day for day in past if day not in kept or day == today - _DAY]
        for day in days:
            self.roll_up(day)
        return days

    def counts(self, first: date, last: date) -> Counted:
        """Return the counts from ``first`` to ``last``, both included: kept ones, or counted now."""
        today = self._today()
        days = _days(first, min(last, today))
        with self._db.transaction() as session:
            settled = {day for day in _rolled_up(session, first, last) if day < today - _DAY}
            query = select(DailyCountRow).where(
                DailyCountRow.day.between(first, last), DailyCountRow.measure != ROLLED_UP
            )
            cells = Counter({_cell(row): row.count for row in session.scalars(query) if row.day in settled})
            oldest = today - self._remembered * _DAY
            open_days = [day for day in days if day not in settled and day >= oldest]
            if open_days:
                fresh = _counted(session, open_days[0], open_days[-1])
                cells.update({cell: count for cell, count in fresh.items() if cell.day not in settled})
        known = [day for day in days if day in settled or day >= oldest]
        return Counted(cells, known, [day for day in days if day not in settled and day < oldest])

    def bookings(self, first: date, last: date) -> Booked:
        """Return the bookings whose time is from ``first`` to ``last``; samples are left out.

        The state is the booking's own, but ``past`` for one whose time is over with nobody having
        noted who came. Only courses have seats: slots of a talk are made when they are booked.
        """
        start, end, now = _start(first), _start(last + _DAY), self._clock()
        chosen = select(BookingRow.conversation, BookingRow.starts_at, BookingRow.state, EventRow.kind).join(
            EventRow, EventRow.id == BookingRow.event_id
        )
        of_period = (EventRow.sample.is_(False), EventRow.starts_at >= start, EventRow.starts_at < end)
        over = (EventRow.kind == "training", EventRow.state == "open", EventRow.starts_at < now)
        cells: Counter[tuple[str, str]] = Counter()
        with self._db.transaction() as session:
            for conversation, at, state, kind in session.execute(chosen.where(*of_period)):
                if _is_counted(conversation):
                    cells[kind, "past" if state == "booked" and at < now else state] += 1
            seats = select(func.sum(EventRow.seats), func.sum(EventRow.taken)).where(*of_period, *over)
            offered, taken = session.execute(seats).one()
        return Booked(cells, offered or 0, taken or 0)

    def _today(self) -> date:
        return self._clock().astimezone(SHANGHAI).date()


def measures(outcome: str, intent: str | None) -> list[str]:
    """Return what a turn counts as; nothing for what is no turn of a person."""
    if outcome in _BROKEN:
        return [BROKEN]
    if not outcome.startswith(_QUESTIONS):
        return []
    if outcome in _NO_QUESTION or (outcome in _STEPS and _FAMILY_OF.get(intent or "") == "steps"):
        return [TALK]
    also = [(UNMET, outcome.startswith(_NOT_MET)), (HUMAN, outcome.startswith("handed_off_"))]
    return [ASKED, *(measure for measure, holds in also if holds)]


def topic(outcome: str, intent: str | None, service_id: str | None) -> str:
    """Return what a turn is about: a service, else a family of intents, else nothing."""
    if service_id:
        return service_id
    if outcome == "answered_places":
        return f"{FAMILY}places"
    guarded = outcome.removeprefix("guarded_")
    family = guarded if guarded in _INTENTS else _FAMILY_OF.get(intent or "")
    return f"{FAMILY}{family}" if family else ""


def _counted(session: Session, first: date, last: date) -> Counter[Cell]:
    """Return the counts of days whose turns are still there."""
    start, end = _start(first), _start(last + _DAY)
    return Counter(
        [*_of_turns(session, start, end), *_of_tickets(session, start, end), *_of_notes(session, start, end)]
    )


def _of_turns(session: Session, start: datetime, end: datetime) -> Iterable[Cell]:
    columns = (TurnRow.conversation, TurnRow.created_at, TurnRow.outcome, TurnRow.intent, TurnRow.service_id)
    query = select(*columns, TurnRow.district, TurnRow.age_band).where(
        TurnRow.created_at >= start, TurnRow.created_at < end
    )
    for conversation, at, outcome, intent, service_id, district, age_band in session.execute(query):
        if _is_counted(conversation):
            about = topic(outcome, intent, service_id)
            for measure in measures(outcome, intent):
                yield Cell(at.date(), measure, _channel(conversation), about, district or "", age_band or "")


def _of_tickets(session: Session, start: datetime, end: datetime) -> Iterable[Cell]:
    columns = (TicketRow.conversation, TicketRow.created_at, TicketRow.kind, TicketRow.first_claimed_at)
    query = (
        select(*columns, TurnRow.district, TurnRow.age_band)
        .outerjoin(TurnRow, TurnRow.inbox_id == TicketRow.inbox_id)
        .where(TicketRow.created_at >= start, TicketRow.created_at < end)
    )
    for conversation, at, kind, claimed, district, age_band in session.execute(query):
        if not _is_counted(conversation):
            continue
        found = [TICKET, _waited(at, claimed)]
        if kind.startswith("emergency_"):
            found.append(EMERGENCY)
        for measure in found:
            yield Cell(at.date(), measure, _channel(conversation), kind, district or "", age_band or "")


def _of_notes(session: Session, start: datetime, end: datetime) -> Iterable[Cell]:
    columns = (CallNoteRow.conversation, CallNoteRow.created_at, CallNoteRow.disposition, CallNoteRow.topic)
    query = select(*columns).where(CallNoteRow.created_at >= start, CallNoteRow.created_at < end)
    for conversation, at, disposition, about in session.execute(query):
        if _is_counted(conversation or ""):
            yield Cell(at.date(), f"{NOTE}{disposition}", _channel(conversation or ""), about or "")


def _waited(at: datetime, claimed: datetime | None) -> str:
    """Return how long somebody waited; who was not taken by the end of the next day was not taken."""
    if claimed is None or claimed >= _start(at.date() + 2 * _DAY):
        return NOT_TAKEN
    waited = claimed - at
    if waited < timedelta(minutes=2):
        return UNDER_2
    return UNDER_10 if waited < timedelta(minutes=10) else LONGER


def _rolled_up(session: Session, first: date, last: date) -> set[date]:
    days = select(DailyCountRow.day).where(DailyCountRow.day.between(first, last), DailyCountRow.measure == ROLLED_UP)
    return set(session.scalars(days))


def _row(cell: Cell, count: int) -> DailyCountRow:
    return DailyCountRow(**cell._asdict(), count=count)


def _cell(row: DailyCountRow) -> Cell:
    return Cell(row.day, row.measure, row.channel, row.topic, row.district, row.age_band)


def _channel(conversation: str) -> str:
    return conversation.partition(":")[0][:16]


def _is_counted(conversation: str) -> bool:
    return _channel(conversation) not in OPERATORS_OWN


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, SHANGHAI)


def _days(first: date, last: date) -> list[date]:
    return [first + number * _DAY for number in range((last - first).days + 1)]

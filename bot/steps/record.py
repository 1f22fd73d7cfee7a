"""Record: the turn and its outcome are stored, and coarsely where and of whom it was."""

from __future__ import annotations

import json
from datetime import datetime

from bot.messages import Incoming
from knowledge.normalise import normalise
from knowledge.person import Person, person_of
from knowledge.reply import Outcome, Reply
from knowledge.where import whereabouts
from storage.tickets import NewTicket
from storage.turns import Turn, Turns

_UNANSWERED = {
    Outcome.UNANSWERED_UNKNOWN,
    Outcome.ASKED_DID_YOU_MEAN,
    Outcome.UNANSWERED_FIELD,
    Outcome.HANDED_OFF_MISSES,
    Outcome.ERROR_DIALOGUE_DOWN,
}


def record(message: Incoming, reply: Reply, turns: Turns, at: datetime, ticket: NewTicket | None) -> None:
    """Store the turn, with what staff must see of it."""
    answered = reply.service_ids()
    said = normalise(message.text)
    turns.record(
        Turn(
            inbox_id=message.inbox_id,
            conversation=message.conversation,
            text=message.text,
            reply=json.dumps(reply.payload(), ensure_ascii=False),
            outcome=reply.outcome.value,
            intent=reply.evidence.intent,
            service_id=answered[0] if answered else None,
            took_ms=(at - message.received_at).total_seconds() * 1000,
            created_at=at,
            district=whereabouts(said).district,
            age_band=_age_band(person_of(said), at),
        ),
        ticket=ticket,
        unanswered=reply.outcome.value if reply.outcome in _UNANSWERED else None,
        also=message.also,
        deliver=message.deliver,
    )


def _age_band(person: Person, at: datetime) -> str | None:
    """Return the ten years that the age spoken of lies in: 80-89; None where none was, or it is not clear."""
    ages = person.ages_on(at.date())
    if ages is None or ages[0] // 10 != ages[1] // 10:
        return None
    decade = ages[0] // 10 * 10
    return "-59" if decade < 60 else "90+" if decade >= 90 else f"{decade}-{decade + 9}"

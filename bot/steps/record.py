"""Record: the turn and its outcome are stored; what staff must see becomes a ticket."""

from __future__ import annotations

import json
from datetime import datetime

from bot.messages import Incoming
from knowledge.reply import EmergencyBlock, Outcome, Reply
from storage.turns import Turn, Turns

_TICKETS = {Outcome.HANDED_OFF_REQUESTED, Outcome.HANDED_OFF_MISSES, Outcome.GUARDED_ABUSE}
_UNANSWERED = {
    Outcome.UNANSWERED_UNKNOWN,
    Outcome.ASKED_DID_YOU_MEAN,
    Outcome.UNANSWERED_FIELD,
    Outcome.HANDED_OFF_MISSES,
    Outcome.ERROR_DIALOGUE_DOWN,
}


def record(message: Incoming, reply: Reply, turns: Turns, at: datetime) -> None:
    """Store the turn."""
    emergency = next((block for block in reply.blocks if isinstance(block, EmergencyBlock)), None)
    ticket = f"emergency_{emergency.danger}" if emergency else None
    if reply.outcome in _TICKETS:
        ticket = reply.outcome.value
    answered = reply.service_ids()
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
        ),
        ticket=ticket,
        unanswered=reply.outcome.value if reply.outcome in _UNANSWERED else None,
        also=message.also,
        deliver=message.deliver,
    )

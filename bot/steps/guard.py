"""Guard: danger is answered at once, whatever else is going on, and told to staff."""

from __future__ import annotations

from actions.conversation import emergency_reply
from bot.errors import apology
from bot.messages import Incoming
from knowledge.emergency import EmergencyMatcher
from knowledge.reply import Evidence, Outcome, Reply


def guard(message: Incoming, matcher: EmergencyMatcher) -> Reply | None:
    """Return the reply where no further step may run: an emergency, or nothing to read."""
    danger = in_danger(message, matcher)
    if danger:
        return danger
    if not message.text and not message.act:
        return apology(Outcome.ERROR_EMPTY_MESSAGE)
    return None


def in_danger(message: Incoming, matcher: EmergencyMatcher) -> Reply | None:
    """Return what is said to who is in danger; it needs nothing but the words."""
    danger = None if message.act else matcher(message.text)
    if danger is None:
        return None
    reply = emergency_reply(danger)
    return reply.model_copy(update={"evidence": Evidence(intent="emergency", confidence=1.0)})

"""What the dialogue server understood, as the actions read it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from knowledge.encoder import Vectors
from knowledge.normalise import normalise
from knowledge.person import NOBODY, Person, person_from
from knowledge.reply import MAX_CHOICES, FormBlock, Outcome, PlacesBlock, Reply

FINDER = "find_benefits"
_MIGHT_BE_FROM = 0.01  # probability
_MISSES = {
    Outcome.UNANSWERED_UNKNOWN,
    Outcome.UNANSWERED_OUT_OF_SCOPE,
    Outcome.ASKED_WHAT_ABOUT,
    Outcome.ASKED_DID_YOU_MEAN,
}


@dataclass(frozen=True)
class Ages:
    """After how long what was said is forgotten: the topic, and an open form."""

    topic: timedelta = timedelta(minutes=30)
    form: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class UnderstoodAct:
    """One act of a message. ``vector`` has shape (dimension,), length 1, or is None."""

    intent: str
    text: str
    confidence: float
    in_field: float = 1.0
    encoder: str = ""
    vector: Vectors | None = None
    service_id: str | None = None  # said by a pressed button
    slot: str | None = None  # the same, of a form, with the value it gives
    value: str | None = None
    pressed: bool = False
    ranking: tuple[tuple[str, float], ...] = ()  # intents and their probabilities, the likeliest first


@dataclass(frozen=True)
class Sender:
    """Who sent the message, for what is done in their name: ``request`` is the same when it is sent again."""

    conversation: str = ""
    request: str = ""
    phone: str | None = None


@dataclass(frozen=True)
class FinderState:
    """How far the benefit finder is: what it asked, and whether its last question is open."""

    asked: tuple[str, ...] = ()
    open: bool = False


@dataclass(frozen=True)
class Context:
    """What was said before that a follow-up needs."""

    last_service: str | None = None
    last_aspect: str | None = None
    choices: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # services that the last answer was not about, but might have been
    misses: int = 0
    last_reply: Reply | None = None
    person: Person = NOBODY
    finder: FinderState = FinderState()
    said: str = ""  # the whole message, as normal text
    booking: dict[str, Any] = field(default_factory=dict)  # what the open booking form knows
    sender: Sender = Sender()
    returns: bool = False  # after so long that an open form should be introduced again


def acts_of(latest_message: dict[str, Any]) -> list[UnderstoodAct]:
    """Return the acts in Rasa's parse data; one act at least."""
    raw = latest_message.get("acts") or [
        {
            "intent": (latest_message.get("intent") or {}).get("name") or "unclear",
            "text": latest_message.get("text") or "",
            "confidence": 0.0,
        }
    ]
    return [
        UnderstoodAct(
            intent=act["intent"] or "unclear",
            text=act.get("text") or "",
            confidence=float(act.get("confidence") or 0.0),
            in_field=float(act.get("in_field", 1.0)),
            encoder=act.get("encoder") or "",
            vector=_vector(act.get("vector")),
            service_id=act.get("service_id"),
            slot=act.get("slot"),
            value=act.get("value"),
            pressed=bool(act.get("pressed")),
            ranking=tuple((name, float(share)) for name, share in act.get("ranking") or ()),
        )
        for act in raw
    ]


def context_of(slots: dict[str, Any], now: datetime, said: str = "", ages: Ages = Ages()) -> Context:
    """Return what the tracker's slots remember and is not older than ``ages``; the last reply does not age.

    ``said`` is the message as it came.
    """
    fresh = _is_fresh(slots.get("last_service_at"), now, ages.topic)
    kept = slots.get("talk") or {}
    talk = kept if _is_fresh(kept.get("at"), now, ages.topic) else {}
    last_reply = slots.get("last_reply")
    return Context(
        last_service=slots.get("last_service") if fresh else None,
        last_aspect=slots.get("last_aspect") if fresh else None,
        choices=tuple(slots.get("choices") or ()),
        others=tuple(talk.get("others") or ()),
        misses=int(slots.get("misses") or 0),
        last_reply=Reply.model_validate(last_reply) if last_reply else None,
        person=person_from(talk.get("person")),
        finder=FinderState(tuple(talk.get("asked") or ()), bool(talk.get("asked"))),
        said=normalise(said),
        booking=(kept.get("booking") or {}) if _is_fresh(kept.get("at"), now, ages.form) else {},
        returns=bool(kept) and not talk,
    )


def slots_after(reply: Reply, context: Context, now: datetime) -> dict[str, Any]:
    """Return the slots to set once ``reply`` is given."""
    answered = [block for block in reply.blocks if block.kind == "answer"]
    offered = next((block for block in reply.blocks if block.kind == "choice"), None)
    asked = next((block for block in reply.blocks if isinstance(block, FormBlock)), None)
    places = next((block for block in reply.blocks if isinstance(block, PlacesBlock)), None)
    missed = reply.outcome in _MISSES
    slots: dict[str, Any] = {
        "choices": [b.act.service_id for b in offered.buttons if b.act and b.act.service_id] if offered else [],
        "misses": context.misses + 1 if missed else 0,
        "talk": {
            "person": context.person.known() if reply.remembered is None else reply.remembered,
            "asked": asked.asked if asked and asked.form == FINDER else [],
            # None: something came between, the form can be taken up again.
            "booking": paused(context.booking) if reply.booking is None else reply.booking,
            "others": _others(reply) if answered else [],
            "at": now.isoformat(),
        },
    }
    if answered:
        last = answered[-1]
        slots |= {"last_service": last.service_id, "last_service_at": now.isoformat(), "last_aspect": last.aspect}
    elif places and places.service_id:
        slots |= {"last_service": places.service_id, "last_service_at": now.isoformat(), "last_aspect": "ask_where"}
    if reply.blocks:
        slots["last_reply"] = reply.model_copy(update={"evidence": type(reply.evidence)()}).payload()
    return slots


def _others(reply: Reply) -> list[str]:
    """Return the next likeliest services after those answered about."""
    told = reply.service_ids()
    near = [service_id for service_id, score in reply.evidence.ranking if score >= _MIGHT_BE_FROM]
    return [service_id for service_id in near if service_id not in told][:MAX_CHOICES]


def paused(form: dict[str, Any]) -> dict[str, Any]:
    """Return an open form after something came between: a later 好的 must not confirm what was read before it."""
    return {**form, "step": ""} if form else {}


def _is_fresh(stamp: str | None, now: datetime, within: timedelta) -> bool:
    return bool(stamp) and now - datetime.fromisoformat(str(stamp)) <= within


def _vector(data: str | None) -> Vectors | None:
    if not data:
        return None
    vector = np.frombuffer(base64.b64decode(data), dtype=np.float16).astype(np.float32)
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)

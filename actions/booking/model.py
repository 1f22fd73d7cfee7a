"""What is booked, by whom, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SELF = "本人"
STAFF = "staff:"  # how the name of a member of staff begins as an actor


class Kind(StrEnum):
    """What kind of time is booked."""

    TRAINING = "training"
    CONSULTATION = "consultation"


class State(StrEnum):
    """How a booking stands. BOOKED and OFFERED hold a seat."""

    BOOKED = "booked"
    WAITING = "waiting"
    OFFERED = "offered"  # a seat came free and is held for who waited
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # the offer was not taken in time
    ATTENDED = "attended"
    MISSED = "missed"


class NoticeKind(StrEnum):
    """What is sent unasked."""

    DAY_BEFORE = "day_before"
    SOON = "soon"
    OFFER = "offer"
    OFFER_LAPSED = "offer_lapsed"
    EVENT_CANCELLED = "event_cancelled"
    MOVED = "moved"  # by staff
    RATING = "rating"


REMINDERS = (NoticeKind.DAY_BEFORE, NoticeKind.SOON, NoticeKind.RATING)  # what 不要提醒 stops
HOLDS_A_SEAT = (State.BOOKED, State.OFFERED)
ACTIVE = (State.BOOKED, State.WAITING, State.OFFERED)
TAKES_PLACE = (*HOLDS_A_SEAT, State.ATTENDED, State.MISSED)  # counted in an event's ``taken``


@dataclass(frozen=True)
class Applicant:
    """Who books: the conversation to answer on, the phone, and for whom."""

    conversation: str
    phone: str  # digits, national
    for_whom: str = SELF
    name: str | None = None
    agreed: bool = False  # the person it is for agrees, as the booker says


@dataclass(frozen=True)
class Event:
    """A time that can be booked."""

    id: str
    kind: Kind
    title: str
    district: str
    place: str
    starts_at: datetime
    ends_at: datetime
    seats: int
    taken: int
    bring: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    sample: bool = False

    @property
    def free(self) -> int:
        """Return the seats left."""
        return self.seats - self.taken


@dataclass(frozen=True)
class Booking:
    """One booking with its event."""

    id: str
    code: str
    state: State
    for_whom: str
    phone: str
    name: str | None
    conversation: str
    event: Event
    offered_until: datetime | None = None
    ahead: int = 0  # how many wait before, on a waiting list
    rating: int | None = None

    @property
    def is_active(self) -> bool:
        """Return whether it still holds or waits for a seat."""
        return self.state in ACTIVE

"""What booking can refuse.

BookingError
├── Full            no seat is left
├── Closed          the time is past, or was cancelled
├── AlreadyBooked   this person has a place there, or is elsewhere at that time
├── NotFound        no such booking for whoever asks (never says whether somebody else has one)
└── Locked          too many wrong codes; ``until`` says when to try again
"""

from __future__ import annotations

from datetime import datetime


class BookingError(Exception):
    """Base of all refusals."""


class Full(BookingError):
    """No seat is left."""


class Closed(BookingError):
    """The time is past, or was cancelled."""


class AlreadyBooked(BookingError):
    """This person has a place there already, or is booked elsewhere at that time."""


class NotFound(BookingError):
    """No such booking for whoever asks."""


class Locked(BookingError):
    """Too many wrong codes."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        super().__init__(f"locked until {until:%H:%M}")

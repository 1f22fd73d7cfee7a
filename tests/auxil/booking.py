"""A clock that is moved by hand, and people who book."""

from __future__ import annotations

from datetime import datetime, timedelta

from actions.booking.model import Applicant
from storage.clock import SHANGHAI


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


def who(number: int = 1, for_whom: str = "本人") -> Applicant:
    return Applicant(f"web:{number}", f"138000{number:05}", for_whom)

"""The times at which an advisor point can be visited: its opening hours, cut into slots."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from knowledge.hours import Hours, is_public_holiday
from storage.clock import SHANGHAI

AHEAD_DAYS = 21
NOTICE = timedelta(hours=2)  # nobody can prepare for a visit in ten minutes


@dataclass(frozen=True)
class Slot:
    """One time."""

    starts_at: datetime
    ends_at: datetime

    @functools.cached_property
    def stamp(self) -> str:
        """Return its start as text, as part of an id."""
        return self.starts_at.isoformat()


def slots(
    hours: Hours, minutes: int, now: datetime, closed: Collection[date] = (), ahead_days: int = AHEAD_DAYS
) -> list[Slot]:
    """Return the slots of ``minutes`` from ``now`` on, in order; none on public holidays and closed days.

    Only whole slots: the last one ends by closing time.
    """
    found = []
    for ahead in range(ahead_days + 1):
        day = now.date() + timedelta(days=ahead)
        if is_public_holiday(day) or day in closed:  # None: not announced yet; it is said when it is offered
            continue
        for opens, closes in hours.week[day.weekday()]:
            start = datetime.combine(day, opens, SHANGHAI)
            end = datetime.combine(day, closes, SHANGHAI)
            while start + timedelta(minutes=minutes) <= end:
                if start >= now + NOTICE:
                    found.append(Slot(start, start + timedelta(minutes=minutes)))
                start += timedelta(minutes=minutes)
    return found

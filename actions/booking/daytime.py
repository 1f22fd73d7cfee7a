"""Times at which people may be disturbed: 8:00 to 20:00, Shanghai."""

from __future__ import annotations

from datetime import datetime, time, timedelta

MORNING, EVENING = time(8), time(20)
_DAY = timedelta(days=1)


def after_daytime(start: datetime, hours: float) -> datetime:
    """Return when ``hours`` of daytime have passed since ``start`` (zone-aware); nights do not count."""
    left = timedelta(hours=hours)
    at = _into_daytime(start)
    while True:
        rest = at.replace(hour=EVENING.hour, minute=0, second=0, microsecond=0) - at
        if left <= rest:
            return at + left
        left -= rest
        at = (at + _DAY).replace(hour=MORNING.hour, minute=0, second=0, microsecond=0)


def reminders(starts_at: datetime, now: datetime) -> dict[str, datetime]:
    """Return when to remind of an event, by kind; what is past already is left out.

    The day before at 10:00, and two hours before; where that is outside daytime, at 19:00
    the evening before.
    """
    day_before = (starts_at - _DAY).replace(hour=10, minute=0, second=0, microsecond=0)
    soon = starts_at - timedelta(hours=2)
    if not MORNING <= soon.time() <= EVENING:
        soon = (starts_at - _DAY).replace(hour=19, minute=0, second=0, microsecond=0)
    return {kind: at for kind, at in (("day_before", day_before), ("soon", soon)) if at > now}


def _into_daytime(at: datetime) -> datetime:
    if at.time() < MORNING:
        return at.replace(hour=MORNING.hour, minute=0, second=0, microsecond=0)
    if at.time() >= EVENING:
        return (at + _DAY).replace(hour=MORNING.hour, minute=0, second=0, microsecond=0)
    return at

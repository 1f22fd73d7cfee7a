"""Times at which people may be disturbed: 8:00 to 20:00, Shanghai."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from actions.booking.model import NoticeKind

MORNING, EVENING = time(8), time(20)
_DAY = timedelta(days=1)


def after_daytime(start: datetime, hours: float) -> datetime:
    """Return when ``hours`` of daytime have passed since ``start`` (zone-aware); nights do not count."""
    left = timedelta(hours=hours)
    at = into_daytime(start)
    while True:
        rest = at.replace(hour=EVENING.hour, minute=0, second=0, microsecond=0) - at
        if left <= rest:
            return at + left
        left -= rest
        at = (at + _DAY).replace(hour=MORNING.hour, minute=0, second=0, microsecond=0)


def reminders(starts_at: datetime, now: datetime) -> dict[NoticeKind, datetime]:
    """Return when to write about an event, by kind; what is past already is left out.

    The day before at 10:00; two hours before, or where that is outside daytime at 19:00 the
    evening before; and the day after at 10:00, to ask how it was.
    """
    soon = starts_at - timedelta(hours=2)
    if not MORNING <= soon.time() <= EVENING:
        soon = _at(starts_at - _DAY, 19)
    times = {
        NoticeKind.DAY_BEFORE: _at(starts_at - _DAY, 10),
        NoticeKind.SOON: soon,
        NoticeKind.RATING: _at(starts_at + _DAY, 10),
    }
    return {kind: at for kind, at in times.items() if at > now}


def into_daytime(at: datetime) -> datetime:
    """Return ``at``, or the next morning where that is at night."""
    if at.time() < MORNING:
        return at.replace(hour=MORNING.hour, minute=0, second=0, microsecond=0)
    if at.time() >= EVENING:
        return (at + _DAY).replace(hour=MORNING.hour, minute=0, second=0, microsecond=0)
    return at


def tell_at(now: datetime, starts_at: datetime) -> datetime:
    """Return when to tell of a change: at once by day, else in the morning, but two hours before the event."""
    return min(into_daytime(now), max(now, starts_at - timedelta(hours=2)))


def _at(day: datetime, hour: int) -> datetime:
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)

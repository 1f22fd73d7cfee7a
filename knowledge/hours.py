"""Opening hours: read from a line of text, and told for today."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import chinese_calendar

from knowledge.phrases import say

_DAYS = "一二三四五六日"
_SPAN = re.compile(r"(\d{1,2})[:：](\d{2})\s*[-–—~至到]+\s*(\d{1,2})[:：](\d{2})")
_RANGE = re.compile(r"(?:周|星期)([一二三四五六日天])(?:[-–—~至到]+(?:周|星期)?([一二三四五六日天]))?")
_NAMED = {
    "每天": range(7),
    "每日": range(7),
    "全年": range(7),
    "工作日": range(5),
    "双休日": range(5, 7),
    "周末": range(5, 7),
}
_ROUND_THE_CLOCK = "24小时"


@dataclass(frozen=True)
class Hours:
    """Opening times of each weekday (Monday first), in order; empty on a day it is closed."""

    week: tuple[tuple[tuple[time, time], ...], ...]


def parse_hours(text: str) -> Hours:
    """Return the hours that ``text`` gives: 周一至周五 8:30-16:30；周六 9:00-11:30.

    Raises ValueError with a sentence that says what cannot be read.
    """
    week: list[tuple[tuple[time, time], ...]] = [()] * 7
    for part in filter(None, (part.strip() for part in re.split(r"[；;]", text))):
        days = _days(part)
        spans = _spans(part)
        if not spans:
            raise ValueError(f"no time like 8:30-16:30 in «{part}»")
        for day in days:
            week[day] = spans
    if not any(week):
        raise ValueError(f"no opening hours in «{text}»")
    return Hours(tuple(week))


def today_line(hours: Hours, at: datetime) -> str:
    """Return what is so on the day of ``at`` (zone-aware), and whether it is open at that moment."""
    if is_public_holiday(at.date()):
        return say("hours_holiday")
    spans = hours.week[at.weekday()]
    if not spans:
        return say("hours_closed_today", next=_next(hours, at))
    shown = "，".join(f"{_clock(start)}到{_clock(end)}" for start, end in spans)
    now = at.time()
    if any(start <= now < end for start, end in spans):
        state = say("hours_open")
    else:
        state = say("hours_not_yet") if any(now < start for start, _ in spans) else say("hours_over")
    return say("hours_today", day=_DAYS[at.weekday()], hours=shown, state=state)


def _days(part: str) -> list[int]:
    days = [day for word, numbers in _NAMED.items() if word in part for day in numbers]
    for found in _RANGE.finditer(part):
        first, last = (_DAYS.index(name.replace("天", "日")) for name in (found[1], found[2] or found[1]))
        if last < first:
            raise ValueError(f"the weekdays run backwards in «{part}»")
        days += range(first, last + 1)
    return days or list(range(7))


def _spans(part: str) -> tuple[tuple[time, time], ...]:
    if _ROUND_THE_CLOCK in part:
        return ((time(0, 0), time.max),)
    spans = []
    for found in _SPAN.finditer(part):
        hours = [int(number) for number in found.groups()]
        if hours[0] > 23 or hours[1] > 59 or hours[3] > 59 or hours[2] > 24 or (hours[2] == 24 and hours[3]):
            raise ValueError(f"no such time of day: «{found.group()}»")
        start, end = time(hours[0], hours[1]), time.max if hours[2] == 24 else time(hours[2], hours[3])
        if end <= start:
            raise ValueError(f"it closes before it opens: «{found.group()}»")
        spans.append((start, end))
    return tuple(sorted(spans))


def _next(hours: Hours, at: datetime) -> str:
    for ahead in range(1, 8):
        day = at + timedelta(days=ahead)
        if hours.week[day.weekday()] and not is_public_holiday(day.date()):
            return f"周{_DAYS[day.weekday()]}{_clock(hours.week[day.weekday()][0][0])}"
    return say("hours_ask")


def is_public_holiday(day: date) -> bool | None:
    """Return whether ``day`` is a public holiday; None for a year that is not announced yet."""
    try:
        is_holiday, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return None
    return bool(is_holiday and name)


def _clock(at: time) -> str:
    if at == time.max:
        return "24点"
    return f"{at.hour}点" + ("" if at.minute == 0 else "半" if at.minute == 30 else f"{at.minute:02d}分")


def is_open(hours: Hours, at: datetime, holidays: bool = False) -> bool:
    """Return whether it is open at ``at`` (zone-aware); on public ``holidays`` only where that is said."""
    if not holidays and is_public_holiday(at.date()):
        return False
    return any(start <= at.time() < end for start, end in hours.week[at.weekday()])


def opens_next(hours: Hours, at: datetime, holidays: bool = False) -> datetime:
    """Return when it opens next after ``at``; the same time a week on where holidays hide every day before."""
    for ahead in range(15):
        day = at + timedelta(days=ahead)
        if not holidays and is_public_holiday(day.date()):
            continue
        for start, _ in hours.week[day.weekday()]:
            opens = datetime.combine(day.date(), start, at.tzinfo)
            if opens > at:
                return opens
    return at + timedelta(days=7)

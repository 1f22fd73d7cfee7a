"""Days that jionlp does not read, or reads wrong: 过两天, 月底, 周末, 三天后, 除夕, 正月十五.

Tried with jionlp 1.5: a festival that is past is looked for a solar year later, which is
another day of the lunar calendar.
"""

from __future__ import annotations

import calendar
import contextlib
import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import cn2an

Days = tuple[date, date]
_WEEK = 7
_FESTIVALS = {
    "除夕": (12, 0),
    "年三十": (12, 0),
    "大年三十": (12, 0),
    "春节": (1, 1),
    "大年初一": (1, 1),
    "元宵": (1, 15),
    "端午": (5, 5),
    "中秋": (8, 15),
    "重阳": (9, 9),
    "腊八": (12, 8),
}
_MONTHS = {"正": 1, "冬": 11, "腊": 12}
_NUMBER = r"[\d一二三四五六七八九十两]+"
_FESTIVAL = re.compile(rf"(?P<name>{'|'.join(sorted(_FESTIVALS, key=len, reverse=True))})节?(?P<side>[以之]?[前后])?")
_LUNAR = re.compile(
    r"(?P<told>农历|阴历|旧历)?(?P<month>正|腊|冬|十一|十二|[一二三四五六七八九十])月(?P<day>初[一二三四五六七八九十]|廿[一二三四五六七八九]?|[一二三]?十[一二三四五六七八九]?|[一二三四五六七八九])"
)
_AFTER = re.compile(
    rf"(?:再过|过)?(?P<count>{_NUMBER})(?P<unit>天|日|个?星期|个?礼拜|周)(?P<side>[以之]?后|以内|之内|内)?"
)
_SOON = re.compile(r"过[两几]天|这[两几]天|近几天")
_MONTH = re.compile(
    r"(?P<which>这个?|本|下个?)?月(?P<part>底|末|初|中旬)|(?P<whole>下个?月|这个月|本月)(?![初底末中\d一二三四五六七八九十])"
)
_WEEKEND = re.compile(r"(?P<which>下下个?|下个?|这个?|本)?(?:周末|双休日)")
_SLASHED = re.compile(r"(?:(?P<year>\d{4})[-/.年])?(?P<month>\d{1,2})[/-](?P<day>\d{1,2})(?!\d)")
_NOT_BUT = re.compile(r"(?:不是|不要|别约)[^,，。]{1,12}[,，。 ]*(?:而?是|要|改到?|换到?)")


def spoken_days(text: str, today: date) -> tuple[str, Days | None]:
    """Return normal ``text`` without such a phrase, and the days (both included) it names."""
    text = _NOT_BUT.sub("", text)
    readers: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], Days | None]], ...] = (
        (_SOON, lambda found, day: (day + timedelta(days=1), day + timedelta(days=3))),
        (_FESTIVAL, _festival),
        (_LUNAR, _lunar_day),
        (_MONTH, _month),
        (_WEEKEND, _weekend),
        (_AFTER, _after),
        (_SLASHED, _slashed),
    )
    for pattern, read in readers:
        found = pattern.search(text)
        days = read(found, today) if found else None
        if found and days:
            return text[: found.start()] + text[found.end() :], days
    return text, None


def _festival(found: re.Match[str], today: date) -> Days | None:
    month, day = _FESTIVALS[found["name"]]
    at = _next_lunar(month, day, today) if day else _eve(today)
    if at is None:
        return None
    side = found["side"] or ""
    if side.endswith("前"):
        return today, at - timedelta(days=1)
    return (at + timedelta(days=1), at + timedelta(days=30)) if side else (at, at)


def _lunar_day(found: re.Match[str], today: date) -> Days | None:
    """Read a lunar day where the words leave no doubt: 正月, 腊月, 初八, 廿五, or said so."""
    month, day = found["month"], found["day"]
    if not (found["told"] or month in _MONTHS or day[0] in "初廿"):
        return None
    at = _next_lunar(_MONTHS.get(month) or _number(month), _number(day.replace("初", "").replace("廿", "二十")), today)
    return (at, at) if at else None


def _month(found: re.Match[str], today: date) -> Days | None:
    said = found["whole"] or found["which"] or ""
    first = today.replace(day=1)
    if said.startswith("下"):
        first = (first + timedelta(days=31)).replace(day=1)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    part = found["part"]
    if part in ("底", "末"):
        return last - timedelta(days=6), last
    if part == "初":
        return first, first + timedelta(days=6)
    if part == "中旬":
        return first + timedelta(days=10), first + timedelta(days=19)
    return max(first, today), last


def _weekend(found: re.Match[str], today: date) -> Days:
    which = found["which"] or ""
    monday = today - timedelta(days=today.weekday()) + timedelta(days=_WEEK * which.count("下"))
    return monday + timedelta(days=5), monday + timedelta(days=6)


def _after(found: re.Match[str], today: date) -> Days | None:
    side = found["side"] or ""
    if not side and not found[0].startswith(("过", "再过")):
        return None
    days = _number(found["count"]) * (1 if found["unit"] in "天日" else _WEEK)
    at = today + timedelta(days=days)
    return (today, at) if side.endswith("内") else (at, at)


def _slashed(found: re.Match[str], today: date) -> Days | None:
    with contextlib.suppress(ValueError):
        at = date(int(found["year"] or today.year), int(found["month"]), int(found["day"]))
        if not found["year"] and at < today:
            at = at.replace(year=at.year + 1)
        return at, at
    return None


def _next_lunar(month: int, day: int, today: date) -> date | None:
    for year in (today.year - 1, today.year, today.year + 1):
        at = _solar(year, month, day)
        if at and at >= today:
            return at
    return None


def _eve(today: date) -> date | None:
    """Return the eve of the next new year: the last lunar month has 29 days or 30."""
    new_year = _next_lunar(1, 1, today + timedelta(days=1))
    return new_year - timedelta(days=1) if new_year else None


def _solar(year: int, month: int, day: int) -> date | None:
    try:
        found: Any = jionlp().lunar2solar(year, month, day, False)
    except (ValueError, KeyError, IndexError):
        return None
    return date(found.year, found.month, found.day) if found else None


def _number(text: str) -> int:
    return int(cn2an.cn2an(text.replace("两", "二"), "smart"))


def jionlp() -> Any:
    """Return jionlp; it greets on standard output when it is loaded."""
    with contextlib.redirect_stdout(io.StringIO()):
        import jionlp
    return jionlp

"""Which time somebody wishes: 下周三上午, 后天, 越快越好, 不对，是下周四."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from actions.booking.model import Event
from actions.booking.spoken_days import jionlp, spoken_days

_ANY = re.compile(r"随便|都行|都可以|都好|无所谓|越快越好|尽快|尽早|最快|最早|最近的|哪天都|几时都|你看着办|有空就")
_TIME_OF_DAY = re.compile(r"[点时:：]|上午|下午|早上|清早|早晨|中午|晚上|傍晚|夜里|午后")
_DAY = re.compile(
    r"昨天|前天|今天|明天|后天|大后天|明[早晚]|后[早晚]|周|星期|礼拜|[号日]|月|节|元旦|春节|除夕|初[一二三四五六七八九十]|年"
)
_MORNING_ONLY = re.compile(r"早上|清早|早晨|明早|后早")
_EARLY = re.compile(rf"{_MORNING_ONLY.pattern}|上午|凌晨|半夜|夜里")
_BARE_WEEKDAY = re.compile(r"(?<![这下上本个])(?:周|星期|礼拜)[一二三四五六日天1-7]")
_WITHOUT_YEAR = re.compile(r"昨|今天|今日|今早|今晚|前天|上周|上个|去年|\d{4}年")
_PLACELESS = time(0), time(23, 59)
_OFFICE_FROM = 7  # 三点 without more is three in the afternoon: nobody is open at three at night
_A_WISH = timedelta(days=100)  # a longer span is no time to book
_EXACT = timedelta(hours=1)


@dataclass(frozen=True)
class Wish:
    """Days (both ends included) and times of day somebody wishes; None where nothing was said of it."""

    days: tuple[date, date] | None = None
    hours: tuple[time, time] | None = None
    any_time: bool = False
    weekly: bool = False  # a weekday without 这 or 下: the next one, or where that cannot be had one after

    def with_more(self, other: Wish) -> Wish:
        """Return the wish with what ``other`` says instead: 不对，是下周四 keeps the hour."""
        if other.any_time:
            return other
        weekly = other.weekly if other.days else self.weekly
        return Wish(other.days or self.days, other.hours or self.hours, weekly=weekly)

    def fits(self, starts_at: datetime) -> bool:
        """Return whether a time is as wished."""
        if self.any_time:
            return True
        day = starts_at.date()
        on_day = self.days is None or self.days[0] <= day <= self.days[1]
        if self.weekly and self.days and day > self.days[0]:
            on_day = (day - self.days[0]).days % 7 == 0
        return on_day and (self.hours is None or self.hours[0] <= starts_at.time() <= self.hours[1])

    @property
    def is_one_day(self) -> bool:
        """Return whether it names one day."""
        return self.days is not None and self.days[0] == self.days[1]

    def is_past(self, now: datetime) -> bool:
        """Return whether all that is wished lies behind ``now``."""
        if self.days is None or self.weekly:
            return False
        last = self.hours[1] if self.hours else _PLACELESS[1]
        return datetime.combine(self.days[1], last, now.tzinfo) < now


def wish_of(text: str, now: datetime) -> Wish | None:
    """Return which time normal ``text`` wishes, seen from ``now`` (zone-aware); None where it says none."""
    if _ANY.search(text):
        return Wish(any_time=True)
    text, days = spoken_days(text, now.date())
    wish = Wish(days) if days else None
    for found in _phrases(text, now):
        said = _read(found, now)
        if said is not None:
            wish = _joined(wish, said)
    return wish


def nearest(events: Iterable[Event], wish: Wish | None, now: datetime, top: int = 3) -> list[Event]:
    """Return the free times to offer: those wished first, else those nearest to them."""
    free = [event for event in events if event.free > 0 and event.starts_at > now]
    if wish is None or wish.any_time:
        return sorted(free, key=lambda event: event.starts_at)[:top]
    fitting = sorted((event for event in free if wish.fits(event.starts_at)), key=lambda event: event.starts_at)
    if fitting:
        return fitting[:top]
    day = wish.days[0] if wish.days else now.date()
    middle = datetime.combine(day, wish.hours[0] if wish.hours else time(10), now.tzinfo)
    return sorted(
        sorted(free, key=lambda event: abs(event.starts_at - middle))[:top], key=lambda event: event.starts_at
    )


def _phrases(text: str, now: datetime) -> list[tuple[str, datetime, datetime]]:
    """Return each time that ``text`` names, as (words, start, end)."""
    # As a dict: a timestamp would be read in the machine's zone, and be another day for a third of it.
    base = {"year": now.year, "month": now.month, "day": now.day, "hour": now.hour, "minute": now.minute, "second": 0}
    found = jionlp().ner.extract_time(text, time_base=base, with_parsing=True)
    phrases = []
    for each in found:
        times = (each.get("detail") or {}).get("time")
        if isinstance(times, list) and len(times) == 2 and each["detail"].get("type") in ("time_point", "time_span"):
            start, end = _moment(times[0], now), _moment(times[1], now + timedelta(days=365))
            phrases.append((text[max(0, each["offset"][0] - 1) : each["offset"][1]], start, end))
    return phrases


def _moment(text: str, otherwise: datetime) -> datetime:
    """Return the moment; ``otherwise`` where jionlp leaves it open (春节前 has no beginning)."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=otherwise.tzinfo)
    except ValueError:
        return otherwise


def _read(found: tuple[str, datetime, datetime], now: datetime) -> Wish | None:
    words, start, end = found
    days = hours = None
    if _DAY.search(words):
        start, end = _ahead(words, start, end, now)
        if end - start <= _A_WISH:  # 今年八十六了 wishes for no day
            days = (start.date(), end.date())
    if _TIME_OF_DAY.search(words):
        hours = _hours(words, start, end)
    weekly = bool(days and days[0] == days[1] and _BARE_WEEKDAY.search(words))
    return Wish(days, hours, weekly=weekly) if days or hours else None


def _ahead(words: str, start: datetime, end: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Return the time as a coming one: 周三 said on a Thursday, 3号 said on the 25th, 元旦."""
    if end >= now or _WITHOUT_YEAR.search(words):
        return start, end
    if "周" in words or "星期" in words or "礼拜" in words:
        step = timedelta(days=7)
        while end < now:
            start, end = start + step, end + step
        return start, end
    if "月" not in words and ("号" in words or "日" in words):
        return _next_month(start), _next_month(end)
    with contextlib.suppress(ValueError):  # 29 February
        return start.replace(year=start.year + 1), end.replace(year=end.year + 1)
    return start, end


def _next_month(at: datetime) -> datetime:
    year, month = (at.year, at.month + 1) if at.month < 12 else (at.year + 1, 1)
    try:
        return at.replace(year=year, month=month)
    except ValueError:  # the 31st of a month that has none
        return at


def _hours(words: str, start: datetime, end: datetime) -> tuple[time, time]:
    if start.hour < _OFFICE_FROM and not _EARLY.search(words):
        start, end = start + timedelta(hours=12), end + timedelta(hours=12)
    if _MORNING_ONLY.search(words) and end - start > _EXACT:  # 早上 is before noon, no matter how early
        return time(6), time(11, 59)
    if end - start < _EXACT:  # 九点: that hour's start; half an hour either side is near enough to offer first
        return start.time(), start.time()
    return start.time(), end.time()


def _joined(wish: Wish | None, said: Wish) -> Wish:
    if wish is None:
        return said
    if wish.days and said.days and said.days[0] >= wish.days[0]:  # 下周三或者周四
        return Wish((wish.days[0], said.days[1]), said.hours or wish.hours)
    return wish.with_more(said)

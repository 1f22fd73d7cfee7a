"""Times as people say them. It is Wednesday, 25 November 2026, nine o'clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.booking.model import Event, Kind
from actions.booking.when import Wish, nearest, wish_of
from knowledge.normalise import normalise
from storage.clock import SHANGHAI

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)


def said(text: str, now: datetime = NOW) -> Wish | None:
    return wish_of(normalise(text), now)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("明天", date(2026, 11, 26)),
        ("明朝", date(2026, 11, 26)),
        ("后日", date(2026, 11, 27)),
        ("大后天", date(2026, 11, 28)),
        ("礼拜天", date(2026, 11, 29)),
        ("下周三", date(2026, 12, 2)),
        ("下个礼拜二", date(2026, 12, 1)),
        ("周二", date(2026, 12, 1)),
        ("12月5日", date(2026, 12, 5)),
        ("3号", date(2026, 12, 3)),
        ("28号", date(2026, 11, 28)),
        ("不对，是下周四", date(2026, 12, 3)),
        ("元旦", date(2027, 1, 1)),
        ("农历腊月二十三", date(2027, 1, 30)),
        ("帮我妈约下周三上午徐汇的养老顾问", date(2026, 12, 2)),
        ("我妈八十三了，下周一", date(2026, 11, 30)),
        ("正月十五", date(2027, 2, 20)),
        ("大年初一", date(2027, 2, 6)),
        ("除夕那天", date(2027, 2, 5)),
        ("重阳节", date(2027, 10, 8)),
        ("农历十月二十", date(2026, 11, 28)),
        ("三天后", date(2026, 11, 28)),
        ("再过一个礼拜", date(2026, 12, 2)),
        ("12/3", date(2026, 12, 3)),
        ("2026-12-03上午", date(2026, 12, 3)),
        ("不是周三，是周四", date(2026, 11, 26)),
        ("不要明天，要后天", date(2026, 11, 27)),
    ],
)
def test_days(text: str, day: date) -> None:
    wish = said(text)
    assert wish
    assert wish.days == (day, day)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("过两天", date(2026, 11, 26), date(2026, 11, 28)),
        ("月底", date(2026, 11, 24), date(2026, 11, 30)),
        ("下个月", date(2026, 12, 1), date(2026, 12, 31)),
        ("下个月初", date(2026, 12, 1), date(2026, 12, 7)),
        ("这个周末", date(2026, 11, 28), date(2026, 11, 29)),
        ("下周末", date(2026, 12, 5), date(2026, 12, 6)),
        ("春节前", date(2026, 11, 25), date(2027, 2, 5)),
        ("三天之内", date(2026, 11, 25), date(2026, 11, 28)),
    ],
)
def test_spans_of_days(text: str, first: date, last: date) -> None:
    wish = said(text)
    assert wish
    assert wish.days == (first, last)


@pytest.mark.parametrize("hour", [0, 4, 7, 9, 23])
def test_the_day_is_shanghais_whatever_the_machine_thinks(hour: int) -> None:
    wish = said("明天上午", NOW.replace(hour=hour))
    assert wish
    assert wish.days == (date(2026, 11, 26),) * 2


def test_a_bare_weekday_may_be_a_later_one() -> None:
    wish = said("礼拜五下午")
    assert wish
    assert wish.fits(datetime(2026, 11, 27, 14, tzinfo=SHANGHAI))
    assert wish.fits(datetime(2026, 12, 4, 14, tzinfo=SHANGHAI))
    assert not wish.fits(datetime(2026, 12, 3, 14, tzinfo=SHANGHAI))
    this = said("这个礼拜五")
    assert this
    assert not this.fits(datetime(2026, 12, 4, 14, tzinfo=SHANGHAI))


def test_three_at_night_is_not_three_in_the_afternoon() -> None:
    wish = said("明天凌晨三点")
    assert wish
    assert wish.hours == (time(3), time(3))


def test_today_is_past_when_it_is_past() -> None:
    late = NOW.replace(hour=20)
    wish = said("今天下午三点", late)
    assert wish
    assert wish.is_past(late)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("明天上午", (time(7), time(11, 59, 59))),
        ("后日下半日", (time(13), time(17, 59, 59))),
        ("明朝早浪向", (time(6), time(11, 59))),
        ("明天三点", (time(15), time(15))),
        ("12月5日下午两点半", (time(14, 30), time(14, 30))),
        ("大后天早上九点半", (time(9, 30), time(9, 30))),
    ],
)
def test_hours(text: str, hours: tuple[time, time]) -> None:
    wish = said(text)
    assert wish
    assert wish.hours == hours


@pytest.mark.parametrize("text", ["随便哪天", "越快越好", "哪天都可以", "尽快吧"])
def test_any_time(text: str) -> None:
    wish = said(text)
    assert wish
    assert wish.any_time


@pytest.mark.parametrize("text", ["我妈八十三岁", "徐汇区", "13800138000", "好的", "长护险怎么申请", ""])
def test_no_time(text: str) -> None:
    assert said(text) is None


def test_two_days_are_both_good() -> None:
    wish = said("下周三或者下周四")
    assert wish
    assert wish.days == (date(2026, 12, 2), date(2026, 12, 3))


def test_a_corrected_day_keeps_the_hour() -> None:
    first, second = said("下周三下午两点"), said("不对，是下周四")
    assert first
    assert second
    both = first.with_more(second)
    assert both.days == (date(2026, 12, 3), date(2026, 12, 3))
    assert both.hours == (time(14), time(14))


def test_yesterday_is_past() -> None:
    wish = said("昨天")
    assert wish
    assert wish.is_past(NOW)


def event(hours: float, free: int = 1) -> Event:
    starts = NOW + timedelta(hours=hours)
    return Event(str(hours), Kind.TRAINING, "课", "徐汇区", "路1号", starts, starts + timedelta(hours=1), 2, 2 - free)


def test_what_is_wished_is_offered_first_else_the_nearest() -> None:
    events = [event(24), event(48), event(49), event(72, free=0), event(100), event(-5)]
    assert [e.id for e in nearest(events, said("后天"), NOW)] == ["48", "49"]
    assert [e.id for e in nearest(events, said("大后天"), NOW)] == ["48", "49", "100"]
    assert [e.id for e in nearest(events, Wish(any_time=True), NOW)] == ["24", "48", "49"]


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 1)).map(lambda at: at.replace(tzinfo=SHANGHAI))  # noqa: DTZ001


@given(moments, st.sampled_from(["周一", "周日", "星期五", "明天", "下周三上午", "后天下午三点", "大后天"]))
def test_what_is_said_of_the_future_is_never_past(now: datetime, text: str) -> None:
    wish = said(text, now)
    assert wish
    assert wish.days
    assert wish.days[0] >= now.date()
    assert wish.days[0] <= now.date() + timedelta(days=14)


def test_the_year_in_which_somebody_is_so_old_is_no_time_to_book() -> None:
    wish = wish_of(normalise("我妈今年八十六了，最好是下个礼拜上半天"), NOW)
    assert wish is not None
    assert wish.days is not None
    assert (wish.days[1] - wish.days[0]).days < 7
    assert wish.hours is not None
    assert wish.hours[1] < time(12)

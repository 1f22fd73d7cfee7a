"""What is known of the person a message is about."""

from __future__ import annotations

import functools
import re
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any

import yaml

from knowledge.normalise import DATA

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_NUMBER = r"(?:\d{2,3}|一?百零?[一二三四五六七八九]?|[一二三四五六七八九]?十[一二三四五六七八九]?|[六七八九][一二三四五六七八九])"
_AGE = re.compile(
    rf"(?P<number>{_NUMBER})(?P<more>多|几|来)?(?:周?岁|(?=了|的|，|。|？|能|可以|有|上海|外地|本地|户口|一个人|独居|$))"
)
_WITH_UNIT = re.compile(rf"(?P<number>{_NUMBER})(?P<more>多|几|来)?周?岁")
_BORN = re.compile(
    r"(?P<year>(?:18|19|20)\d\d|[2-6]\d(?=年(?:的|生|出生|\d{1,2}月)))年(?:(?P<month>1[0-2]|0?[1-9])月(?:份)?)?"
    r"(?:(?P<day>3[01]|[12]\d|0?[1-9])[日号])?(?:出?生|的(?=$|[，。？！]))"
)
_LEVEL = re.compile(
    r"(?:照护|护理|评估|失能|长护险|等级)[^，。？！残]{0,6}?(?P<a>[一二三四五六1-6])级|"
    r"评(?:了|上|到|为|下来)?(?:是)?(?P<b>[一二三四五六1-6])级|^(?P<c>[一二三四五六1-6])级[。！]?$"
)
_NOT_ASSESSED = re.compile(r"(?:没|没有|还没|未)(?:做过|去)?评(?:过|估|级)")
_LATER = {"明年": 1, "后年": 2, "大后年": 3}
_LATER_IN = re.compile(r"再过([一二两三四五六七八九十]|\d{1,2})年")
_NOT_YET = re.compile(r"(?:没满|不满|未满|不到|没到|未到)$")
MAX_AGE = 130


@dataclass(frozen=True)
class Person:
    """One person; None means "not known". Ages are inclusive ranges in full years.

    ``birth`` is (year, month or None, day or None). ``care_level`` is a range within 1 to 6 of
    the unified needs assessment. ``income`` names the groups the household belongs to; () is "none of
    them". A level implies frailty, the loss of an only child implies childlessness.
    """

    who: str | None = None
    age: tuple[int, int] | None = None
    birth: tuple[int, int | None, int | None] | None = None
    hukou: str | None = None
    resident: bool | None = None
    residence_permit: bool | None = None
    insured: bool | None = None
    care_level: tuple[int, int] | None = None
    income: tuple[str, ...] | None = None
    lives_alone: bool | None = None
    childless: bool | None = None
    lost_only_child: bool | None = None
    dementia: bool | None = None
    disabled: bool | None = None
    severely_disabled: bool | None = None
    veteran: bool | None = None
    is_carer: bool | None = None
    frail: bool | None = None
    no_guardian: bool | None = None
    has_capacity: bool | None = None

    def __post_init__(self) -> None:
        for cause, effect in (
            (self.care_level is not None, "frail"),
            (self.lost_only_child, "childless"),
            (self.severely_disabled, "disabled"),
        ):
            if cause:
                object.__setattr__(self, effect, True)

    def ages_on(self, day: date) -> tuple[int, int] | None:
        """Return the youngest and oldest the person can be on ``day``, or None."""
        if self.birth is None:
            return self.age
        year, month, day_of_month = self.birth
        oldest = day.year - year
        if month is None:
            return (max(oldest - 1, 0), oldest)
        if day.month != month:
            return (oldest, oldest) if day.month > month else (oldest - 1, oldest - 1)
        if day_of_month is None:
            return (max(oldest - 1, 0), oldest)
        return (oldest, oldest) if day.day >= day_of_month else (oldest - 1, oldest - 1)

    def older(self, years: int) -> Person:
        """Return the person as ``years`` from now."""
        age = (self.age[0] + years, self.age[1] + years) if self.age else None
        birth = (self.birth[0] - years, *self.birth[1:]) if self.birth else None
        return replace(self, age=age, birth=birth)

    def known(self) -> dict[str, Any]:
        """Return what is known, as JSON data."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def with_more(self, other: Person) -> Person:
        """Return this person with what ``other`` says; somebody else begins anew."""
        said = other.known()
        if said == {"who": "我"}:  # 那我要带什么: the asker, not a new person
            said = {} if self.who else said
        elif other.who and self.who and other.who != self.who:
            return other
        if "age" in said:
            said["birth"] = None
        return replace(self, **{name: _as_tuple(value) for name, value in said.items()})


NOBODY = Person()


def person_from(data: dict[str, Any] | None) -> Person:
    """Return the person of ``known()``'s data; what is not a field is left out."""
    names = {field.name for field in fields(Person)}
    return Person(**{name: _as_tuple(value) for name, value in (data or {}).items() if name in names})


def person_of(text: str) -> Person:
    """Return what normal ``text`` says of the person it is about."""
    found: dict[str, Any] = {}
    for attribute, value, pattern in _rows():
        if attribute not in found and pattern.search(text):
            found[attribute] = value
    income = found.get("income")
    if income is not None:
        found["income"] = () if income == "none" else (income,)
    named = ages(text)
    if named:
        found["age"] = named[0]
    born = _BORN.search(text)
    if born:
        year = int(born["year"])
        found["birth"] = (year if year > 100 else 1900 + year, _int(born["month"]), _int(born["day"]))
        found.pop("age", None)
    level = _LEVEL.search(text)
    if level and not _NOT_ASSESSED.search(text):
        grade = _value_of_digit(next(filter(None, level.groups())))
        found["care_level"] = (grade, grade)
    if found.get("who") not in (None, "我"):
        found["is_carer"] = True
    return Person(**found)


def years_later(text: str) -> int:
    """Return how many years ahead normal ``text`` asks about: 明年 is 1; 0 without."""
    for word, years in sorted(_LATER.items(), key=lambda item: -len(item[0])):
        if word in text:
            return years
    hit = _LATER_IN.search(text)
    return (10 if hit[1] == "十" else _value_of_digit(hit[1])) if hit else 0


def ages(text: str) -> tuple[tuple[int, int], ...]:
    """Return the (youngest, oldest) of each age that normal ``text`` names, in order.

    "83岁" is (83, 83), "八十多岁" is (80, 89), "没满60" is (50, 59). Numbers without 岁 count only where they
    can hardly mean anything else (50 to 120, at a clause's end or before 了、的、能).
    """
    found = [
        hit for hit in _AGE.finditer(text) if _WITH_UNIT.match(text, hit.start()) or 50 <= _value(hit["number"]) <= 120
    ]
    ranges = []
    for hit in found:
        years = _value(hit["number"])
        if 0 < years <= MAX_AGE:
            if _NOT_YET.search(text, 0, hit.start()):
                ranges.append((max(0, years - 10), years - 1))
            else:
                ranges.append((years, years // 10 * 10 + 9) if hit["more"] else (years, years))
    return tuple(dict.fromkeys(ranges))


@functools.cache
def _rows() -> list[tuple[str, Any, re.Pattern[str]]]:
    rows = yaml.safe_load((DATA / "person.yaml").read_text(encoding="utf-8"))
    return [(row["attribute"], row["value"], re.compile(row["pattern"])) for row in rows]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _int(text: str | None) -> int | None:
    return int(text) if text else None


def _value_of_digit(digit: str) -> int:
    return int(digit) if digit.isdigit() else _DIGITS[digit]


def _value(number: str) -> int:
    if number.isdigit():
        return int(number)
    if "百" in number:
        rest = number.split("百")[1].replace("零", "")
        return 100 + (_DIGITS[rest] if rest else 0)
    if "十" in number:
        tens, ones = number.split("十")
        return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)
    return _DIGITS[number[0]] * 10 + _DIGITS[number[1]]

"""What a message says of the person it is about."""

from __future__ import annotations

import re

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_NUMBER = r"(?:\d{2,3}|一?百零?[一二三四五六七八九]?|[一二三四五六七八九]?十[一二三四五六七八九]?|[六七八九][一二三四五六七八九])"
_AGE = re.compile(rf"(?P<number>{_NUMBER})(?P<more>多|几|来)?(?:周?岁|(?=了|的|，|。|？|能|可以|有|$))")
_WITH_UNIT = re.compile(rf"(?P<number>{_NUMBER})(?P<more>多|几|来)?周?岁")


def ages(text: str) -> tuple[tuple[int, int], ...]:
    """Return the (youngest, oldest) of each age that normal ``text`` names, in order.

    "83岁" is (83, 83), "八十多岁" is (80, 89). Numbers without 岁 count only where they
    can hardly mean anything else (50 to 120, at a clause's end or before 了、的、能).
    """
    found = [
        hit for hit in _AGE.finditer(text) if _WITH_UNIT.match(text, hit.start()) or 50 <= _value(hit["number"]) <= 120
    ]
    ranges = []
    for hit in found:
        years = _value(hit["number"])
        if 0 < years <= 130:
            ranges.append((years, years // 10 * 10 + 9) if hit["more"] else (years, years))
    return tuple(dict.fromkeys(ranges))


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

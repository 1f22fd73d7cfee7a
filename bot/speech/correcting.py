"""Mends what a recogniser makes of the field's terms: by sound, against the names of the service list."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from pypinyin import lazy_pinyin

from knowledge.normalise import domain_terms, to_simplified

_CJK_RUN = re.compile(r"[\u4e00-\u9fff]+")
_FUZZY = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"), ("l", "n"), ("r", "n"), ("hu", "f"))
_SHORTEST, _LONGEST = 3, 8
_MAY_DIFFER_FROM = 4  # syllables, from which one may be a letter off


def corrected(text: str) -> str:
    """Return recognised text in Simplified characters with the field's terms put right (长虎线 → 长护险)."""
    text = to_simplified(text)
    return _CJK_RUN.sub(lambda run: _mended(run[0]), text)


def _mended(run: str) -> str:
    sounds = _sounds(run)
    if len(sounds) != len(run):
        return run
    taken = [False] * len(run)
    for length in range(min(_LONGEST, len(run)), _SHORTEST - 1, -1):
        for start in range(len(run) - length + 1):
            if any(taken[start : start + length]):
                continue
            term = _nearest(sounds[start : start + length])
            if term:
                run = run[:start] + term + run[start + length :]
                taken[start : start + length] = [True] * length
    return run


def _nearest(heard: tuple[str, ...]) -> str | None:
    """Return the term that sounds like it, or one that is a letter off in one of four syllables or more."""
    terms = _terms().get(len(heard), {})
    if heard in terms:
        return terms[heard]
    if len(heard) < _MAY_DIFFER_FROM:
        return None
    near = [term for sounds, term in terms.items() if _off_by_one(sounds, heard)]
    return near[0] if len(near) == 1 else None


def _off_by_one(one: Iterable[str], other: Iterable[str]) -> bool:
    differing = [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]]
    return len(differing) == 1 and _letters_apart(*differing[0]) <= 1


def _letters_apart(one: str, other: str) -> int:
    """Return the edit distance, 2 standing for two and more."""
    if abs(len(one) - len(other)) > 1:
        return 2
    if len(one) == len(other):
        return min(2, sum(a != b for a, b in zip(one, other, strict=True)))
    short, long = sorted((one, other), key=len)
    return 1 if any(long[:at] + long[at + 1 :] == short for at in range(len(long))) else 2


@functools.cache
def _terms() -> dict[int, dict[tuple[str, ...], str]]:
    by_length: dict[int, dict[tuple[str, ...], str]] = {}
    for term in domain_terms():
        if _SHORTEST <= len(term) <= _LONGEST and _CJK_RUN.fullmatch(term):
            by_length.setdefault(len(term), {})[_sounds(term)] = term
    return by_length


def _sounds(text: str) -> tuple[str, ...]:
    return tuple(_fuzzy(syllable) for syllable in lazy_pinyin(text))


def _fuzzy(syllable: str) -> str:
    for sound, merged in _FUZZY:
        syllable = syllable.replace(sound, merged)
    return syllable

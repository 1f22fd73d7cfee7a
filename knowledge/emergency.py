"""The emergency matcher: decides by rule, before anything else, whether somebody is in danger.

Rules are in ``data/emergency.yaml``. No model is asked: what is missed here hurts, and a
rule can be read, tested and mended by whoever finds the miss. What no rule knows the intent
model may still see; ``suspected`` then says which danger is the likeliest.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from knowledge import phrases
from knowledge.normalise import DATA, normalise

_CANNOT_RING = re.compile(
    r"(?:我|本人)[^，。]{0,4}(?:聋|听障|哑|听不见)|(?:不能|打不了|不会|没法|没办法)打?电话|手机(?:没电|坏)"
)
_NEGATION = re.compile(r"(?:没|没有|不是|并没有|不曾|未)(?:想|要)?$")


@dataclass(frozen=True)
class Emergency:
    """A danger recognised: which, whom to ring first, and what to say."""

    kind: str
    call: tuple[str, ...]
    lead: str
    advice: tuple[str, ...]


@dataclass(frozen=True)
class _Rule:
    emergency: Emergency
    hard: tuple[re.Pattern[str], ...]
    soft: tuple[re.Pattern[str], ...]
    words: re.Pattern[str] | None  # what such a danger is told with


class EmergencyMatcher:
    """The rules, compiled once. Earlier kinds in the file win over later ones."""

    def __init__(self, file: Path = DATA / "emergency.yaml") -> None:
        """Read the rules. Raises re.error or KeyError where the file is wrong."""
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
        self._never, self._now, self._past, self._topic = (
            re.compile(raw[name]) for name in ("never", "now", "past", "topic")
        )
        self._rules = [
            _Rule(
                Emergency(kind, tuple(rule["call"]), rule["lead"], tuple(rule["advice"])),
                tuple(map(re.compile, rule.get("hard", ()))),
                tuple(map(re.compile, rule.get("soft", ()))),
                re.compile(rule["words"]) if "words" in rule else None,
            )
            for kind, rule in raw["kinds"].items()
        ]

    def __call__(self, text: str) -> Emergency | None:
        """Return the emergency that ``text`` tells of, or None."""
        text = normalise(text)
        quiet = self.is_told_of(text)
        for rule in self._rules:
            patterns = rule.hard if quiet else rule.hard + rule.soft
            if any(self._fires(pattern, text) for pattern in patterns):
                return _for_whom(rule.emergency, text)
        return None

    def is_told_of(self, text: str) -> bool:
        """Return whether normal ``text`` speaks of the past, of a service or in general, and of no now."""
        told = not self._now.search(text) and (self._past.search(text) or self._topic.search(text))
        return bool(told or self._never.search(text))

    def suspected(self, text: str) -> Emergency:
        """Return the likeliest emergency in ``text``, of which something else says that it tells of one."""
        text = normalise(text)
        for rule in self._rules:
            if any(pattern.search(text) for pattern in rule.hard + rule.soft):
                return _for_whom(rule.emergency, text)
        told = (rule for rule in self._rules if rule.words and rule.words.search(text))
        return _for_whom(next(told, self._rules[-1]).emergency, text)

    @staticmethod
    def _fires(pattern: re.Pattern[str], text: str) -> bool:
        return any(not _NEGATION.search(text[: found.start()]) for found in pattern.finditer(text))


def _for_whom(danger: Emergency, text: str) -> Emergency:
    """Return the emergency as it is told to who wrote ``text``: who cannot telephone needs somebody who can."""
    if not _CANNOT_RING.search(text):
        return danger
    return replace(danger, advice=(phrases.say("emergency_cannot_ring"), *danger.advice[:1]))


@functools.cache
def default_matcher() -> EmergencyMatcher:
    """Return the matcher of the bundled rules; compiled on first use, then shared."""
    return EmergencyMatcher()

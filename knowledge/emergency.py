"""The emergency matcher: decides by rule, before anything else, whether somebody is in danger.

Rules are in ``data/emergency.yaml``. No model is asked: what is missed here hurts, and a
rule can be read, tested and mended by whoever finds the miss. What no rule knows the intent
model may still see; ``suspected`` then says which danger is the likeliest.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from knowledge.normalise import DATA, normalise

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
        now = self._now.search(text) is not None
        told = not now and (self._past.search(text) or self._topic.search(text))
        quiet = told or self._never.search(text)
        for rule in self._rules:
            patterns = rule.hard if quiet else rule.hard + rule.soft
            if any(self._fires(pattern, text) for pattern in patterns):
                return rule.emergency
        return None

    def suspected(self, text: str) -> Emergency:
        """Return the likeliest emergency in ``text``, of which something else says that it tells of one."""
        text = normalise(text)
        for rule in self._rules:
            if any(pattern.search(text) for pattern in rule.hard + rule.soft):
                return rule.emergency
        told = (rule for rule in self._rules if rule.words and rule.words.search(text))
        return next(told, self._rules[-1]).emergency

    @staticmethod
    def _fires(pattern: re.Pattern[str], text: str) -> bool:
        return any(not _NEGATION.search(text[: found.start()]) for found in pattern.finditer(text))


@functools.cache
def default_matcher() -> EmergencyMatcher:
    """Return the matcher of the bundled rules; compiled on first use, then shared."""
    return EmergencyMatcher()

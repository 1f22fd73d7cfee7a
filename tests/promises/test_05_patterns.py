"""Promise 5: no text keeps a pattern busy. Every regular expression of ours that reads people's words, on texts made to hurt."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import actions
import bot
import knowledge
from bot.messages import mask, phone_in
from knowledge.emergency import EmergencyMatcher
from knowledge.normalise import MAX_MESSAGE, clauses, clean, normalise
from knowledge.person import person_of
from knowledge.where import whereabouts

QUICK_S = 0.3
HURTS = [
    (sign * MAX_MESSAGE)[:MAX_MESSAGE]  # longer ones are cut before anything reads them
    for sign in (
        "一",
        "1",
        "a",
        " ",
        "，",
        "。",
        "？",
        "(",
        "（",
        "10",
        "我要",
        "1-",
        "1 ",
        "路1号",
        "救",
        "没有",
        "不",
        "上海",
        "<",
        "&amp;",
    )
]
HURTS += [text + "!" for text in HURTS[:8]] + ["a" * 500 + "1" * 500 + "@" * 1000, "（" * 1000 + "）" * 1000]


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield every compiled pattern that stands in a module of ours."""
    for package in (knowledge, actions, bot):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "__main__" in found.name or ".tuning" in found.name:
                continue
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    yield f"{found.name}.{name}", value


def test_no_pattern_is_kept_busy_by_a_text() -> None:
    tried = 0
    for name, pattern in patterns():
        for text in HURTS:
            began = time.process_time()
            pattern.search(text)
            pattern.fullmatch(text)
            assert time.process_time() - began < QUICK_S, (name, text[:12])
        tried += 1
    assert tried > 60


@pytest.mark.parametrize("text", HURTS, ids=lambda text: text[:4])
def test_no_reader_of_a_message_is_kept_busy(text: str) -> None:
    matcher = EmergencyMatcher()
    began = time.process_time()
    for read in (clean, normalise, clauses, mask, phone_in, matcher, person_of, whereabouts):
        read(text)  # type: ignore[operator]
    assert time.process_time() - began < 10 * QUICK_S

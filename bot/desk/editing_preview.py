"""What a service would look like: what is different, what it would answer, and what of that is hard to read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from bot.desk.editing_form import written
from bot.desk.editing_words import in_chinese
from knowledge.answer import ASPECTS, Asked, compose
from knowledge.phrases import say
from knowledge.plain import offences
from knowledge.reply import AnswerBlock
from knowledge.schema import Service


@dataclass(frozen=True)
class Difference:
    """What is different in one field: of several lines only those that are."""

    label: str
    before: list[str]
    after: list[str]


@dataclass(frozen=True)
class Answer:
    """What a person would read who asks this; ``known`` is False where the list does not say."""

    asked: str
    block: AnswerBlock
    known: bool


def differences(before: Service | None, after: Service | None) -> list[Difference]:
    """Return what is different, field by field, as it stands on the form."""
    old, new = written(before), written(after)
    found = []
    for label in dict.fromkeys([*old, *new]):
        was, now = old.get(label, []), new.get(label, [])
        if was == now:
            continue
        gone, come = Counter(was) - Counter(now), Counter(now) - Counter(was)
        if gone or come:
            found.append(Difference(label, _only(was, gone), _only(now, come)))
        else:
            found.append(Difference(f"{label}（换了次序）", was, now))
    return found


def answers(service: Service, today: date) -> list[Answer]:
    """Return the answer to every aspect, and to every special question."""
    asked = [(say(f"button_{aspect}"), aspect, Asked(today)) for aspect in ASPECTS]
    for topic in service.topics:
        asked.append((f"常问：{topic.words[0]}", "ask_service", Asked(today, text=topic.words[0].replace("&", ""))))
    return [Answer(title, *compose(service, aspect, question)) for title, aspect, question in asked]


def hard_to_read(service: Service, today: date) -> list[str]:
    """Return what is hard to read in its answers, a sentence each."""
    return [
        f"“{_title(offence.aspect)}”的回答里，{in_chinese(offence.rule)}：{offence.text}"
        for offence in offences([service], today)
    ]


def _only(lines: list[str], wanted: Counter[str]) -> list[str]:
    return [line for line in lines if line in wanted]


def _title(aspect: str) -> str:
    return say(f"button_{aspect}") if aspect in ASPECTS else aspect.replace("topic ", "常问 ")

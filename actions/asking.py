"""What a question says of the person it is about, and of when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from actions.about import is_follow_up
from actions.understood import Context, UnderstoodAct
from knowledge.answer import Asked
from knowledge.person import Person, ages, person_of, years_later

_ASKS = re.compile(r"[？?]|吗|呢|怎么|如何|多少|几|哪|什么|谁|能不能|可不可以|有没有|是不是|要不要|帮我|想问|请问")
_REACHES = re.compile(r"[明后]年[^，。]{0,6}(?:满|到|就是?|要)[^，。]{0,2}[\d六七八九]")  # the age is that of then
_FACTS_TO_START = 2
_SHORT = 15


def with_person(acts: Sequence[UnderstoodAct], context: Context) -> Context:
    """Return the context with the whole message, and what it says of the person."""
    said = context.said or "，".join(act.text for act in acts)
    return replace(context, said=said, person=context.person.with_more(person_of(said)))


def asked_of(text: str, person: Person, today: date) -> Asked:
    """Return whom normal ``text`` asks about: one person, or one for each age it names."""
    years = years_later(text)
    older_by = 0 if _REACHES.search(text) else years
    named = ages(text)
    people = [replace(person, age=age, birth=None) for age in named] if len(named) > 1 else [person]
    return Asked(today, tuple(each.older(older_by) for each in people), years, text)


def goes_on(act: UnderstoodAct, context: Context) -> bool:
    """Return whether ``act`` only says for whom or for when the last question is asked again."""
    if context.last_service is None or context.last_aspect is None or act.pressed:
        return False
    if years_later(act.text) and is_follow_up(act.text):
        return True
    return bool(facts(act.text)) and (act.intent in ("inform", "correct") or is_follow_up(act.text))


def asks_money_by_age(act: UnderstoodAct, person: Person) -> bool:
    """Return whether ``act`` asks how much, or how it will be, of a person whose age is known, and names nothing."""
    if act.pressed or not (person.age or person.birth):
        return False
    return (act.intent == "ask_amount" and is_follow_up(act.text)) or (
        bool(years_later(act.text)) and len(act.text) <= _SHORT
    )


def tells_only(act: UnderstoodAct) -> bool:
    """Return whether ``act`` describes a person and asks nothing: then the finder helps."""
    return not act.pressed and not is_question(act.text) and len(facts(act.text)) >= _FACTS_TO_START


def facts(text: str) -> set[str]:
    """Return the attributes that normal ``text`` tells of a person, besides whom it is about."""
    return set(person_of(text).known()) - {"who", "is_carer"}


def is_question(text: str) -> bool:
    """Return whether normal ``text`` has a word that asks."""
    return bool(_ASKS.search(text))

"""Figures of the service list, chosen for a person and put into words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from knowledge.eligibility import Verdict, judge_condition
from knowledge.person import Person
from knowledge.phrases import say
from knowledge.schema import Fact, FactKind, Payday, Service


def figures_for(facts: Sequence[Fact], person: Person, today: date) -> tuple[list[Fact], bool]:
    """Return the facts that are true of ``person``, and whether some condition decided it.

    Where one conditional fact fits for certain, only those that fit are returned; where none
    does, those that may fit. An empty list with True: every figure is for other people.
    """
    verdicts = [judge_condition(fact.condition, person, today) if fact.condition else None for fact in facts]
    conditional = [verdict for verdict in verdicts if verdict is not None]
    decided = any(verdict is not Verdict.DEPENDS for verdict in conditional)
    wanted = Verdict.YES if Verdict.YES in conditional else Verdict.DEPENDS
    kept = [fact for fact, verdict in zip(facts, verdicts, strict=True) if verdict in (wanted, None)]
    if conditional and wanted is Verdict.DEPENDS and Verdict.DEPENDS not in conditional:
        return [], True
    return kept, decided


def is_paid_by_age(service: Service) -> bool:
    """Return whether the service is money, and how much goes by age."""
    facts = service.standard.facts if service.standard else ()
    return any(fact.kind is FactKind.PAYS and fact.condition and fact.condition.min_age for fact in facts)


def as_sentence(fact: Fact) -> str:
    """Return 70到79岁：每月150元。"""
    if fact.value is not None:
        number = _number(fact.value)
    elif fact.min_value is not None and fact.max_value is not None:
        number = f"{_number(fact.min_value)}到{_number(fact.max_value)}"
    elif fact.max_value is not None:
        number = f"最多{_number(fact.max_value)}"
    else:
        number = f"{_number(fact.min_value or 0)}以上"
    per = f"每{fact.per.removeprefix('每')}" if fact.per else ""
    return f"{fact.label}：{per}{number}{fact.unit}。"


def payday_sentence(payday: Payday, today: date) -> str:
    """Return when the money comes, with the next day it does."""
    due = [date(year, month, payday.day) for year in (today.year, today.year + 1) for month in sorted(payday.months)]
    coming = next(day for day in due if day >= today)
    months = "、".join(map(str, sorted(payday.months)))
    year = "" if coming.year == today.year else f"{coming.year}年"
    return say("payday", months=months, day=payday.day, coming=f"{year}{coming.month}月{coming.day}日")


def _number(value: float) -> str:
    return f"{value:g}" if value < 100_000 else f"{value:.0f}"

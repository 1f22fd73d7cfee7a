"""Who can have a service: the list's conditions against what is known of a person.

Three-valued (Kleene's strong logic): what is not known can make the verdict "depends", never
"yes". Source of the logic: S. C. Kleene, Introduction to Metamathematics, 1952, §64.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from knowledge.person import Person
from knowledge.phrases import say
from knowledge.schema import Condition, Eligibility, Service


class Verdict(StrEnum):
    """Whether a person can have a service."""

    YES = "yes"
    NO = "no"
    DEPENDS = "depends"


@dataclass(frozen=True)
class Check:
    """One condition held against a person. ``needs`` says in plain words what it asks."""

    attribute: str
    verdict: Verdict
    needs: str


@dataclass(frozen=True)
class Judgement:
    """The verdict and its reasons.

    ``checks`` are those that decide it: what fails for "no", what is open for "depends",
    what holds for "yes". ``also`` is what only an office can settle.
    """

    verdict: Verdict
    checks: tuple[Check, ...] = ()
    also: tuple[str, ...] = ()
    met: tuple[Check, ...] = ()  # what holds already, whatever the verdict

    def open(self) -> tuple[str, ...]:
        """Return the attributes that would still decide it."""
        return tuple(dict.fromkeys(check.attribute for check in self.checks if check.verdict is Verdict.DEPENDS))


_FLAGS = (
    "resident",
    "residence_permit",
    "insured",
    "lives_alone",
    "childless",
    "lost_only_child",
    "dementia",
    "disabled",
    "severely_disabled",
    "veteran",
    "is_carer",
    "frail",
    "no_guardian",
    "has_capacity",
)


def judge(eligibility: Eligibility, person: Person, today: date) -> Judgement:
    """Return whether ``person`` can have what ``eligibility`` describes on ``today``."""
    checks = list(_checks(eligibility, person, today))
    if eligibility.any_of:
        checks += _any_of(eligibility.any_of, person, today)
    met = tuple(check for check in checks if check.verdict is Verdict.YES)
    failing = tuple(check for check in checks if check.verdict is Verdict.NO)
    if failing:
        return Judgement(Verdict.NO, failing, met=met)
    undecided = tuple(check for check in checks if check.verdict is Verdict.DEPENDS)
    if undecided or eligibility.also:
        return Judgement(Verdict.DEPENDS, undecided, eligibility.also, met)
    return Judgement(Verdict.YES, met, met=met)


def judge_condition(condition: Condition, person: Person, today: date) -> Verdict:
    """Return whether ``person`` is as ``condition`` says, without reasons: for a figure's condition."""
    return _all(check.verdict for check in _checks(condition, person, today))


def judge_service(service: Service, person: Person, today: date) -> Judgement:
    """Return whether the service is for ``person``: eligible, and of use to such a person.

    A service whose list entry has no conditions as data depends on what is not known.
    """
    if service.eligibility is None:
        return Judgement(Verdict.DEPENDS)
    own = judge(service.eligibility, person, today)
    if service.suits is None or own.verdict is Verdict.NO:
        return own
    use = judge(Eligibility(**service.suits.model_dump()), person, today)
    if use.verdict is Verdict.YES:
        return own
    if use.verdict is Verdict.NO or own.verdict is Verdict.YES:
        return use
    return Judgement(Verdict.DEPENDS, (*own.checks, *use.checks), own.also, own.met)


def begins(min_age: int, person: Person) -> date | None:
    """Return the first day of the month in which the right begins, where the birth month is known.

    The allowance is counted from the month in which the age is reached.
    """
    if person.birth is None or person.birth[1] is None:
        return None
    return date(person.birth[0] + min_age, person.birth[1], 1)


def _checks(condition: Condition, person: Person, today: date) -> Iterable[Check]:
    if condition.min_age is not None or condition.max_age is not None:
        yield Check("age", _age(condition, person, today), _age_needed(condition))
    if condition.hukou is not None:
        yield Check("hukou", _equal(person.hukou, condition.hukou), say(f"needs_hukou_{condition.hukou}"))
    if condition.min_care_level is not None or condition.max_care_level is not None:
        yield Check("care_level", _level(condition, person), _level_needed(condition))
    if condition.income:
        groups = "、".join(say(f"income_{group}") for group in condition.income)
        yield Check("income", _income(condition, person), say("needs_income", groups=groups))
    for name in _FLAGS:
        wanted = getattr(condition, name)
        if wanted is not None:
            needed = say(f"needs_{name}" if wanted else f"needs_not_{name}")
            yield Check(name, _equal(getattr(person, name), wanted), needed)


def _any_of(conditions: Iterable[Condition], person: Person, today: date) -> list[Check]:
    """Return one check where an alternative holds or all fail; else the open checks of each."""
    branches = [list(_checks(condition, person, today)) for condition in conditions]
    verdicts = [_all(check.verdict for check in branch) for branch in branches]
    needs = say("or").join("、".join(check.needs for check in branch) for branch in branches)
    if Verdict.YES in verdicts:
        return branches[verdicts.index(Verdict.YES)]
    if all(verdict is Verdict.NO for verdict in verdicts):
        return [Check(branches[0][0].attribute, Verdict.NO, needs)]
    undecided = [branch for branch, verdict in zip(branches, verdicts, strict=True) if verdict is Verdict.DEPENDS]
    open_checks = [check for branch in undecided for check in branch if check.verdict is Verdict.DEPENDS]
    return [Check(check.attribute, Verdict.DEPENDS, needs) for check in open_checks]


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    if Verdict.NO in found:
        return Verdict.NO
    return Verdict.DEPENDS if Verdict.DEPENDS in found else Verdict.YES


def _equal(known: object, wanted: object) -> Verdict:
    if known is None:
        return Verdict.DEPENDS
    return Verdict.YES if known == wanted else Verdict.NO


def _age(condition: Condition, person: Person, today: date) -> Verdict:
    return _within(person.ages_on(today), condition.min_age, condition.max_age)


def _within(known: tuple[int, int] | None, low: int | None, high: int | None) -> Verdict:
    low, high = low if low is not None else 0, high if high is not None else 999
    if known is None:
        return Verdict.DEPENDS
    if known[1] < low or known[0] > high:
        return Verdict.NO
    return Verdict.YES if low <= known[0] and known[1] <= high else Verdict.DEPENDS


def _level(condition: Condition, person: Person) -> Verdict:
    """Somebody who manages alone and is clear in mind has no care level to show."""
    if person.care_level is None:
        independent = person.frail is False and person.dementia is False
        return Verdict.NO if independent else Verdict.DEPENDS
    return _within(person.care_level, condition.min_care_level, condition.max_care_level)


def _income(condition: Condition, person: Person) -> Verdict:
    if person.income is None:
        return Verdict.DEPENDS
    return Verdict.YES if set(condition.income) & set(person.income) else Verdict.NO


def _age_needed(condition: Condition) -> str:
    if condition.max_age is None:
        return say("needs_age", age=condition.min_age)
    if condition.min_age is None:
        return say("needs_age_up_to", age=condition.max_age)
    return say("needs_age_between", low=condition.min_age, high=condition.max_age)


def _level_needed(condition: Condition) -> str:
    low, high = condition.min_care_level or 1, condition.max_care_level or 6
    if low == 1:
        return say("needs_care_level")
    return say("needs_care_level_from", low=low) if high == 6 else say("needs_care_level_between", low=low, high=high)

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.eligibility import Verdict, begins, judge, judge_service
from knowledge.person import NOBODY, Person, person_of
from knowledge.schema import Condition, Eligibility
from knowledge.store import load

TODAY = date(2026, 11, 25)
GROUPS = ("dibao", "dibao_margin", "low_income", "rigid_spending", "tekun", "low_pension")
FLAGS = ("resident", "residence_permit", "insured", "lives_alone", "dementia", "veteran", "is_carer", "frail")

flag = st.one_of(st.none(), st.booleans())
conditions = st.fixed_dictionaries(
    {},
    optional={
        "min_age": st.integers(50, 90),
        "hukou": st.sampled_from(["shanghai", "elsewhere"]),
        "min_care_level": st.integers(1, 6),
        "income": st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3).map(tuple),
        **{name: st.booleans() for name in FLAGS},
    },
).map(lambda data: Condition(**data))
eligibilities = st.builds(
    lambda own, others: Eligibility(**own.model_dump(), any_of=tuple(others)),
    conditions,
    st.lists(conditions, max_size=3),
)
full_people = st.builds(
    Person,
    age=st.integers(40, 105).map(lambda age: (age, age)),
    hukou=st.sampled_from(["shanghai", "elsewhere"]),
    care_level=st.one_of(st.none(), st.integers(1, 6).map(lambda level: (level, level))),
    income=st.lists(st.sampled_from(GROUPS), max_size=2).map(tuple),
    **{name: st.booleans() for name in FLAGS},
)


def blanked(person: Person, names: set[str]) -> Person:
    values: dict[str, Any] = dict.fromkeys(names)
    if "frail" in names:
        values["care_level"] = None  # a level says that help is needed
    return replace(person, **values)


@settings(max_examples=300)
@given(eligibilities, full_people, st.sets(st.sampled_from([*FLAGS, "age", "hukou", "care_level", "income"])))
def test_what_is_not_known_never_makes_a_yes_or_a_no_that_knowing_would_undo(
    eligibility: Eligibility, person: Person, hidden: set[str]
) -> None:
    partly = judge(eligibility, blanked(person, hidden), TODAY).verdict
    if partly is not Verdict.DEPENDS:
        assert judge(eligibility, person, TODAY).verdict is partly


@settings(max_examples=200)
@given(conditions, full_people, st.integers(0, 30))
def test_growing_older_never_loses_what_has_only_a_lowest_age(condition: Condition, person: Person, years: int) -> None:
    eligibility = Eligibility(**condition.model_dump())
    if judge(eligibility, person, TODAY).verdict is Verdict.YES:
        assert judge(eligibility, person.older(years), TODAY).verdict is Verdict.YES


@given(eligibilities, full_people)
def test_reasons_fit_the_verdict(eligibility: Eligibility, person: Person) -> None:
    judgement = judge(eligibility, person, TODAY)
    if judgement.verdict is Verdict.NO:
        assert all(check.verdict is Verdict.NO for check in judgement.checks)
        assert judgement.checks
    if judgement.verdict is Verdict.DEPENDS:
        assert judgement.open()


@pytest.mark.parametrize("service", [service for service in load() if service.eligibility], ids=lambda s: s.id)
def test_of_nobody_nothing_is_certain(service: Any) -> None:
    named = service.eligibility.model_dump(exclude_defaults=True)
    expected = Verdict.DEPENDS if named else Verdict.YES
    assert judge(service.eligibility, NOBODY, TODAY).verdict is expected


def test_what_only_an_office_can_settle_is_never_a_yes() -> None:
    eligibility = Eligibility(min_age=60, also=("要体检",))
    judgement = judge(eligibility, Person(age=(80, 80)), TODAY)
    assert judgement.verdict is Verdict.DEPENDS
    assert judgement.also == ("要体检",)


def test_the_month_a_right_begins() -> None:
    assert begins(65, Person(birth=(1962, 3, 9))) == date(2027, 3, 1)
    assert begins(65, Person(birth=(1962, None, None))) is None


SERVICES = load()


@pytest.mark.parametrize(
    ("service_id", "text", "verdict"),
    [
        ("sh_comprehensive_allowance", "65岁上海户口", Verdict.YES),
        ("sh_comprehensive_allowance", "64岁上海户口", Verdict.NO),
        ("sh_comprehensive_allowance", "80岁", Verdict.DEPENDS),
        ("sh_comprehensive_allowance", "80岁外地户口", Verdict.NO),
        ("sh_service_subsidy", "70岁上海户口低保评上二级", Verdict.YES),
        ("sh_service_subsidy", "70岁上海户口，不是低保", Verdict.NO),
        ("ltci_apply", "70岁有上海医保评上三级", Verdict.DEPENDS),
        ("ltci_apply", "70岁有上海医保评上一级", Verdict.NO),
        ("respite", "我妈瘫痪在床", Verdict.YES),
        ("old_partner", "72岁，和儿子一起住", Verdict.NO),
        ("needs_assessment", "70岁上海户口，身体好能自理", Verdict.NO),
        ("national_care_voucher_2026", "70岁失能", Verdict.DEPENDS),
    ],
)
def test_services_for_people(service_id: str, text: str, verdict: Verdict) -> None:
    assert judge_service(SERVICES[service_id], person_of(text), TODAY).verdict is verdict

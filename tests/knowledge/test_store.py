from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from knowledge.errors import ServiceListError
from knowledge.schema import Kind
from knowledge.store import SERVICES_FOLDER, load

SERVICES = load()
DESIGN_REFERRALS = {
    "ref_pension",
    "ref_pension_check",
    "ref_retirement",
    "ref_disability_certificate",
    "ref_medical_insurance_away",
    "ref_hired_carer",
    "ref_carer_leave",
    "ref_lost_person_locator",
    "ref_lift",
    "ref_after_death",
    "ref_only_child_bonus",
    "ref_aids_purchase",
}


def test_the_list_holds_all_services_and_the_referrals_of_the_design() -> None:
    assert sum(service.kind is Kind.SERVICE for service in SERVICES) == 62
    assert {service.id for service in SERVICES} >= DESIGN_REFERRALS


def test_a_figure_in_a_text_about_money_is_data_too() -> None:
    allowance = SERVICES["sh_comprehensive_allowance"]
    assert allowance.standard is not None
    assert [fact.value for fact in allowance.standard.facts] == [75, 150, 180, 350, 600]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_no_sentence_tells_how_the_facts_were_found(service: object) -> None:
    text = service.model_dump_json()  # type: ignore[attr-defined]
    for word in ("转录", "代码库", "镜像", "未核实", "未读到"):
        assert word not in text


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_whatever_names_an_app_names_a_person_or_phone_too(service: object) -> None:
    online = service.apply.online  # type: ignore[attr-defined]
    if online:
        assert any(word in online for word in ("打", "柜台", "中心", "居委", "顾问", "社区")), online


def entry(**changes: object) -> dict[str, object]:
    raw: dict[str, object] = yaml.safe_load((SERVICES_FOLDER / "learning.yaml").read_text())[0]
    return {**raw, "related": [], **changes}


def problems(tmp_path: Path, *entries: dict[str, object], name: str = "learning.yaml") -> list[str]:
    (tmp_path / name).write_text(yaml.safe_dump(list(entries), allow_unicode=True, sort_keys=False))
    with pytest.raises(ServiceListError) as caught:
        load(tmp_path)
    return [str(problem) for problem in caught.value.problems]


def test_an_unknown_field_is_named_with_file_line_and_mend(tmp_path: Path) -> None:
    (told,) = problems(
        tmp_path,
        entry(),
        entry(id="second", name="别的", aliases=[], amont=3, questions=[f"第{n}问" for n in range(8)]),
    )
    assert told.startswith("learning.yaml:")
    line = int(told.split(":")[1])
    assert "amont" in (tmp_path / "learning.yaml").read_text().splitlines()[line - 1]
    assert "second.amont" in told
    assert "remove it" in told


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"summary": "长" * 41}, "summary"),
        ({"questions": ["一", "二"]}, "questions"),
        ({"questions": ["怎么学手机？", "怎么学手机"] + [str(n) for n in range(8)]}, "questions"),
        ({"contact": [{"name": "热线", "phone": "一二三"}]}, "contact.0.phone"),
        ({"review_by": "soon"}, "review_by"),
        ({"related": ["nobody"]}, "related"),
        ({"category": "health"}, "category"),
        ({"eligibility": {"min_age": 80, "max_age": 60}}, "eligibility"),
        ({"standard": {"text": "有", "facts": [{"label": "甲", "unit": "元"}]}}, "standard.facts.0"),
        ({"kind": "referral"}, "-"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, changes: dict[str, object], field: str) -> None:
    told = problems(tmp_path, entry(**changes))
    assert any(f"digital_education.{field}" in each for each in told), told


def test_a_file_that_is_not_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "health.yaml").write_text("- id: a\n  name: [\n")
    with pytest.raises(ServiceListError, match=r"health\.yaml:\d+: .*not YAML"):
        load(tmp_path)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    told = problems(tmp_path, entry(summary="长" * 41, review_by="soon"))
    assert len(told) == 2


def test_the_version_changes_with_the_content(tmp_path: Path) -> None:
    file = tmp_path / "learning.yaml"
    file.write_text(yaml.safe_dump([entry()], allow_unicode=True))
    before = load(tmp_path).version
    assert load(tmp_path).version == before
    file.write_text(yaml.safe_dump([entry(summary="教老人学手机，也有别的课。")], allow_unicode=True))
    assert load(tmp_path).version != before


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_a_source_is_named_in_chinese(service: object) -> None:
    for source in service.sources:  # type: ignore[attr-defined]
        assert not any(char.isascii() and char.isalpha() for char in source.title), source.title

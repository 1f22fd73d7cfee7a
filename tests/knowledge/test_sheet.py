from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.conditions_text import condition_data, condition_text
from knowledge.errors import TableError
from knowledge.listing import write_list
from knowledge.schema import Eligibility
from knowledge.sheet import read_sheet, write_sheet
from knowledge.sheet_columns import CATEGORIES, GUIDE, SHEETS
from knowledge.store import load

SERVICES = load()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sheet") / "list.xlsx"
    write_sheet(SERVICES, file)
    return file


@pytest.fixture
def file(exported: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "given.xlsx"
    copy.write_bytes(exported.read_bytes())
    return copy


def column(page: Any, heading: str) -> int:
    return [cell.value for cell in page[1]].index(heading) + 1


def row(page: Any, service: str) -> int:
    return next(number for number in range(2, page.max_row + 1) if page.cell(number, 1).value == service)


def put(file: Path, sheet: str, service: str, heading: str, value: Any) -> int:
    """Write one cell; return its row."""
    book = openpyxl.load_workbook(file)
    page = book[sheet]
    number = row(page, service)
    page.cell(number, column(page, heading)).value = value
    book.save(file)
    return number


def test_what_is_exported_comes_back_exactly(exported: Path) -> None:
    assert read_sheet(exported) == list(SERVICES)


def test_what_is_written_as_yaml_loads_exactly(tmp_path: Path) -> None:
    write_list(SERVICES, tmp_path)
    again = load(tmp_path)
    assert list(again) == list(SERVICES)
    assert again.version == SERVICES.version


def test_the_template_has_headings_lists_and_comments_but_no_rows(tmp_path: Path) -> None:
    write_sheet([], tmp_path / "template.xlsx")
    book = openpyxl.load_workbook(tmp_path / "template.xlsx")
    assert book.sheetnames == [*(sheet.title for sheet in SHEETS), GUIDE]
    page = book["服务清单"]
    assert page.max_row == 1
    assert page.cell(1, 1).comment
    lists = {rule.formula1 for rule in page.data_validations.dataValidation}
    assert f'"{",".join(CATEGORIES.values())}"' in lists
    with pytest.raises(TableError, match="no rows"):
        read_sheet(tmp_path / "template.xlsx")


def test_a_row_replaces_its_service_and_leaves_the_others(file: Path) -> None:
    book = openpyxl.load_workbook(file)
    for sheet in SHEETS:
        page = book[sheet.title]
        for number in range(page.max_row, 1, -1):
            if page.cell(number, 1).value != "respite":
                page.delete_rows(number)
    book.save(file)
    put(file, "服务清单", "respite", "一句话", "让照顾的人歇一歇。")
    after = {service.id: service for service in read_sheet(file, SERVICES)}
    assert after["respite"].summary == "让照顾的人歇一歇。"
    assert [service for service in after.values() if service.id != "respite"] == [
        s for s in SERVICES if s.id != "respite"
    ]
    assert [service.id for service in read_sheet(file, SERVICES, remove_missing=True)] == ["respite"]


@pytest.mark.parametrize(
    ("sheet", "heading", "value"),
    [
        ("服务清单", "类别", "别的"),
        ("服务清单", "一句话", "太短"),
        ("服务清单", "问法", "只有一个"),
        ("服务清单", "条件", "年龄大于60"),
        ("服务清单", "条件", "年龄≥80；年龄≤70"),
        ("服务清单", "复核日期", "明年"),
        ("服务清单", "发放日", "十五"),
        ("数字", "数值", "一百"),
        ("数字", "种类", "钱"),
        ("数字", "条件", "户口=北京"),
        ("电话", "号码", "打电话问"),
        ("来源", "日期", "去年"),
    ],
)
def test_a_wrong_cell_is_named_by_sheet_row_and_column(file: Path, sheet: str, heading: str, value: str) -> None:
    number = put(file, sheet, "sh_comprehensive_allowance", heading, value)
    with pytest.raises(TableError) as told:
        read_sheet(file)
    (problem,) = told.value.problems
    assert problem.startswith(f"{sheet} row {number}, {heading}:")


def test_all_problems_are_told_at_once(file: Path) -> None:
    put(file, "服务清单", "respite", "类别", "别的")
    put(file, "电话", "day_care", "号码", "没有")
    put(file, "数字", "sh_comprehensive_allowance", "编号", "nobody")
    with pytest.raises(TableError) as told:
        read_sheet(file)
    assert len(told.value.problems) >= 3


def test_a_service_without_a_number_to_ring_is_refused(file: Path) -> None:
    book = openpyxl.load_workbook(file)
    page = book["电话"]
    for number in range(page.max_row, 1, -1):
        if page.cell(number, 1).value == "respite":
            page.delete_rows(number)
    book.save(file)
    with pytest.raises(TableError, match="电话"):
        read_sheet(file)


def test_what_excel_makes_of_dates_and_numbers_is_understood(file: Path) -> None:
    put(file, "服务清单", "respite", "复核日期", datetime(2027, 3, 1))  # noqa: DTZ001 (a cell has no zone)
    put(file, "电话", "respite", "号码", 12345.0)
    after = {service.id: service for service in read_sheet(file)}
    assert after["respite"].review_by.isoformat() == "2027-03-01"
    assert after["respite"].contact[0].phone == "12345"


def test_a_text_that_looks_like_a_formula_stays_a_text(tmp_path: Path) -> None:
    odd = SERVICES["respite"].model_copy(update={"timing": "=1+1"})
    write_sheet([odd], tmp_path / "odd.xlsx")
    assert read_sheet(tmp_path / "odd.xlsx")[0].timing == "=1+1"


def test_what_is_no_workbook_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_text("nothing")
    with pytest.raises(TableError, match="can be read"):
        read_sheet(tmp_path / "x.xlsx")


def test_a_workbook_that_would_unpack_to_a_heap_is_refused_before_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/worksheets/sheet1.xml", b" " * 120_000_000)
    assert (tmp_path / "bomb.xlsx").stat().st_size < 500_000
    with pytest.raises(TableError, match="unpack"):
        read_sheet(tmp_path / "bomb.xlsx")


ages = st.none() | st.integers(0, 130)
levels = st.none() | st.integers(1, 6)
truths = st.none() | st.booleans()
groups = st.lists(st.sampled_from(["dibao", "low_income", "tekun"]), unique=True, max_size=3).map(sorted).map(tuple)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    low, high = draw(ages), draw(ages)
    data = {
        "min_age": low,
        "max_age": high if low is None or high is None or high >= low else None,
        "hukou": draw(st.sampled_from([None, "shanghai", "elsewhere"])),
        "min_care_level": draw(levels),
        "income": draw(groups),
        **{name: draw(truths) for name in ("lives_alone", "frail", "insured", "has_capacity", "veteran")},
    }
    return {key: value for key, value in data.items() if value not in (None, ())}


@given(
    conditions(),
    st.lists(conditions().filter(bool), max_size=3),
    st.lists(st.sampled_from(["要先评估", "到街镇问"]), unique=True),
)
def test_a_condition_survives_being_written_in_a_cell(
    own: dict[str, Any], any_of: list[dict[str, Any]], also: list[str]
) -> None:
    condition = Eligibility.model_validate({**own, "any_of": any_of, "also": also})
    assert Eligibility.model_validate(condition_data(condition_text(condition))) == condition

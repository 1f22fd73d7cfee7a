from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import TableError
from knowledge.hours import parse_hours, today_line
from knowledge.places import PlaceBook, PlaceKind, distance, kind_asked, walking_minutes
from knowledge.places_store import import_places, load_places
from knowledge.store import SERVICES_FOLDER
from knowledge.where import Whereabouts, districts, whereabouts
from storage.clock import SHANGHAI

SAMPLE = SERVICES_FOLDER.parent / "places" / "sample.csv"
WEEKDAYS = "周一至周五 8:30-11:30，13:00-16:30；周六 9:00-11:30"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "places.json"


@pytest.fixture
def book(file: Path) -> PlaceBook:
    return import_places(SAMPLE, file)


def rows() -> list[list[str]]:
    with SAMPLE.open(encoding="utf-8") as handle:
        return list(csv.reader(handle))


def written(tmp_path: Path, table: list[list[str]], encoding: str = "utf-8") -> Path:
    source = tmp_path / "given.csv"
    with source.open("w", encoding=encoding, newline="") as handle:
        csv.writer(handle).writerows(table)
    return source


def test_what_is_imported_is_kept(book: PlaceBook, file: Path) -> None:
    assert load_places(file).places == book.places
    assert all(place.sample and "示例" in place.name for place in book.places)


def test_every_bad_row_is_named_and_nothing_is_changed(book: PlaceBook, file: Path, tmp_path: Path) -> None:
    kept, table = file.read_bytes(), rows()
    table[2][2] = "徐汇"
    table[3][6] = "周一至周五 17:00-8:00"
    table[4][7] = ""
    with pytest.raises(TableError) as told:
        import_places(written(tmp_path, table), file)
    problems = told.value.problems
    assert [problem.split(":")[0] for problem in problems] == ["row 3, 区", "row 4, 开放时间", "row 5, 纬度"]
    assert file.read_bytes() == kept


def test_the_same_place_twice_is_refused(file: Path, tmp_path: Path) -> None:
    table = rows()
    with pytest.raises(TableError, match="row"):
        import_places(written(tmp_path, [*table, table[1]]), file)
    assert not file.exists()


def test_a_column_nobody_knows_is_refused(file: Path, tmp_path: Path) -> None:
    table = rows()
    table[0][3] = "街道办"
    with pytest.raises(TableError, match="街道办"):
        import_places(written(tmp_path, table), file)


def test_a_table_saved_by_an_older_excel_is_read(file: Path, tmp_path: Path, book: PlaceBook) -> None:
    assert import_places(written(tmp_path, rows(), "gb18030"), file).places == book.places


def test_an_xlsx_is_read_like_a_csv(file: Path, tmp_path: Path, book: PlaceBook) -> None:
    sheet = openpyxl.Workbook()
    for row in rows():
        sheet.active.append(row)  # type: ignore[union-attr]
    sheet.save(tmp_path / "given.xlsx")
    assert import_places(tmp_path / "given.xlsx", file).places == book.places


@pytest.mark.parametrize("name", ["gone.csv", "gone.xlsx", "not.xlsx"])
def test_a_file_that_cannot_be_read_is_said(file: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "not.xlsx").write_text("no spreadsheet")
    with pytest.raises(TableError, match="cannot be read"):
        import_places(tmp_path / name, file)


def test_the_nearest_comes_first(book: PlaceBook) -> None:
    found = book.find(PlaceKind.CANTEEN, whereabouts("离田林路近的食堂"))
    metres = [each.metres or 0 for each in found]
    assert metres == sorted(metres)
    assert found[0].place.street == "田林街道"
    assert metres[0] < 300


def test_a_district_keeps_only_its_own(book: PlaceBook) -> None:
    found = book.find(PlaceKind.CANTEEN, whereabouts("徐汇区哪里有老年食堂"))
    assert found
    assert {each.place.district for each in found} == {"徐汇区"}


def test_a_kilometre_is_a_walk_of_fifteen_minutes() -> None:
    assert walking_minutes(1_000) == 15
    one, other = (31.2304, 121.4737), (31.2304 + 1 / 111.195, 121.4737)
    assert abs(distance(one, other) - 1_000) < 3


@given(*[st.tuples(st.floats(30.6, 31.9), st.floats(120.8, 122.3))] * 3)
def test_distances_are_a_metric(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> None:
    assert distance(a, b) == distance(b, a)
    assert distance(a, a) == 0
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 2


@pytest.mark.parametrize(
    ("name", "district"), [(name, district) for district, names in districts().items() for name in names]
)
def test_every_street_is_known_with_its_district(name: str, district: str) -> None:
    assert whereabouts(f"我住在{district}{name}").street == name


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("徐汇区哪里有老年食堂", Whereabouts("徐汇区")),
        ("离田林路近的顾问点", Whereabouts("徐汇区", "田林街道", "田林路")),
        ("我住在五角场", Whereabouts("杨浦区", "五角场街道")),
        ("浦东有没有日托", Whereabouts("浦东新区")),
        ("闸北那边的食堂", Whereabouts("静安区")),
        ("我走路不方便", Whereabouts()),
        ("长护险去哪里办", Whereabouts()),
        ("嘉定有没有日托", Whereabouts("嘉定区")),
        ("中山路附近", Whereabouts(None, None, "中山路")),
    ],
)
def test_whereabouts(text: str, where: Whereabouts) -> None:
    assert whereabouts(text) == where


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("徐汇区哪里有老年食堂", PlaceKind.CANTEEN),
        ("离田林路近的顾问点", PlaceKind.ADVISOR_POINT),
        ("附近有没有日托", PlaceKind.DAY_CARE),
        ("长护险去哪里办", None),
        ("食堂多少钱一顿", None),
        ("养老院怎么申请", None),
    ],
)
def test_what_kind_is_looked_for(text: str, kind: PlaceKind | None) -> None:
    assert kind_asked(text) is kind


@pytest.mark.parametrize(
    ("moment", "says"),
    [
        ("2026-11-25T10:00", "现在开着"),
        ("2026-11-25T12:00", "还没开"),
        ("2026-11-25T17:00", "已经关了"),
        ("2026-11-28T10:00", "9点到11点半"),
        ("2026-11-29T10:00", "下次周一8点半开"),
        ("2026-10-01T10:00", "节假日"),
    ],
)
def test_hours_are_told_for_today(moment: str, says: str) -> None:
    assert says in today_line(parse_hours(WEEKDAYS), at(moment))


@pytest.mark.parametrize("text", ["", "随时", "周一 25:00-26:00", "周五至周一 8:00-9:00", "周一 9:00-8:00"])
def test_hours_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"«"):
        parse_hours(text)


@given(
    first=st.integers(0, 6),
    last=st.integers(0, 6),
    start=st.integers(0, 22 * 60),
    length=st.integers(1, 60),
    minute=st.integers(0, 24 * 60 - 1),
    day=st.integers(0, 6),
)
def test_it_is_open_exactly_on_its_days_in_its_span(
    first: int, last: int, start: int, length: int, minute: int, day: int
) -> None:
    first, last = sorted((first, last))
    days, end = "一二三四五六日", start + length
    hours = parse_hours(f"周{days[first]}至周{days[last]} {start // 60}:{start % 60:02}-{end // 60}:{end % 60:02}")
    moment = at(f"2026-11-{23 + day}T{minute // 60:02}:{minute % 60:02}")
    assert ("现在开着" in today_line(hours, moment)) == (first <= day <= last and start <= minute < end)

"""A table of dates or points is taken in whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from actions.booking.bookings import Bookings
from actions.booking.catalogue import Catalogue
from actions.booking.model import State
from actions.booking.staff import Staff
from actions.booking.timetable import DATE_COLUMNS, POINT_COLUMNS, Taken, import_timetable, write_template
from knowledge.errors import TableError
from storage.database import Database
from tests.auxil.booking import Clock, who

DATE = {
    "课程": "家庭照护课",
    "区": "徐汇区",
    "地点": "田林路2号三楼",
    "日期": "2026-12-03",
    "开始": "14:00",
    "结束": "16:00",
    "名额": "2",
    "带什么": "身份证",
}
POINT = {
    "名称": "田林养老顾问点",
    "区": "徐汇区",
    "地址": "田林路2号",
    "服务时间": "周一至周五 9:00-11:00",
    "停办日": "2026-11-27、2026-11-30",
}


@pytest.fixture
def catalogue(database: Database, clock: Clock) -> Catalogue:
    return Catalogue(database, clock)


def as_csv(tmp_path: Path, *rows: dict[str, str], encoding: str = "utf-8") -> Path:
    file = tmp_path / "t.csv"
    columns = list(rows[0])
    lines = [",".join(columns), *(",".join(row.get(column, "") for column in columns) for row in rows)]
    file.write_text("\n".join(lines), encoding=encoding)
    return file


def take(file: Path, catalogue: Catalogue, staff: Staff, clock: Clock) -> Taken:
    return import_timetable(file, catalogue, staff, clock)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_dates_are_taken_in(catalogue: Catalogue, staff: Staff, clock: Clock, tmp_path: Path, encoding: str) -> None:
    file = as_csv(tmp_path, DATE, DATE | {"日期": "2026/12/10"}, encoding=encoding)
    assert take(file, catalogue, staff, clock) == Taken(dates=2)
    first, second = catalogue.trainings()
    assert (first.title, first.seats, first.bring) == ("家庭照护课", 2, "身份证")
    assert f"{second.starts_at:%m-%d %H:%M %z}" == "12-10 14:00 +0800"


def test_an_xlsx_with_real_dates_and_numbers_is_taken_in(
    catalogue: Catalogue, staff: Staff, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "t.xlsx"
    write_template(file, DATE_COLUMNS)
    book = openpyxl.load_workbook(file)
    from datetime import date, time

    given = DATE | {"日期": date(2026, 12, 3), "开始": time(14), "结束": time(16), "名额": 2}
    book.worksheets[0].append([given.get(column) for column in DATE_COLUMNS])
    book.save(file)
    assert take(file, catalogue, staff, clock) == Taken(dates=1)
    assert catalogue.trainings()[0].seats == 2


def test_points_become_slots_without_the_closed_days(
    catalogue: Catalogue, staff: Staff, clock: Clock, tmp_path: Path
) -> None:
    assert take(as_csv(tmp_path, POINT), catalogue, staff, clock) == Taken(points=1)
    days = {f"{event.starts_at:%m-%d}" for event in catalogue.consultations("徐汇区")}
    assert "11-26" in days
    assert not days & {"11-27", "11-30"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"区": "虹口"}, "row 3, 区: no such district"),
        ({"日期": "下周三"}, "row 3, 日期"),
        ({"日期": "2026-11-01"}, "row 3, 日期: 2026-11-01 14:00 is past"),
        ({"结束": "13:00"}, "row 3, 结束: it ends before it begins"),
        ({"名额": "0"}, "row 3, 名额"),
        ({"名额": "很多"}, "row 3, 名额"),
        ({"地点": ""}, "row 3, 地点"),
        ({"日期": "2026-12-03"}, "row 3, 课程: the same course"),
    ],
)
def test_one_bad_row_changes_nothing_and_is_named(
    catalogue: Catalogue, staff: Staff, clock: Clock, tmp_path: Path, change: dict[str, str], says: str
) -> None:
    file = as_csv(tmp_path, DATE, DATE | {"日期": "2026-12-10"} | change)
    with pytest.raises(TableError) as error:
        take(file, catalogue, staff, clock)
    assert any(problem.startswith(says) for problem in error.value.problems), error.value.problems
    assert all("→" in problem for problem in error.value.problems)
    assert catalogue.trainings() == []


def test_a_second_import_changes_and_does_not_double(
    catalogue: Catalogue, staff: Staff, bookings: Bookings, clock: Clock, tmp_path: Path
) -> None:
    take(as_csv(tmp_path, DATE), catalogue, staff, clock)
    event = catalogue.trainings()[0].id
    for number in range(1, 4):
        bookings.book(event, who(number), f"k{number}", wait=True)
    take(as_csv(tmp_path, DATE | {"名额": "3"}), catalogue, staff, clock)
    (again,) = catalogue.trainings()
    assert (again.id, again.seats, again.taken) == (event, 3, 3)
    assert bookings.mine("web:3")[0].state is State.OFFERED
    with pytest.raises(TableError, match="3 are booked already"):
        take(as_csv(tmp_path, DATE | {"名额": "1"}), catalogue, staff, clock)


def test_a_cancelled_date_does_not_come_back_by_an_import(
    catalogue: Catalogue, staff: Staff, clock: Clock, tmp_path: Path
) -> None:
    take(as_csv(tmp_path, DATE), catalogue, staff, clock)
    staff.cancel_event(catalogue.trainings()[0].id)
    with pytest.raises(TableError, match="was cancelled"):
        take(as_csv(tmp_path, DATE), catalogue, staff, clock)


def test_a_file_of_something_else_says_what_to_begin_from(
    catalogue: Catalogue, staff: Staff, clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TableError, match="advisor bookings template"):
        take(tmp_path / "t.csv", catalogue, staff, clock)
    (tmp_path / "t.xlsx").write_bytes(b"no workbook")
    with pytest.raises(TableError, match="cannot be read"):
        take(tmp_path / "t.xlsx", catalogue, staff, clock)


def test_an_unknown_column_is_named(catalogue: Catalogue, staff: Staff, clock: Clock, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such column: 老师"):
        take(as_csv(tmp_path, DATE | {"老师": "王"}), catalogue, staff, clock)
    assert "名称" in POINT_COLUMNS

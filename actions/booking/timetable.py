"""Dates of courses and advisor points as a table that staff keep: taken in whole, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, TypeVar

import openpyxl
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from actions.booking.catalogue import Catalogue
from actions.booking.staff import Staff
from knowledge.errors import TableError
from knowledge.hours import parse_hours
from knowledge.tables import read_table
from knowledge.where import districts
from storage.booking_tables import CourseRow, EventRow, PointRow
from storage.clock import SHANGHAI

_LISTED = "、"


class _Row(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True, extra="forbid")

    district: str
    latitude: float | None = Field(None, ge=30.6, le=31.9)
    longitude: float | None = Field(None, ge=120.8, le=122.3)
    sample: bool = False

    @field_validator("district")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in districts():
            raise ValueError(f"no such district; one of {_LISTED.join(districts())}")
        return value


class CourseDate(_Row):
    """One date of a course."""

    course: str = Field(min_length=2, max_length=60)
    about: str = Field("", max_length=400)
    place: str = Field(min_length=4, max_length=160)
    day: date
    start: time
    end: time
    seats: int = Field(ge=1, le=500)
    bring: str | None = Field(None, max_length=160)

    @field_validator("day", mode="before")
    @classmethod
    def _day(cls, value: Any) -> Any:
        return str(value)[:10].replace("/", "-").replace(".", "-")

    @model_validator(mode="after")
    def _in_order(self) -> CourseDate:
        if self.end <= self.start:
            raise ValueError("it ends before it begins")
        return self

    @property
    def id(self) -> str:
        """Return the same id for the same course, time and place, so that a second import changes, not doubles."""
        return _digest(self.course, self.place, self.starts_at.isoformat())

    @property
    def starts_at(self) -> datetime:
        """Return when it begins."""
        return datetime.combine(self.day, self.start, SHANGHAI)


class Point(_Row):
    """One advisor point."""

    name: str = Field(min_length=2, max_length=60)
    street: str | None = Field(None, max_length=20)
    address: str = Field(min_length=2, max_length=120)
    phone: str | None = Field(None, max_length=20)
    hours: str = Field(max_length=200)
    slot_minutes: int = Field(30, ge=10, le=240)
    advisors: int = Field(1, ge=1, le=20)
    closed: tuple[date, ...] = ()

    @field_validator("hours")
    @classmethod
    def _readable(cls, value: str) -> str:
        parse_hours(value)
        return value

    @field_validator("closed", mode="before")
    @classmethod
    def _days(cls, value: Any) -> Any:
        return [
            day.strip()[:10] for day in str(value).replace("，", _LISTED).replace(",", _LISTED).split(_LISTED) if day
        ]

    @property
    def id(self) -> str:
        """Return the same id for the same point."""
        return _digest(self.name, self.district, self.address)


R = TypeVar("R", bound=_Row)
DATE_COLUMNS = {
    "课程": "course",
    "简介": "about",
    "区": "district",
    "地点": "place",
    "日期": "day",
    "开始": "start",
    "结束": "end",
    "名额": "seats",
    "带什么": "bring",
    "纬度": "latitude",
    "经度": "longitude",
    "示例": "sample",
}
POINT_COLUMNS = {
    "名称": "name",
    "区": "district",
    "街镇": "street",
    "地址": "address",
    "电话": "phone",
    "服务时间": "hours",
    "每次分钟": "slot_minutes",
    "顾问人数": "advisors",
    "停办日": "closed",
    "纬度": "latitude",
    "经度": "longitude",
    "示例": "sample",
}


@dataclass(frozen=True)
class Taken:
    """How many rows an import took in."""

    dates: int = 0
    points: int = 0


def import_timetable(source: Path, catalogue: Catalogue, staff: Staff, clock: Callable[[], datetime]) -> Taken:
    """Take in a .csv or .xlsx of course dates (column 课程) or of advisor points (column 名称).

    A row that is there already is changed: more seats go to who waits. Raises TableError with
    the problems of all rows; then nothing is changed.
    """
    table = read_table(source)
    headings = [cell.strip() for cell in table[0]] if table else []
    if "课程" in headings:
        dates = _checked(table, DATE_COLUMNS, CourseDate)
        _refuse(_unfit(dates, catalogue, clock()))
        catalogue.put_courses(*_as_rows([date for _, date in dates]))
        for _, each in dates:
            staff.set_seats(each.id, each.seats)
        return Taken(dates=len(dates))
    if "名称" in headings:
        points = [point for _, point in _checked(table, POINT_COLUMNS, Point)]
        catalogue.put_points(_point_row(point) for point in points)
        for point in points:
            catalogue.close_days(point.id, point.closed)
        return Taken(points=len(points))
    raise TableError([f"row 1: neither 课程 nor 名称 is a column of {source} → begin from: advisor bookings template"])


def write_template(file: Path, columns: Iterable[str]) -> None:
    """Write an empty table to fill in."""
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.append(list(columns))
    for number, cell in enumerate(page[1], 1):
        cell.font = Font(bold=True)
        page.column_dimensions[get_column_letter(number)].width = 16
    book.save(file)


def _checked(table: Sequence[Sequence[str]], columns: dict[str, str], row_type: type[R]) -> list[tuple[int, R]]:
    """Return (row number, row) of all rows. Raises TableError with the problems of all."""
    headings = [cell.strip() for cell in table[0]]
    unknown = [heading for heading in headings if heading and heading not in columns]
    _refuse([f"row 1: no such column: {_LISTED.join(unknown)} → use {_LISTED.join(columns)}"] if unknown else [])
    rows: list[tuple[int, R]] = []
    problems: list[str] = []
    for number, cells in enumerate(table[1:], 2):
        given = {columns[h]: c.strip() for h, c in zip(headings, cells, strict=False) if h and c.strip()}
        if not given:
            continue
        if "sample" in given:
            given["sample"] = "true" if given["sample"] in ("是", "1", "true", "yes") else "false"
        try:
            rows.append((number, row_type.model_validate(given)))
        except ValidationError as error:
            problems += [_problem(number, item, columns) for item in error.errors()]
    if not rows and not problems:
        problems.append("there are no rows → fill in at least one")
    _refuse(problems)
    return rows


def _unfit(dates: list[tuple[int, CourseDate]], catalogue: Catalogue, now: datetime) -> list[str]:
    """Return what the database or the calendar says against the rows."""
    problems = []
    there = catalogue.there([each.id for _, each in dates])
    seen: set[str] = set()
    for number, each in dates:
        if each.starts_at <= now:
            problems.append(f"row {number}, 日期: {each.starts_at:%Y-%m-%d %H:%M} is past → give a coming day")
        if each.id in seen:
            problems.append(f"row {number}, 课程: the same course, time and place stand here twice → remove one row")
        taken, state = there.get(each.id, (0, "open"))
        if state != "open":
            problems.append(f"row {number}, 日期: this date was cancelled and people were told → give another time")
        if each.seats < taken:
            problems.append(f"row {number}, 名额: {taken} are booked already → give at least so many")
        seen.add(each.id)
    return problems


def _refuse(problems: list[str]) -> None:
    if problems:
        raise TableError(problems)


def _problem(number: int, item: Any, columns: dict[str, str]) -> str:
    names = {field: heading for heading, field in columns.items()}
    field = str(item["loc"][0]) if item["loc"] else "end"
    message = item["msg"].removeprefix("Value error, ")
    given = "" if item["type"] == "missing" or not item["loc"] else f" «{item['input']}»"
    return f"row {number}, {names.get(field, field)}: {message} → correct it{given}"


def _as_rows(dates: list[CourseDate]) -> tuple[list[CourseRow], list[EventRow]]:
    courses = {
        each.course: CourseRow(id=_digest(each.course), title=each.course, about=each.about, sample=each.sample)
        for each in dates
    }
    events = [
        EventRow(
            id=each.id,
            kind="training",
            course_id=_digest(each.course),
            point_id=None,
            title=each.course,
            district=each.district,
            place=each.place,
            bring=each.bring,
            latitude=each.latitude,
            longitude=each.longitude,
            starts_at=each.starts_at,
            ends_at=datetime.combine(each.day, each.end, SHANGHAI),
            seats=each.seats,
            taken=0,
            state="open",
            sample=each.sample,
        )
        for each in dates
    ]
    return list(courses.values()), events


def _point_row(point: Point) -> PointRow:
    return PointRow(id=point.id, **point.model_dump(exclude={"closed"}))


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]

"""The service list as a spreadsheet that staff can keep: written with drop-downs, read with every row checked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet
from pydantic import ValidationError

from knowledge.conditions_text import WORDS
from knowledge.errors import TableError
from knowledge.phrases import points
from knowledge.schema import Service
from knowledge.sheet_columns import GUIDE, SHEETS, Column, Sheet
from knowledge.tables import refuse_bomb

_ROWS_WITH_LISTS = 2_000
_Where = dict[tuple[str, int], tuple[str, int]]  # (field, position) → (sheet, row)


def write_sheet(services: Iterable[Service], file: Path) -> None:
    """Write ``services`` as a workbook; without any it is the empty template."""
    listed = list(services)
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for sheet in SHEETS:
        page = book.create_sheet(sheet.title)
        _head(page, sheet)
        for service in listed:
            for entry in _entries(service, sheet):
                page.append([_cell(service if column.field == "id" else entry, column) for column in sheet.columns])
        _dress(page, sheet)
    guide = book.create_sheet(GUIDE)
    for line in [*points("sheet_guide_points"), "、".join(WORDS)]:
        guide.append([line])
    guide.column_dimensions["A"].width = 100
    book.save(file)


def read_sheet(file: Path, present: Iterable[Service] = (), remove_missing: bool = False) -> list[Service]:
    """Return the list with the rows of the workbook in it: services with a row there are replaced.

    Services without a row stay, unless ``remove_missing``. Raises TableError with all problems.
    """
    pages = _pages(file)
    problems: list[str] = []
    data: dict[str, dict[str, Any]] = {}
    where: dict[str, _Where] = {}
    for sheet in SHEETS:
        for row, cells in pages.get(sheet.title, []):
            fields, wrong = _fields(sheet, row, cells)
            problems += wrong
            key = str(fields.pop("id", ""))
            if not key:
                problems.append(_problem(sheet.title, row, "编号", "is empty", "write the id of the service"))
            elif not sheet.field:
                if key in data:
                    problems.append(_problem(sheet.title, row, "编号", f"«{key}» stands here twice", "keep one row"))
                data[key] = {"id": key, **_nested(fields)}
                where[key] = {("", 0): (sheet.title, row)}
            elif key not in data:
                problems.append(
                    _problem(sheet.title, row, "编号", f"no row «{key}» on 服务清单", "mend the id or add that row")
                )
            else:
                listed = _listed(data[key], sheet.field)
                where[key][sheet.field, len(listed)] = (sheet.title, row)
                listed.append(fields)
    services = {service.id: service for service in present if not remove_missing or service.id in data}
    unread = tuple(problems)
    for key, entry in data.items():
        try:
            services[key] = Service.model_validate(entry)
        except ValidationError as error:
            told = (_told(item, where[key]) for item in _first_causes(error.errors()))
            # Where a cell of a row cannot be read, the row lacks it too; that was told already.
            problems += [each for each in told if not any(p.split(",")[0] == each.split(",")[0] for p in unread)]
    if not data and not problems:
        problems.append(_problem("服务清单", 2, "编号", "there are no rows", "fill in at least one"))
    if problems:
        raise TableError(problems)
    return list(services.values())


def _head(page: Worksheet, sheet: Sheet) -> None:
    page.append([column.heading for column in sheet.columns])
    for number, column in enumerate(sheet.columns, 1):
        cell = page.cell(1, number)
        cell.font = Font(bold=True)
        if column.comment:
            cell.comment = Comment(column.comment, "养老顾问", width=260, height=110)


def _dress(page: Worksheet, sheet: Sheet) -> None:
    page.freeze_panes = "C2"
    for number, column in enumerate(sheet.columns, 1):
        letter = get_column_letter(number)
        page.column_dimensions[letter].width = column.width
        if column.choices:
            choices = DataValidation("list", formula1=f'"{",".join(column.choices)}"', allow_blank=True)
            choices.error = f"请选：{'、'.join(column.choices)}"
            page.add_data_validation(choices)
            choices.add(f"{letter}2:{letter}{_ROWS_WITH_LISTS}")
    for row in page.iter_rows(min_row=2):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if isinstance(cell.value, str):
                cell.data_type = "s"  # a text that begins with = is no formula
                cell.number_format = "@"  # 0571-… and 2027-01 stay texts when they are edited


def _entries(service: Service, sheet: Sheet) -> list[Any]:
    return list(_value(service, sheet.field) or ()) if sheet.field else [service]


def _cell(entry: Any, column: Column) -> Any:
    value = _value(entry, column.field)
    return None if value is None or value == () else column.write(value)


def _value(entry: Any, path: str) -> Any:
    for name in path.split("."):
        if entry is None:
            return None
        entry = getattr(entry, name)
    return entry


def _pages(file: Path) -> dict[str, list[tuple[int, dict[str, str]]]]:
    """Return per sheet its rows that are not empty, as (row number, heading → text)."""
    try:
        refuse_bomb(file)
        book = openpyxl.load_workbook(file, data_only=True)
    except Exception as error:  # openpyxl raises what zipfile and XML raise
        raise TableError([f"{file} is no .xlsx file that can be read: {error}"]) from error
    if SHEETS[0].title not in book.sheetnames:
        raise TableError([f"{file} has no sheet {SHEETS[0].title}; begin from: advisor services export"])
    pages, problems = {}, []
    for sheet in SHEETS:
        if sheet.title not in book.sheetnames:
            continue
        head, *rows = book[sheet.title].iter_rows(values_only=True)
        headings = [_text(cell) for cell in head]
        unknown = [heading for heading in headings if heading and sheet.column(heading) is None]
        missing = [heading for heading in ("编号",) if heading not in headings]
        problems += [_problem(sheet.title, 1, heading, "no such column", "remove or rename it") for heading in unknown]
        problems += [_problem(sheet.title, 1, heading, "the column is missing", "add it") for heading in missing]
        texts = [dict(zip(headings, map(_text, row), strict=False)) for row in rows]
        pages[sheet.title] = [(number, row) for number, row in enumerate(texts, 2) if any(row.values())]
    if problems:
        raise TableError(problems)
    return pages


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _fields(sheet: Sheet, row: int, cells: dict[str, str]) -> tuple[dict[str, Any], list[str]]:
    fields: dict[str, Any] = {}
    problems = []
    for heading, text in cells.items():
        column = sheet.column(heading)
        if not text or column is None:
            continue
        try:
            fields[column.field] = column.read(text)
        except ValueError as error:
            problems.append(_problem(sheet.title, row, heading, str(error), "correct it"))
    return fields, problems


def _nested(fields: dict[str, Any]) -> dict[str, Any]:
    """Return {"a": {"b": 1}} for {"a.b": 1}."""
    nested: dict[str, Any] = {}
    for path, value in fields.items():
        *parents, name = path.split(".")
        home = nested
        for parent in parents:
            home = home.setdefault(parent, {})
        home[name] = value
    return nested


def _listed(entry: dict[str, Any], path: str) -> list[Any]:
    *parents, name = path.split(".")
    for parent in parents:
        entry = entry.setdefault(parent, {})
    listed: list[Any] = entry.setdefault(name, [])
    return listed


def _first_causes(errors: list[Any]) -> list[Any]:
    """Leave out that a list is too short where that is so because one of its entries is wrong."""
    inner = [item["loc"] for item in errors]
    return [
        item
        for item in errors
        if item["type"] != "too_short" or not any(loc[:-2] == item["loc"] or loc[:-1] == item["loc"] for loc in inner)
    ]


def _told(item: Any, where: _Where) -> str:
    """Return one of pydantic's problems, told by sheet, row and column."""
    path = list(item["loc"])
    for sheet in SHEETS[1:]:
        parts = sheet.field.split(".")
        if path[: len(parts)] == parts and len(path) > len(parts):
            title, row = where[sheet.field, path[len(parts)]]
            return _problem(title, row, _heading(sheet, path[len(parts) + 1 :]), item["msg"], "correct it")
    title, row = where["", 0]
    return _problem(title, row, _heading(SHEETS[0], path), item["msg"], "correct it")


def _heading(sheet: Sheet, path: list[Any]) -> str:
    names = ".".join(part for part in path if isinstance(part, str))
    fitting = [
        column.heading for column in sheet.columns if names == column.field or names.startswith(f"{column.field}.")
    ]
    if fitting:
        return fitting[-1]
    page = next((other.title for other in SHEETS if other.field == names and other.field), None)
    return f"({page})" if page else names or "-"


def _problem(sheet: str, row: int, column: str, message: str, mend: str) -> str:
    return f"{sheet} row {row}, {column}: {message.removeprefix('Value error, ')} → {mend}"

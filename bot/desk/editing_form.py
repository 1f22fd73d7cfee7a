"""The form of one service. Its fields are the spreadsheet's columns, written and read the same way."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bot.desk.editing_words import GROUPS, HINTS, TABLE_HINTS, in_chinese, refusal
from knowledge.schema import Service
from knowledge.sheet_columns import SHEETS, Column, Sheet

Texts = dict[str, str]  # what stands in each field: "standard.text", "contact.0.phone" (the first row of a table)
Wrong = dict[str, list[str]]  # what is wrong with each field or table; "" is the list as a whole
MAIN, *TABLES = SHEETS
_A_LINE_EACH = ("aliases", "related")  # in a cell they are parted by 、
_TALL = {"aliases", "related", "apply.steps", "apply.documents", "questions", "eligibility", "suits"}
_LONG = {"who", "content", "standard.text", "timing", "caution", "text"}
_BLANK_ROWS = 2
_MOST_ROWS = 99
_MENDED_AT = {"standard.facts": "value"}  # the column where a row that is wrong as a whole is mended
_ORDER = re.compile(r"\d{1,3}(\.\d)?")


@dataclass(frozen=True)
class Field:
    """One thing to fill in; ``lines`` is 0 where one line is enough."""

    name: str
    label: str
    hint: str
    text: str
    choices: tuple[str, ...]
    lines: int
    must: bool
    wrong: list[str]


@dataclass(frozen=True)
class Table:
    """Fields in rows, with some empty rows at the end."""

    name: str
    title: str
    hint: str
    headings: list[str]
    rows: list[list[Field]]
    wrong: list[str]


def texts_of(service: Service) -> Texts:
    """Return the form filled in with a service."""
    texts = {column.field: _text(service, column) for column in MAIN.columns}
    for table in TABLES:
        for number, entry in enumerate(_value(service, table.field) or ()):
            texts |= {f"{table.field}.{number}.{column.field}": _text(entry, column) for column in _columns(table)}
    return texts


def texts_from(form: Mapping[str, Any]) -> Texts:
    """Return what somebody sent; rows without anything are left out, and the others stand in the order asked for."""
    texts = {column.field: _cleaned(form.get(column.field)) for column in MAIN.columns}
    for table in TABLES:
        for number, row in enumerate(_rows_sent(form, table)):
            texts |= {f"{table.field}.{number}.{name}": text for name, text in row.items()}
    return texts


def read(texts: Texts) -> tuple[Service | None, Wrong]:
    """Return the service that the form holds, or None, and what is wrong with which field."""
    data: dict[str, Any] = {}
    unread: Wrong = {}
    for name, text in texts.items():
        *parents, last = name.split(".")
        if not text:
            continue
        home = _home(data, parents)
        try:
            home[last] = _read(_column(name), text)
        except ValueError as error:
            unread.setdefault(name, []).append(in_chinese(str(error)))
    try:
        service = Service.model_validate(data)
    except ValidationError as error:
        return None, _with_refusals(unread, error)
    return (None, unread) if unread else (service, {})


def groups(texts: Texts, wrong: Wrong) -> list[tuple[str, list[Field]]]:
    """Return the fields of the service itself to draw, in groups with a title."""
    columns = {column.field: column for column in MAIN.columns}
    return [(title, [_field(name, columns[name], texts, wrong) for name in names]) for title, names in GROUPS]


def tables(texts: Texts, wrong: Wrong) -> list[Table]:
    """Return the tables to draw."""
    return [
        Table(
            table.field,
            table.title,
            TABLE_HINTS[table.field],
            [column.heading for column in _columns(table)],
            [
                [_field(f"{table.field}.{number}.{column.field}", column, texts, wrong) for column in _columns(table)]
                for number in range(_filled(texts, table) + _BLANK_ROWS)
            ],
            wrong.get(table.field, []),
        )
        for table in TABLES
    ]


def label_of(name: str) -> str:
    """Return what a field or a table is called on the form; a name that is not there stays as it is."""
    for table in TABLES:
        if name == table.field:
            return table.title
        if name.startswith(f"{table.field}."):
            number, _, field = name.removeprefix(f"{table.field}.").partition(".")
            heading = next((column.heading for column in table.columns if column.field == field), field)
            return f"{table.title}第{int(number) + 1}行 {heading}".strip()
    return next((column.heading for column in MAIN.columns if column.field == name), name or "整张清单")


def written(service: Service | None) -> dict[str, list[str]]:
    """Return a service as lines under the labels of the form, a line for each row of a table; what is empty is left out."""
    if service is None:
        return {}
    texts = texts_of(service)
    lines = {column.heading: texts[column.field].splitlines() for column in MAIN.columns}
    for table in TABLES:
        lines[table.title] = [
            "，".join(f"{column.heading}：{text}" for column in _columns(table) if (text := _text(entry, column)))
            for entry in _value(service, table.field) or ()
        ]
    return {label: each for label, each in lines.items() if each}


def _columns(table: Sheet) -> list[Column]:
    return [column for column in table.columns if column.field != "id"]


def _column(name: str) -> Column:
    for table in TABLES:
        if name.startswith(f"{table.field}."):
            return next(column for column in _columns(table) if column.field == name.rpartition(".")[2])
    return next(column for column in MAIN.columns if column.field == name)


def _value(entry: Any, path: str) -> Any:
    for name in path.split("."):
        entry = getattr(entry, name) if entry is not None else None
    return entry


def _text(entry: Any, column: Column) -> str:
    value = _value(entry, column.field)
    if value is None or value == ():
        return ""
    return "\n".join(value) if column.field in _A_LINE_EACH else str(column.write(value))


def _read(column: Column, text: str) -> Any:
    value = column.read("、".join(text.splitlines()) if column.field in _A_LINE_EACH else text)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"«{text}» is not a number")
    return value


def _cleaned(sent: Any) -> str:
    return "\n".join(line.strip() for line in sent.splitlines()).strip() if isinstance(sent, str) else ""


def _rows_sent(form: Mapping[str, Any], table: Sheet) -> list[dict[str, str]]:
    rows = []
    for number in range(_MOST_ROWS):
        names = {column.field: f"{table.field}.{number}.{column.field}" for column in _columns(table)}
        row = {field: _cleaned(form.get(name)) for field, name in names.items()}
        given = _cleaned(form.get(f"{table.field}.{number}.order"))
        order = float(given) if _ORDER.fullmatch(given) else number + 1
        if any(row.values()):
            # A row moved to a place that is taken goes before it on its way up, and behind it on its way down.
            rows.append((order, (order > number + 1) - (order < number + 1), row))
    return [row for _, _, row in sorted(rows, key=lambda each: each[:2])]


def _home(data: dict[str, Any], parents: list[str]) -> dict[str, Any]:
    """Return the mapping at the path, making what is not there yet; a number counts the rows of a list."""
    home: Any = data
    for part, after in zip(parents, [*parents, ""][1:], strict=True):
        if not part.isdigit():
            home = home.setdefault(part, [] if after.isdigit() else {})
            continue
        if int(part) == len(home):
            home.append({})
        home = home[int(part)]
    return home  # type: ignore[no-any-return]


def _with_refusals(unread: Wrong, error: ValidationError) -> Wrong:
    """Add pydantic's errors, but not those that only follow from another: a list too short for want of a bad entry."""
    wrong = {name: list(told) for name, told in unread.items()}
    for item in sorted(error.errors(), key=lambda item: -len(item["loc"])):
        path = ".".join(map(str, item["loc"]))
        name = _name(f"{path}.as_of" if "a past figure" in item["msg"] else path)
        if name not in unread and not any(each.startswith(f"{path}.") for each in wrong):
            wrong.setdefault(name, []).append(refusal(item))
    return wrong


def _name(path: str) -> str:
    """Return the field or table that a path in the data belongs to."""
    for table in TABLES:
        if found := re.match(rf"{re.escape(table.field)}\.(\d+)\.?(.*)", path):
            names = [column.field for column in _columns(table)]
            return f"{table.field}.{found[1]}.{next(_prefixes(names, found[2]), _MENDED_AT.get(table.field, names[0]))}"
        if path == table.field:
            return path
    return next(_prefixes([column.field for column in MAIN.columns], path), "kind")


def _prefixes(names: list[str], path: str) -> Iterator[str]:
    return (name for name in names if path == name or path.startswith(f"{name}."))


def _filled(texts: Texts, table: Sheet) -> int:
    first = _columns(table)[0].field
    return next(number for number in range(_MOST_ROWS + 1) if f"{table.field}.{number}.{first}" not in texts)


def _field(name: str, column: Column, texts: Texts, wrong: Wrong) -> Field:
    text = texts.get(name, "")
    lines = 0
    if column.field in _TALL:
        lines = max(3, text.count("\n") + 2)
    elif column.field in _LONG or "\n" in text:
        lines = 2
    return Field(
        name,
        column.heading,
        HINTS.get(column.field) or column.comment.replace("（Alt+回车换行）", ""),
        text,
        column.choices,
        lines,
        name in Service.model_fields and Service.model_fields[name].is_required(),
        wrong.get(name, []),
    )

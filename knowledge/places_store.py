"""Where the places are kept, and how a spreadsheet of them is taken in: all of it or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from knowledge.errors import TableError
from knowledge.places import KIND_NAMES, Place, PlaceBook
from knowledge.tables import read_table

COLUMNS = {
    "名称": "name",
    "类别": "kind",
    "区": "district",
    "街镇": "street",
    "地址": "address",
    "电话": "phone",
    "开放时间": "hours",
    "纬度": "latitude",
    "经度": "longitude",
    "更新日期": "as_of",
    "示例": "sample",
}
_KINDS = {title: kind.value for kind, title in KIND_NAMES.items()}
_HEADINGS = {field: heading for heading, field in COLUMNS.items()}


def load_places(file: Path) -> PlaceBook:
    """Return the places kept in ``file``; none where there is no file. Raises TableError."""
    if not file.exists():
        return PlaceBook()
    try:
        return PlaceBook(Place.model_validate(row) for row in json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:
        raise TableError([f"{file} cannot be read ({error}); run: advisor places import FILE"]) from error


def import_places(source: Path, file: Path) -> PlaceBook:
    """Replace the places in ``file`` by the rows of ``source`` (.csv or .xlsx).

    Raises TableError with the problems of all rows; then nothing is changed.
    """
    places: dict[tuple[str, str, str], Place] = {}
    problems: list[str] = []
    for number, row in _rows(source):
        try:
            place = Place.model_validate(row)
        except ValidationError as error:
            problems += [_problem(number, item) for item in error.errors()]
            continue
        key = (place.kind.value, place.name, place.address)
        if key in places:
            problems.append(f"row {number}, 名称: «{place.name}» stands here twice → remove one of the two rows")
        places[key] = place
    if not places and not problems:
        problems.append(f"{source} has no rows → fill in at least one")
    if problems:
        raise TableError(problems)
    book = PlaceBook(places.values())
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    data = [place.model_dump(mode="json", exclude_none=True) for place in book.places]
    draft.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(draft, file)
    return book


def _problem(number: int, item: Any) -> str:
    field = str(item["loc"][0]) if item["loc"] else "latitude"
    message = item["msg"].removeprefix("Value error, ")
    return f"row {number}, {_HEADINGS.get(field, field)}: {message} → correct «{item.get('input')}»"


def _rows(source: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    table = read_table(source)
    if not table:
        return
    fields = [COLUMNS.get(heading.strip(), heading.strip()) for heading in table[0]]
    unknown = [heading for heading, field in zip(table[0], fields, strict=True) if field not in _HEADINGS and heading]
    if unknown:
        raise TableError([f"row 1: no such column: {'、'.join(unknown)} → use {'、'.join(COLUMNS)}"])
    for number, cells in enumerate(table[1:], 2):
        row = {field: cell.strip() for field, cell in zip(fields, cells, strict=False) if cell.strip() and field}
        if row:
            yield number, _typed(row)


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    row["kind"] = _KINDS.get(row.get("kind", ""), row.get("kind"))
    if "sample" in row:
        row["sample"] = row["sample"] in ("是", "true", "1", "yes")
    return row

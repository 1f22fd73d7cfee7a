"""Copies every row out of a database, and into an empty one: of SQLite or PostgreSQL, either way.

A file a table, a JSON row a line. What is encrypted stays so: without the key a copy tells nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Date, LargeBinary, MetaData, Table, func, insert, select, text
from sqlalchemy.engine import Connection, Engine

from storage.tables import Moment

_BATCH = 500  # rows


class NotEmpty(Exception):
    """Rows would be mixed with others."""


def dump(engine: Engine, metadata: MetaData, folder: Path) -> dict[str, int]:
    """Write each table into ``folder``, all as of one moment; return how many rows each has."""
    folder.mkdir()
    whole = {"isolation_level": "REPEATABLE READ"} if engine.name == "postgresql" else {}
    with engine.connect().execution_options(**whole) as connection, connection.begin():
        return {table.name: _dump(connection, table, folder) for table in metadata.sorted_tables}


def load(engine: Engine, metadata: MetaData, folder: Path, rows: dict[str, int], replace: bool = False) -> None:
    """Put each table's file in, all or nothing; ``rows`` says how many each must have.

    Raises NotEmpty where rows are there and are not to be replaced, ValueError where some are missing.
    """
    with engine.begin() as connection:
        if engine.name == "sqlite":
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        for table in reversed(metadata.sorted_tables):
            if replace:
                connection.execute(table.delete())
            elif connection.scalar(select(func.count()).select_from(table)):
                raise NotEmpty(table.name)
        for table in metadata.sorted_tables:
            put = _load(connection, table, folder)
            if put != rows[table.name]:
                raise ValueError(f"{table.name} has {put} of {rows[table.name]} rows")


def _dump(connection: Connection, table: Table, folder: Path) -> int:
    count = 0
    with (folder / f"{table.name}.jsonl").open("w", encoding="utf-8") as file:
        for row in connection.execution_options(yield_per=_BATCH).execute(select(table)).mappings():
            file.write(json.dumps({name: _written(value) for name, value in row.items()}, ensure_ascii=False) + "\n")
            count += 1
    return count


def _load(connection: Connection, table: Table, folder: Path) -> int:
    path = folder / f"{table.name}.jsonl"
    count = 0
    with path.open(encoding="utf-8") as file:
        for rows in _batches(file, table):
            connection.execute(insert(table), rows)
            count += len(rows)
    key = table.autoincrement_column
    if key is not None and count and connection.engine.name == "postgresql":  # else the next row has a number twice
        sequence = func.pg_get_serial_sequence(table.name, key.name)
        connection.execute(select(func.setval(sequence, select(func.max(key)).scalar_subquery())))
    return count


def _batches(file: TextIO, table: Table) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for line in file:
        rows.append({name: _read(value, table.c[name].type) for name, value in json.loads(line).items()})
        if len(rows) == _BATCH:
            yield rows
            rows = []
    if rows:
        yield rows


def _written(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    return value


def _read(value: Any, kind: object) -> object:
    if value is None:
        return None
    if isinstance(kind, LargeBinary):
        return base64.b64decode(value)
    if isinstance(kind, Moment):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    return value

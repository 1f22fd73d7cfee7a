"""A table that staff keep, as rows of text: .csv in either Chinese encoding, or the first sheet of an .xlsx."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import openpyxl

from knowledge.errors import TableError

MOST_UNPACKED = 100_000_000  # bytes


def read_table(source: Path) -> list[list[str]]:
    """Return the rows of a file, the headings first. Raises TableError where it cannot be read."""
    try:
        return _xlsx(source) if source.suffix.lower() == ".xlsx" else _csv(source)
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise TableError([f"{source} cannot be read: {error}"]) from error


def _csv(source: Path) -> list[list[str]]:
    raw = source.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030")
    return list(csv.reader(io.StringIO(text)))


def refuse_bomb(source: Path) -> None:
    """Raise ValueError where a workbook would unpack to more than any list has, before it is unpacked."""
    with zipfile.ZipFile(source) as parts:
        if sum(part.file_size for part in parts.infolist()) > MOST_UNPACKED:
            raise ValueError(f"it would unpack to more than {MOST_UNPACKED // 1_000_000} MB")


def _xlsx(source: Path) -> list[list[str]]:
    try:
        refuse_bomb(source)
        book = openpyxl.load_workbook(source, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises what zipfile and XML raise
        raise ValueError(f"not an .xlsx file ({error})") from error
    return [
        ["" if cell is None else str(cell) for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)
    ]

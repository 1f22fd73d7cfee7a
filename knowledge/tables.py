"""A table that staff keep, as rows of text: .csv in either Chinese encoding, or the first sheet of an .xlsx."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl

from knowledge.errors import TableError


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


def _xlsx(source: Path) -> list[list[str]]:
    try:
        book = openpyxl.load_workbook(source, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises what zipfile and XML raise
        raise ValueError(f"not an .xlsx file ({error})") from error
    return [
        ["" if cell is None else str(cell) for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)
    ]

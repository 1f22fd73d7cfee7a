"""The figures as files to take away: long rows for CSV, a sheet a table for Excel."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from openpyxl import Workbook
from openpyxl.styles import Font

from bot.desk.statistics_figures import Overview, Table
from bot.desk.suppression import Shown

WITHHELD = "数字太小，不能分开列"
_TOTAL = "合计"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WIDE = 44


def as_csv(found: Overview) -> bytes:
    """Return all figures as CSV in UTF-8 with a BOM, by which Excel knows it: table, row, count."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["表", "项目", "数"])
    writer.writerow(["时间", found.period.title, ""])
    writer.writerows(["概况", harmless(each.title), harmless(each.value)] for each in found.figures)
    for table in found.tables:
        writer.writerows([harmless(table.title), *row] for row in _rows(table))
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(found: Overview) -> bytes:
    """Return all figures as a workbook: a sheet for the figures at the top, and one for each table."""
    book = Workbook()
    first = book.worksheets[0]
    first.title = "概况"
    first.append(["时间", found.period.title])
    for each in found.figures:
        first.append([harmless(each.title), harmless(each.value), harmless(each.meaning)])
    for table in found.tables:
        sheet = book.create_sheet(table.title)
        sheet.append([harmless(table.heading), "数"])
        for row in _rows(table):
            sheet.append(row)
    for sheet in book.worksheets:
        sheet.column_dimensions["A"].width = _WIDE
        for cell in sheet[1]:
            cell.font = Font(bold=True)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def harmless(value: Shown | str) -> int | str:
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(value, str):
        text = str(value)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return value


def _rows(table: Table) -> Iterator[list[int | str]]:
    if table.rows is None:
        yield [WITHHELD, ""]
    for label, count in table.rows or ():
        yield [harmless(label), harmless(count)]
    yield [_TOTAL, harmless(table.total)]

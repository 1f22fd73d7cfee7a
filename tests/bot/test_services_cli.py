from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from bot.cli import app
from knowledge.store import SERVICES_FOLDER, load

RUN = CliRunner()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(SERVICES_FOLDER, tmp_path / "services")
    monkeypatch.setenv("ADVISOR_SERVICES", str(tmp_path / "services"))
    monkeypatch.setenv("ADVISOR_VAR", str(tmp_path / "var"))
    return tmp_path / "services"


def edited(tmp_path: Path, heading: str, value: str) -> Path:
    """Export the list, and change one cell of the respite service."""
    file = tmp_path / "list.xlsx"
    assert RUN.invoke(app, ["services", "export", str(file)]).exit_code == 0
    book = openpyxl.load_workbook(file)
    page = book["服务清单"]
    column = [cell.value for cell in page[1]].index(heading) + 1
    row = next(number for number in range(2, page.max_row + 1) if page.cell(number, 1).value == "respite")
    page.cell(row, column).value = value
    book.save(file)
    return file


def test_staff_export_edit_import_and_roll_back(folder: Path, tmp_path: Path) -> None:
    file = edited(tmp_path, "一句话", "让照顾的人歇一歇。")
    done = RUN.invoke(app, ["services", "import", str(file), "--by", "王芳", "--yes"])
    assert done.exit_code == 0, done.output
    assert "summary: " in done.output
    assert "→ 让照顾的人歇一歇。" in done.output
    assert load(folder)["respite"].summary == "让照顾的人歇一歇。"
    assert "王芳" in RUN.invoke(app, ["services", "versions"]).output
    assert RUN.invoke(app, ["services", "rollback", "1", "--yes"]).exit_code == 0
    assert load(folder).version == load(SERVICES_FOLDER).version


def test_nothing_is_applied_before_it_is_agreed_to(folder: Path, tmp_path: Path) -> None:
    file = edited(tmp_path, "一句话", "让照顾的人歇一歇。")
    done = RUN.invoke(app, ["services", "import", str(file)], input="n\n")
    assert "nothing was changed" in done.output
    assert load(folder).version == load(SERVICES_FOLDER).version


def test_a_bad_cell_is_told_and_changes_nothing(folder: Path, tmp_path: Path) -> None:
    file = edited(tmp_path, "复核日期", "明年")
    done = RUN.invoke(app, ["services", "import", str(file), "--yes"])
    assert done.exit_code == 1
    assert "复核日期" in done.output
    assert "Traceback" not in done.output
    assert load(folder).version == load(SERVICES_FOLDER).version


def test_an_unknown_version_is_told(folder: Path) -> None:
    done = RUN.invoke(app, ["services", "rollback", "9", "--yes"])
    assert done.exit_code == 1
    assert "no version 9" in done.output


def test_what_is_due_and_what_is_covered_is_listed(folder: Path) -> None:
    assert "national_care_voucher" in RUN.invoke(app, ["services", "due", "--days", "3650"]).output
    table = RUN.invoke(app, ["services", "coverage"]).output
    assert table.count("\n") >= len(load(folder)) + 3
    assert "–" in table


def test_the_template_is_written(folder: Path, tmp_path: Path) -> None:
    assert RUN.invoke(app, ["services", "export", str(tmp_path / "t.xlsx"), "--template"]).exit_code == 0
    assert openpyxl.load_workbook(tmp_path / "t.xlsx")["服务清单"].max_row == 1

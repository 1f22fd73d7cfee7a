"""The staff's commands, on a database of their own."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actions.booking.bookings import Bookings
from actions.booking.model import Applicant, Booking
from bot.bookings_cli import bookings_app
from bot.settings import GatewaySettings
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ADVISOR_VAR", str(tmp_path))

    def command(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(bookings_app, list(arguments))
        assert result.exit_code == code, result.output
        return result.output

    return command


@pytest.fixture
def session(run: Run, tmp_path: Path) -> str:
    """Import one date of a course and return its id."""
    day = now() + timedelta(days=9)
    file = tmp_path / "dates.csv"
    file.write_text(f"课程,区,地点,日期,开始,结束,名额\n照护课,徐汇区,田林路2号,{day:%Y-%m-%d},14:00,16:00,1\n")
    assert "1 course dates" in run("import", str(file))
    (listed,) = json.loads(run("sessions", "--json"))["sessions"]
    return str(listed["id"])


def book(session: str, number: int = 1, wait: bool = False) -> Booking:
    settings = GatewaySettings()
    database = Database(settings.database, Cipher(settings.encryption_key()))
    return Bookings(database, now).book(
        session, Applicant(f"web:{number}", f"1380013800{number}"), f"k{number}", wait=wait
    )


def test_bookings_are_listed_and_exported(run: Run, session: str, tmp_path: Path) -> None:
    booking = book(session)
    (row,) = json.loads(run("list", "--json"))["bookings"]
    assert (row["号码"], row["电话"], row["状态"]) == (booking.code, "13800138001", "booked")
    run("export", str(tmp_path / "out.csv"))
    with (tmp_path / "out.csv").open(encoding="utf-8-sig") as handle:
        head, only = csv.reader(handle)
    assert head[0] == "号码"
    assert only[0] == booking.code
    run("export", str(tmp_path / "out.xlsx"))
    assert (tmp_path / "out.xlsx").stat().st_size > 1000


def test_a_session_is_cancelled_with_everybody_told(run: Run, session: str) -> None:
    book(session)
    book(session, 2, wait=True)
    assert "2 people will be told" in run("cancel-session", session, "--yes")
    assert json.loads(run("sessions", "--json"))["sessions"] == []
    assert "no session" in run("cancel-session", "nothing", "--yes", code=1)


def test_more_seats_go_to_who_waits(run: Run, session: str) -> None:
    book(session)
    book(session, 2, wait=True)
    run("set-seats", session, "2")
    states = [row["状态"] for row in json.loads(run("list", "--json"))["bookings"]]
    assert states == ["booked", "offered"]
    assert "not changed" in run("set-seats", session, "1", code=1)


def test_staff_cancel_by_code(run: Run, session: str) -> None:
    booking = book(session)
    assert "cancelled" in run("cancel", f"{booking.code[:3]} {booking.code[3:]}")
    assert "no booking with the code" in run("cancel", booking.code, code=1)


def test_attendance_before_the_event_is_refused(run: Run, session: str) -> None:
    booking = book(session)
    assert "no booking that has begun" in run("attendance", booking.code, code=1)


def test_one_bad_row_is_told_and_nothing_changes(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("课程,区,地点,日期,开始,结束,名额\n照护课,某区,田林路2号,2020-01-01,14:00,16:00,1\n")
    told = run("import", str(file), code=1)
    assert "row 2, 区" in told
    assert "nothing was changed" in told


def test_the_templates_can_be_filled_in(run: Run, tmp_path: Path) -> None:
    run("template", str(tmp_path / "dates.xlsx"))
    assert "no rows" in run("import", str(tmp_path / "dates.xlsx"), code=1)
    run("template", "--points", str(tmp_path / "points.xlsx"))
    assert "no rows" in run("import", str(tmp_path / "points.xlsx"), code=1)


def test_an_empty_call_list_says_so(run: Run) -> None:
    assert "nobody" in run("calls")
    assert "there is no call" in run("called", "abc", code=1)

"""A backup, put back: on both databases, and from one to the other."""

from __future__ import annotations

import tarfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from actions.booking.bookings import Bookings
from bot.cli import app
from storage.booking_tables import BookingRow
from storage.clock import now
from storage.database import Database
from storage.inbox import Inbox, Received
from storage.tables import Base
from storage.trackers import Trackers
from tests.auxil.booking import who

PEOPLE = 300
run = CliRunner().invoke


@pytest.fixture
def stored(
    database: Database,
    bookings: Bookings,
    an_event: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Database:
    """A database with bookings, a message and a tracker, as the settings name it."""
    event = an_event(seats=PEOPLE)
    for number in range(PEOPLE):
        bookings.book(event, who(number), f"key{number}")
    Inbox(database).store(Received(uuid.uuid4().hex, "web", "1", "web:1", "长护险怎么申请", None, now()))
    monkeypatch.setenv("ADVISOR_VAR", str(tmp_path))
    monkeypatch.setenv("ADVISOR_DATABASE_URL", database.url)
    return database


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def test_every_booking_comes_back_and_quickly(stored: Database, tmp_path: Path, bookings: Bookings) -> None:
    before = rows_of(stored)
    made = run(app, ["backup", str(tmp_path / "b.tgz")])
    assert made.exit_code == 0, made.output
    assert f"{PEOPLE} bookings" in made.output
    assert (tmp_path / "b.tgz").stat().st_mode & 0o077 == 0
    bookings.cancel(bookings.mine("web:7")[0], "web:7")
    began = time.monotonic()
    back = run(app, ["restore", str(tmp_path / "b.tgz"), "--replace"])
    assert back.exit_code == 0, back.output
    assert time.monotonic() - began < 60
    assert rows_of(stored) == before
    assert len(bookings.mine("web:7")) == 1
    Inbox(stored).store(Received(uuid.uuid4().hex, "web", "2", "web:1", "还能写", None, now()))  # numbers go on


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_moves_into_postgresql(
    stored: Database, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows_of(stored)
    assert run(app, ["backup", str(tmp_path / "b.tgz")]).exit_code == 0
    monkeypatch.setenv("ADVISOR_DATABASE_URL", server)
    back = run(app, ["restore", str(tmp_path / "b.tgz"), "--replace"])
    assert back.exit_code == 0, back.output
    moved = Database(server, stored.cipher)
    assert rows_of(moved) == before
    moved.engine.dispose()


def test_trackers_come_back_too(stored: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.settings import GatewaySettings

    trackers = Trackers(GatewaySettings().tracker_url, stored.cipher)
    trackers.make()
    with trackers.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM events")
        connection.exec_driver_sql("INSERT INTO events (sender_id, type_name, data) VALUES ('web:1', 'user', 'x')")
    assert run(app, ["backup", str(tmp_path / "b.tgz")]).exit_code == 0
    assert trackers.forget("web:1") == 1
    assert run(app, ["restore", str(tmp_path / "b.tgz"), "--replace"]).exit_code == 0
    assert trackers.forget("web:1") == 1
    trackers.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestWhatIsRefused:
    """In one sentence, and what was stored is as it was."""

    def refused(self, stored: Database, file: Path, *more: str) -> str:
        before = rows_of(stored)
        back = run(app, ["restore", str(file), *more])
        assert back.exit_code == 1
        assert rows_of(stored) == before
        assert "Traceback" not in back.output
        return back.output

    def test_a_database_with_something_in_it(self, stored: Database, tmp_path: Path) -> None:
        run(app, ["backup", str(tmp_path / "b.tgz")])
        assert "--replace" in self.refused(stored, tmp_path / "b.tgz")

    def test_a_file_cut_short(self, stored: Database, tmp_path: Path) -> None:
        run(app, ["backup", str(tmp_path / "b.tgz")])
        whole = (tmp_path / "b.tgz").read_bytes()
        for length in (0, 10, len(whole) // 2, len(whole) - 2000):
            (tmp_path / "short.tgz").write_bytes(whole[:length])
            assert "damaged" in self.refused(stored, tmp_path / "short.tgz", "--replace")

    def test_a_file_with_rows_taken_out(self, stored: Database, tmp_path: Path) -> None:
        run(app, ["backup", str(tmp_path / "b.tgz")])
        with tarfile.open(tmp_path / "b.tgz") as archive:
            archive.extractall(tmp_path / "x", filter="data")
        lines = (tmp_path / "x/rows/bookings.jsonl").read_text().splitlines(keepends=True)
        (tmp_path / "x/rows/bookings.jsonl").write_text("".join(lines[:-1]))
        with tarfile.open(tmp_path / "c.tgz", "w:gz") as archive:
            archive.add(tmp_path / "x", ".")
        assert "bookings has" in self.refused(stored, tmp_path / "c.tgz", "--replace")

    def test_another_key(self, stored: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        run(app, ["backup", str(tmp_path / "b.tgz")])
        monkeypatch.setenv("ADVISOR_KEY", "A" * 43 + "=")
        assert "another key" in self.refused(stored, tmp_path / "b.tgz", "--replace")


def test_nothing_that_was_said_stands_in_it(stored: Database, tmp_path: Path) -> None:
    run(app, ["backup", str(tmp_path / "b.tgz")])
    with tarfile.open(tmp_path / "b.tgz") as archive:
        archive.extractall(tmp_path / "x", filter="data")
    text = "".join(file.read_text() for file in (tmp_path / "x/rows").glob("*.jsonl"))
    assert "长护险" not in text
    assert "13800000001" not in text
    with stored.transaction() as session:
        assert session.scalar(select(BookingRow.code)) in text  # it is all there

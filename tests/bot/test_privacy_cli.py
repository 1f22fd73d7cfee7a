"""``advisor privacy``: a written request fulfilled, nobody else's data in it, a line in the audit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.privacy_cli import privacy_app
from bot.settings import GatewaySettings
from storage.audit import Audit
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.records import Records
from storage.trackers import Trackers
from tests.storage.test_erasing import MINE, OTHERS, PHONE, give_phones

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ADVISOR_VAR", str(tmp_path))
    for name in ("ADVISOR_KEY", "ADVISOR_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(privacy_app, [*arguments, "--by", "li"])
        assert result.exit_code == code, result.output
        return result.output

    return command


@pytest.fixture
def database(run: Run) -> Database:
    settings = GatewaySettings()
    made = Database(settings.database, Cipher(settings.encryption_key()))
    made.migrate()
    give_phones(made)
    reply = json.dumps({"schema": 1, "outcome": "answered_service", "blocks": [{"kind": "text", "text": "可以"}]})
    with made.write() as session:
        for table in ("turns", "desk_messages", "outbox"):
            session.connection().exec_driver_sql(
                f"UPDATE {table} SET reply = ?",  # noqa: S608 (our own names)
                (made.cipher.encrypt(reply, f"{table}.reply"),),
            )
    trackers = Trackers(settings.tracker_url, made.cipher)
    trackers.make()
    for conversation in (MINE, OTHERS):
        event = {"event": "slot", "name": "talk", "value": {"person": {"age": 83}, "booking": {"phone": "sealed"}}}
        with trackers.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO events (sender_id, type_name, data) VALUES (?, 'slot', ?)",
                (conversation, made.cipher.seal(json.dumps(event), "tracker")),
            )
    trackers.close()
    return made


def test_a_conversation_is_given_whole_to_read_and_as_data(run: Run, database: Database, tmp_path: Path) -> None:
    told = run("export", str(tmp_path / "a.txt"), "--request", "2026-17", "--conversation", MINE)
    assert "keep it safe" in told
    text = (tmp_path / "a.txt").read_text()
    for part in ("我的记录", "turns.text 1", "养老顾问：可以", PHONE, "83", "同事记的备注", "call_notes.text 1"):
        assert part in text, part
    assert "turns.text 2" not in text
    run("export", str(tmp_path / "a.json"), "--request", "2026-17", "--conversation", MINE)
    data = json.loads((tmp_path / "a.json").read_text())
    assert data["kept"]["bookings"][0]["phone"] == PHONE
    assert data["remembered"]["talk"] == {"person": {"age": 83}, "booking": {}}
    assert OTHERS not in json.dumps(data)
    lines = [(each.actor, each.act, each.about) for each in Audit(database, now).latest(2)]
    assert lines == [("staff:li", "privacy_export", "2026-17")] * 2


def test_a_phone_gives_what_stands_beside_it_and_names_the_conversations(
    run: Run, database: Database, tmp_path: Path
) -> None:
    told = run("export", str(tmp_path / "a.txt"), "--request", "r", "--phone", "137 6492 0583")
    assert f"{MINE}  1 messages" in told
    assert OTHERS not in told
    text = (tmp_path / "a.txt").read_text()
    assert PHONE in text
    assert "turns.text" not in text


def test_a_file_that_is_there_is_not_written_over(run: Run, database: Database, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("!")
    assert "nothing was given out" in run(
        "export", str(tmp_path / "a.txt"), "--request", "r", "--conversation", MINE, code=1
    )
    assert (tmp_path / "a.txt").read_text() == "!"


def test_a_conversation_is_deleted_with_its_tracker(run: Run, database: Database) -> None:
    assert "deleted, with 1 events" in run("erase", "--request", "r", "--conversation", MINE, "--yes")
    assert Records(database).of_conversation(MINE) == {}
    assert Records(database).of_conversation(OTHERS)
    trackers = Trackers(GatewaySettings().tracker_url, database.cipher)
    assert (trackers.slots(MINE), bool(trackers.slots(OTHERS))) == ({}, True)
    trackers.close()
    assert Audit(database, now).latest(1)[0].act == "privacy_erase"


def test_a_phone_is_deleted_wherever_it_stands(run: Run, database: Database) -> None:
    told = run("erase", "--request", "r", "--phone", PHONE, "--yes")
    assert "0 bookings" in told
    assert Records(database).conversations_of(PHONE) == {}
    assert Records(database).of_conversation(MINE)["turns"]


@pytest.mark.parametrize(
    "options", [[], ["--phone", PHONE, "--conversation", MINE], ["--phone", "12"]], ids=["none", "both", "no number"]
)
def test_what_is_asked_for_must_be_one_thing(run: Run, database: Database, tmp_path: Path, options: list[str]) -> None:
    run("export", str(tmp_path / "a.txt"), "--request", "r", *options, code=1)
    assert not (tmp_path / "a.txt").exists()


def test_a_deletion_is_asked_about_again(run: Run, database: Database) -> None:
    run("erase", "--request", "r", "--conversation", MINE, code=1)
    assert Records(database).of_conversation(MINE)

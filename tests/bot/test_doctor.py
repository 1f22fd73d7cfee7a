"""The doctor: each thing is broken, and the sentence that says so is read."""

from __future__ import annotations

import http.server
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.desk.app import open_accounts
from bot.doctor import content, examine, findings, machine, outside, stored
from bot.doctor.finding import Finding, Here
from bot.settings import GatewaySettings
from knowledge.errors import EncoderUnavailable
from knowledge.places_store import import_places
from knowledge.settings import KnowledgeSettings
from knowledge.store import SERVICES_FOLDER
from storage.clock import SHANGHAI, now
from storage.crypto import Cipher, new_key
from storage.database import Database
from storage.inbox import Inbox, Received

AT = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)
Check = Callable[[Here], Any]


@pytest.fixture
def here(tmp_path: Path) -> Callable[..., Here]:
    """Return a function that makes an installation; its folder is empty."""

    def make(at: datetime = AT, services: Path = SERVICES_FOLDER, **settings: Any) -> Here:
        knowledge = KnowledgeSettings(var=tmp_path, services=services)
        return Here(GatewaySettings(var=tmp_path, **settings), knowledge, lambda: at)

    return make


def said(check: Check, here: Here) -> list[tuple[str, str]]:
    """Return the level and the line of everything that is not well."""
    return [(found.level, found.line()) for found in findings(here, [check]) if found.level != "ok"]


def one(check: Check, here: Here) -> tuple[str, str]:
    (found,) = said(check, here)
    return found


def migrated(here: Here) -> Database:
    made = Database(here.settings.database, Cipher(here.settings.encryption_key()))
    made.migrate()
    return made


# --- the machine ---------------------------------------------------------------------------------------


def test_missing_packages_are_named(here: Callable[..., Here], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "find_spec", lambda name: None if name == "faiss" else True)
    level, line = one(machine.advisor_environment, here())
    assert (level, "faiss" in line, "make setup" in line) == ("bad", True, True)


def test_a_dialogue_environment_that_is_not_there_or_empty_is_told(here: Callable[..., Here], tmp_path: Path) -> None:
    empty, old = tmp_path / "empty", tmp_path / "old"
    empty.write_text("#!/bin/sh\nexit 1\n")
    old.write_text("#!/bin/sh\necho 2.8.1\n")
    for program in (empty, old):
        program.chmod(0o755)
    lines = [
        one(machine.dialogue_environment, here(dialogue_python=str(python)))[1] for python in ("/nowhere", empty, old)
    ]
    assert "there is no /nowhere" in lines[0]
    assert "has no Rasa" in lines[1]
    assert "Rasa 2.8.1 instead of 3.6." in lines[2]


@pytest.mark.parametrize(("free", "level"), [(500_000_000, "bad"), (2_000_000_000, "warning")])
def test_a_full_disk_is_told(here: Callable[..., Here], monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    usage = type(shutil.disk_usage("/"))(100_000_000_000, 100_000_000_000 - free, free)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: usage)
    found, line = one(machine.disk, here())
    assert (found, "make room" in line) == (level, True)


def test_sqlite_on_a_network_disk_is_told(here: Callable[..., Here], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "filesystem", lambda folder: "nfs4")
    assert "SQLite can lose data" in one(machine.disk, here())[1]
    assert said(machine.disk, here(database_url="postgresql+psycopg://x@127.0.0.1/x")) == []


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n/dev/b /elsewhere xfs rw 0 0\n")
    assert machine.filesystem(tmp_path, mounts) == "nfs4"
    assert machine.filesystem(tmp_path.parent, mounts) == "ext4"
    assert machine.filesystem(tmp_path, tmp_path / "none") == "unknown"


def test_a_key_that_others_can_read_is_told(here: Callable[..., Here], tmp_path: Path) -> None:
    (tmp_path / "key").write_text(new_key())
    (tmp_path / "key").chmod(0o644)
    assert "chmod 600" in one(machine.permissions, here())[1]
    (tmp_path / "key").chmod(0o600)
    assert said(machine.permissions, here()) == []


def test_a_folder_that_cannot_be_written_is_told(here: Callable[..., Here], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "access", lambda folder, how: False)
    assert "cannot be written" in one(machine.permissions, here())[1]


class _Answers(http.server.BaseHTTPRequestHandler):
    status, body = 200, b"{}"

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def answers() -> Iterator[Callable[[int, Any], int]]:
    """Return a function that makes a server which answers everything so, and returns its port."""
    servers = []

    def make(status: int, body: Any) -> int:
        handler = type("Answers", (_Answers,), {"status": status, "body": json.dumps(body).encode()})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return int(server.server_address[1])

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_port_that_another_program_has_is_told_and_ours_is_not(
    here: Callable[..., Here], answers: Callable[[int, Any], int]
) -> None:
    ours, other = answers(200, {"status": "ok"}), answers(200, ["something", "else"])
    level, line = one(machine.ports, here(port=ours, dialogue_port=other))
    assert (level, f"port {other}" in line, "ADVISOR_DIALOGUE_PORT" in line) == ("bad", True, True)


# --- what answers are made of --------------------------------------------------------------------------


def test_a_list_that_cannot_be_read_is_told(here: Callable[..., Here], tmp_path: Path) -> None:
    assert "no service list here" in one(content.service_list, here(services=tmp_path))[1]


def test_entries_past_their_days_are_named(here: Callable[..., Here], tmp_path: Path) -> None:
    source = sorted(SERVICES_FOLDER.glob("*.yaml"))
    for file in source:
        shutil.copy(file, tmp_path)
    lines = dict(said(content.service_list, here(at=datetime(2099, 1, 1, tzinfo=SHANGHAI), services=tmp_path)))
    assert lines.keys() == {"warning"}
    assert "review_by" in lines["warning"]
    assert " more" in lines["warning"]


def test_no_places_and_samples_for_the_public_are_told(here: Callable[..., Here], tmp_path: Path) -> None:
    assert "advisor places import" in one(content.places, here())[1]
    import_places(SERVICES_FOLDER.parent / "places" / "sample.csv", tmp_path / "places.json")
    assert said(content.places, here()) == []
    level, line = one(content.places, here(public=True))
    assert (level, "samples (示例) are shown to the public" in line) == ("bad", True)
    (tmp_path / "places.json").write_text("{")
    assert "cannot be read" in one(content.places, here())[1]


def test_a_model_that_is_missing_or_old_is_told(here: Callable[..., Here], tmp_path: Path) -> None:
    assert "there is none" in one(content.dialogue_model, here())[1]
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "advisor.tar.gz").write_bytes(b"")
    (tmp_path / "models" / "advisor.tar.inputs").write_text("of yesterday")
    assert "older than what it is made from" in one(content.dialogue_model, here())[1]


def test_an_index_that_is_missing_is_told_and_that_it_mends_itself(here: Callable[..., Here]) -> None:
    level, line = one(content.index, here())
    assert (level, "built anew at the next start" in line) == ("warning", True)


def test_an_encoder_that_cannot_be_loaded_is_told(here: Callable[..., Here], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str) -> None:
        raise EncoderUnavailable("The sentence encoder «x» cannot be loaded")

    monkeypatch.setattr(content, "SentenceEncoder", fails)
    assert "cannot be loaded" in one(content.encoder, here())[1]


# --- what is stored ------------------------------------------------------------------------------------


def test_a_fresh_folder_is_told_and_looking_makes_nothing(here: Callable[..., Here], tmp_path: Path) -> None:
    assert [level for check in stored.CHECKS for level, _ in said(check, here())] == ["warning", "warning"]
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_gone_is_worse_than_none_yet(here: Callable[..., Here], tmp_path: Path) -> None:
    migrated(here()).engine.dispose()
    (tmp_path / "key").unlink()
    level, line = one(stored.key, here())
    assert (level, "back from the backup" in line) == ("bad", True)
    assert "32 bytes" in one(stored.key, here(key="short"))[1]


def test_a_change_of_the_key_that_was_interrupted_is_told(here: Callable[..., Here], tmp_path: Path) -> None:
    migrated(here()).engine.dispose()
    (tmp_path / "key.next").write_text(new_key())
    assert "advisor key rotate" in one(stored.key, here())[1]


def test_a_database_that_does_not_answer_is_told_without_its_password(here: Callable[..., Here]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg://advisor:pa55word@127.0.0.1:{probe.getsockname()[1]}/advisor"
    level, line = one(stored.database, here(database_url=url, key=new_key()))
    assert (level, "does not answer" in line, "pa55word" in line) == ("bad", True, False)


def test_a_database_behind_its_migrations_is_told(here: Callable[..., Here]) -> None:
    database = Database(here().settings.database, Cipher(here().settings.encryption_key()))
    assert database.is_up()
    database.engine.dispose()
    assert "advisor prepare" in one(stored.database, here())[1]


def test_what_was_written_with_another_key_is_told_by_column(here: Callable[..., Here]) -> None:
    database = migrated(here())
    Inbox(database).store(Received("i1", "web", "1", "web:a", "长护险", None, AT))
    database.engine.dispose()
    assert not any("another key" in line for _, line in said(stored.database, here()))
    found = said(stored.database, here(key=new_key()))
    assert ("bad", True) in [(level, "inbox.text" in line) for level, line in found]


def test_a_desk_without_accounts_or_administrator_is_told(here: Callable[..., Here]) -> None:
    database = migrated(here())
    assert "no account" in one(stored.database, here())[1]
    accounts = open_accounts(here().settings, database, now)
    accounts.add("clerk", "王顾问", "clerk", "staff:test")
    assert "nobody there is an administrator" in one(stored.database, here())[1]
    accounts.add("head", "李顾问", "admin", "staff:test")
    assert said(stored.database, here()) == []
    lines = [line for _, line in said(stored.database, here(key=new_key()))]
    assert any("second factor of head" in line and "desk-user renew head" in line for line in lines)
    database.engine.dispose()


# --- what is around ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("health", "sentence"),
    [
        ({"database": False, "dialogue": True, "refused": False}, "its database does not answer"),
        ({"database": True, "dialogue": False, "refused": False}, "its dialogue server does not answer"),
        ({"database": True, "dialogue": True, "refused": True}, "refuses new files"),
    ],
)
def test_what_the_running_system_lacks_is_told(
    here: Callable[..., Here],
    tmp_path: Path,
    answers: Callable[[int, Any], int],
    health: dict[str, bool],
    sentence: str,
) -> None:
    port = answers(200, {"status": "x", **health})
    (tmp_path / "run.json").write_text(json.dumps({"url": f"http://127.0.0.1:{port}", "secret": "s"}))
    level, line = one(outside.system, here())
    assert (level, sentence in line) == ("bad", True)


def test_telegram_that_refuses_or_is_silent_is_told_and_never_the_token(
    here: Callable[..., Here], answers: Callable[[int, Any], int]
) -> None:
    token = "123:secret-of-telegram"
    fine = answers(200, {"ok": True, "result": {"username": "advisor_bot"}})
    refuses = answers(401, {"ok": False, "description": "Unauthorized"})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = probe.getsockname()[1]
    lines = []
    for port in (fine, refuses, nobody):
        settings = {
            "telegram_token": token,
            "telegram_api": f"http://127.0.0.1:{port}",
            "telegram_proxy_from_env": False,
        }
        lines += [found.line() for found in outside.telegram(here(**settings))]
    assert "@advisor_bot" in lines[0]
    assert "@BotFather" in lines[1]
    assert "does not answer" in lines[2]
    assert not any("secret-of" in line for line in lines)


def test_redis_that_does_not_answer_is_told(here: Callable[..., Here]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{probe.getsockname()[1]}/0"
    assert "ADVISOR_REDIS_URL" in one(outside.redis, here(redis_url=url))[1]


def test_speech_that_cannot_be_is_told(
    here: Callable[..., Here], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no model.bin" in one(outside.hearing, here(speech_model=str(tmp_path)))[1]
    assert "not installed" in one(outside.reading_aloud, here(tts_command="no-such-program"))[1]
    monkeypatch.setattr(outside, "find_spec", lambda name: None)
    assert "faster-whisper is not installed" in one(outside.hearing, here())[1]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"public": True, "demo": True}, "remove ADVISOR_DEMO"),
        ({"public": True, "page_url": "http://example.invalid"}, "ADVISOR_PAGE_URL is no HTTPS address"),
        ({"host": "192.0.2.1"}, "cookies are not marked Secure"),
        ({"signed_secret": "short"}, "ADVISOR_SIGNED_SECRET can be guessed"),
        (
            {"public": True, "database_url": "postgresql+psycopg://x@127.0.0.1/x"},
            "ADVISOR_KEY, ADVISOR_DIALOGUE_SECRET, ADVISOR_ACTION_SECRET",
        ),
    ],
)
def test_what_must_not_be_so_for_the_public_is_told(
    here: Callable[..., Here], settings: dict[str, Any], sentence: str
) -> None:
    level, line = one(outside.public, here(**settings))
    assert (level, sentence in line) == ("bad", True)


# --- the whole -----------------------------------------------------------------------------------------


def test_a_check_that_fails_itself_is_a_finding_and_the_others_are_made(here: Callable[..., Here]) -> None:
    def disk_of_glass(here: Here) -> list[Finding]:
        raise RuntimeError("secret words")

    found = list(findings(here(), [disk_of_glass, outside.public]))
    assert [each.level for each in found] == ["bad", "ok"]
    assert (
        found[0].line()
        == "BAD  disk of glass: could not be checked (RuntimeError); mend what is said above, and try again"
    )


def test_a_setting_that_cannot_be_read_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_DESK_HOURS", "whenever")
    monkeypatch.setenv("ADVISOR_PORT", "many")
    lines = [found.line() for found in examine()]
    assert [line.split(" cannot")[0] for line in lines] == [
        "BAD  settings: ADVISOR_PORT",
        "BAD  settings: ADVISOR_DESK_HOURS",
    ]


def test_the_command_ends_with_one_where_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_PORT", "many")
    done = CliRunner().invoke(app, ["doctor", "--json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["sound"], told["findings"][0]["level"]) == (1, False, "bad")
    monkeypatch.delenv("ADVISOR_PORT")
    monkeypatch.setattr("bot.doctor.CHECKS", (outside.public,))
    done = CliRunner().invoke(app, ["doctor"])
    assert (done.exit_code, done.stdout) == (0, "ok   public: no: this machine only\n")

"""``advisor key rotate``: refused while it would harm, gone on with where it was interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import key_cli
from bot.client import Where
from bot.settings import GatewaySettings
from storage.crypto import CannotDecrypt, Cipher, RotationUnfinished, new_key, next_key_file, read_or_make_key
from storage.database import Database
from storage.inbox import Inbox, Received
from storage.kept_secrets import kept_secret
from storage.trackers import Trackers

AT = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ADVISOR_VAR", str(tmp_path))
    for name in ("ADVISOR_KEY", "ADVISOR_DATABASE_URL", key_cli.NEW_KEY):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(key_cli.key_app, ["rotate", *arguments])
        assert result.exit_code == code, result.output
        return result.output

    return command


def fill(key: str) -> None:
    settings = GatewaySettings()
    database = Database(settings.database, Cipher(key))
    database.migrate()
    Inbox(database).store(Received("i1", "web", "x1", "web:a", "我的话", None, AT, phone="13764920583"))
    kept_secret(database, "web.session", "s")
    database.engine.dispose()


def read(key: str) -> tuple[str, str | None]:
    settings = GatewaySettings()
    database = Database(settings.database, Cipher(key))
    try:
        (message,) = Inbox(database).waiting("web:a")
        return message.text, message.phone
    finally:
        database.engine.dispose()


def test_the_key_in_the_file_is_changed(run: Run, tmp_path: Path) -> None:
    old = read_or_make_key(tmp_path / "key")
    fill(old)
    told = run("--save-old", str(tmp_path / "old"))
    new = read_or_make_key(tmp_path / "key")
    assert new != old
    assert (tmp_path / "old").read_text() == old
    assert {os.stat(tmp_path / name).st_mode & 0o777 for name in ("key", "old")} == {0o600}
    assert "2 rows" in told
    assert read(new) == ("我的话", "13764920583")
    with pytest.raises(CannotDecrypt):
        read(old)
    assert not next_key_file(tmp_path / "key").exists()


def test_without_a_key_there_is_nothing_to_do(run: Run) -> None:
    assert "nothing is encrypted" in run(code=1)


def test_it_is_refused_while_the_system_runs(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = read_or_make_key(tmp_path / "key")
    monkeypatch.setattr(key_cli, "running", lambda settings: Where("http://127.0.0.1:1", "s"))
    told = run(code=1)
    assert "the system runs" in told
    assert len(told.strip().splitlines()) == 1
    assert read_or_make_key(tmp_path / "key") == old


@pytest.mark.parametrize("after", ["nothing", "all"])
def test_what_was_interrupted_stops_the_system_and_is_gone_on_with(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    old = read_or_make_key(tmp_path / "key")
    fill(old)
    real = key_cli.renew

    def dies(*given: object) -> int:
        if after == "all":
            real(*given)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(key_cli, "renew", dies)
        CliRunner().invoke(key_cli.key_app, ["rotate"])
    begun = next_key_file(tmp_path / "key").read_text()
    with pytest.raises(RotationUnfinished, match="advisor key rotate"):
        GatewaySettings().encryption_key()
    file = tmp_path / "another"
    file.write_text(new_key())
    assert "finish it first" in run("--new-key-file", str(file), code=1)
    run()
    assert GatewaySettings().encryption_key() == begun
    assert read(begun) == ("我的话", "13764920583")


def test_a_key_in_the_settings_needs_the_new_one_and_says_to_set_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = new_key(), new_key()
    monkeypatch.setenv("ADVISOR_KEY", old)
    fill(old)
    assert "--new-key-file" in run(code=1)
    (tmp_path / "new").write_text(f"{new}\n")
    assert "set ADVISOR_KEY" in run("--new-key-file", str(tmp_path / "new"))
    assert read(new) == ("我的话", "13764920583")
    assert not (tmp_path / "key").exists()
    monkeypatch.setenv(key_cli.NEW_KEY, new)
    assert "0 rows" in run()  # the same again harms nothing
    monkeypatch.setenv("ADVISOR_KEY", new)
    assert "is the old one" in run(code=1)


@pytest.mark.parametrize("bad", ["", "short", "x" * 44, "密"])
def test_a_key_that_is_none_changes_nothing(run: Run, tmp_path: Path, bad: str) -> None:
    old = read_or_make_key(tmp_path / "key")
    fill(old)
    (tmp_path / "new").write_text(bad or "!")
    assert "nothing was changed" in run("--new-key-file", str(tmp_path / "new"), code=1)
    assert read(read_or_make_key(tmp_path / "key")) == ("我的话", "13764920583")


def test_a_wrong_old_key_changes_nothing(run: Run, tmp_path: Path) -> None:
    fill(new_key())
    key = read_or_make_key(tmp_path / "key")
    assert "was written with neither key" in run(code=1)
    assert read_or_make_key(tmp_path / "key") == key  # and no other one waits beside it


def test_the_trackers_are_written_anew_as_well(run: Run, tmp_path: Path) -> None:
    old = read_or_make_key(tmp_path / "key")
    fill(old)
    trackers = Trackers(GatewaySettings().tracker_url, Cipher(old))
    trackers.make()
    with trackers.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO events (sender_id, type_name, data) VALUES ('web:a', 'slot', ?)",
            (Cipher(old).seal('{"event": "slot", "name": "talk", "value": {"who": "我"}}', "tracker"),),
        )
    trackers.close()
    assert "3 rows" in run()
    renewed = Trackers(GatewaySettings().tracker_url, Cipher(read_or_make_key(tmp_path / "key")))
    assert renewed.slots("web:a") == {"talk": {"who": "我"}}
    renewed.close()

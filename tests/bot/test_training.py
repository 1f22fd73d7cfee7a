from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.processes import model_file
from bot.settings import GatewaySettings
from bot.supervisor import children, with_secrets
from bot.training import inputs_hash, is_stale


@pytest.fixture
def settings(tmp_path: Path) -> GatewaySettings:
    return GatewaySettings(var=tmp_path)


def test_a_missing_model_is_stale(settings: GatewaySettings) -> None:
    assert is_stale(settings)


def test_a_model_is_fresh_until_what_it_is_made_from_changes(settings: GatewaySettings) -> None:
    model_file(settings).parent.mkdir()
    model_file(settings).touch()
    stamp = model_file(settings).with_suffix(".inputs")
    stamp.write_text(inputs_hash())
    assert not is_stale(settings)
    stamp.write_text("older")
    assert is_stale(settings)


def test_every_input_counts(tmp_path: Path) -> None:
    (tmp_path / "nlu/data").mkdir(parents=True)
    before = inputs_hash(tmp_path)
    (tmp_path / "nlu/data/more.yml").write_text("x")
    assert inputs_hash(tmp_path) != before


def test_everything_is_bound_to_this_machine(settings: GatewaySettings) -> None:
    for child in children(with_secrets(settings)):
        assert "127.0.0.1" in child.command
        assert "0.0.0.0" not in " ".join(child.command)  # noqa: S104


def test_no_secret_stands_on_a_command_line(settings: GatewaySettings) -> None:
    settings = settings.model_copy(update={"dialogue_secret": "first-secret", "action_secret": "second-secret"})
    for child in children(with_secrets(settings)):
        assert "first-secret" not in " ".join(child.command)
        assert "second-secret" not in " ".join(child.command)
        assert settings.encryption_key() not in " ".join(child.command)


def test_a_role_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_ROLES", "web,kitchen")
    with pytest.raises(ValueError, match="no such role: kitchen; there are web, desk"):
        GatewaySettings()


def test_a_server_beside_others_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADVISOR_VAR", str(tmp_path))
    monkeypatch.setenv("ADVISOR_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    said = CliRunner().invoke(app, ["serve"])
    assert said.exit_code == 1
    assert "ADVISOR_DIALOGUE_SECRET, ADVISOR_ACTION_SECRET, ADVISOR_KEY: every server needs the same" in said.output
    said = CliRunner().invoke(app, ["serve", "--roles", "kitchen"])
    assert "kitchen" in said.output


def test_trackers_lie_beside_the_database_and_in_postgresql_in_a_schema_of_their_own(tmp_path: Path) -> None:
    assert GatewaySettings(var=tmp_path).tracker_url == f"sqlite:///{tmp_path}/tracker.db"
    url = GatewaySettings(database_url="postgresql+psycopg://u:p%40ss@h/advisor").tracker_url
    assert url == "postgresql+psycopg2://u:p%40ss@h/advisor?options=-csearch_path%3Dtrackers"

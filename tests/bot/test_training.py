from __future__ import annotations

from pathlib import Path

import pytest

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

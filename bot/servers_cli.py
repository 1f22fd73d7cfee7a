"""``advisor prepare``, ``serve`` and ``dialogue``: one server of several, in the foreground."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from bot.processes import ROOT, advisor_command, advisor_environment, dialogue_command, dialogue_environment
from bot.settings import GatewaySettings
from bot.training import TrainingFailed, is_stale
from knowledge.errors import KnowledgeError
from storage.crypto import Cipher
from storage.database import Database


def add_servers(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("prepare")(prepare_only)
    app.command()(serve)
    app.command()(dialogue)


def prepare_only() -> None:
    """Train, index and bring the database up to date where that is needed; start nothing."""
    from bot.cli import fail, prepare

    try:
        prepare(GatewaySettings())
    except (TrainingFailed, KnowledgeError) as error:
        fail(error)


def serve(
    roles: Annotated[str, typer.Option(help="What this server does: web,desk,telegram,outbox,actions.")] = "",
) -> None:
    """Run one advisor server in the foreground, beside others; see docs/deploy.md."""
    settings = _one_of_several(roles)
    os.chdir(ROOT)
    os.execvpe(sys.executable, advisor_command(settings), advisor_environment(settings))  # noqa: S606


def dialogue() -> None:
    """Run one dialogue server in the foreground, beside others; see docs/deploy.md."""
    settings = _one_of_several()
    command = dialogue_command(settings)
    os.chdir(ROOT)
    os.execvpe(command[0], command, dialogue_environment(settings))  # noqa: S606


def _one_of_several(roles: str = "") -> GatewaySettings:
    """Return the settings of a server that shares its secrets with others; say what is missing."""
    from bot.cli import check_key, fail

    try:
        settings = GatewaySettings(roles=roles) if roles else GatewaySettings()
    except ValidationError as error:
        fail("; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors()))
    check_key(settings)
    missing = [name for name in ("dialogue_secret", "action_secret", "key") if not getattr(settings, name)]
    if missing and settings.is_shared:
        fail("set " + ", ".join(f"ADVISOR_{name.upper()}" for name in missing) + ": every server needs the same")
    if is_stale(settings):
        fail("the dialogue model is missing or out of date; run: advisor prepare")
    if not Database(settings.database, Cipher(settings.encryption_key())).is_current():
        fail("the database is not up to date; run: advisor prepare")
    return settings

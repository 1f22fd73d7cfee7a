from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli import prepare
from bot.client import Where
from bot.settings import GatewaySettings
from bot.started import free_port, own_system
from tests.auxil.bot_api import TOKEN, BotApi, bot_api


@pytest.fixture(scope="session")
def api() -> Iterator[BotApi]:
    with bot_api() as running:
        yield running


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, api: BotApi) -> Iterator[tuple[Where, int, Path]]:
    """The real system with Telegram's stand-in: where it answers, the supervisor's process, its folder."""
    trained = GatewaySettings()
    prepare(trained)
    var = tmp_path_factory.mktemp("telegram")
    for part in ("models", "index"):
        (var / part).symlink_to((trained.var / part).resolve())
    env = {
        "ADVISOR_VAR": str(var),
        "ADVISOR_PORT": str(free_port()),
        "ADVISOR_DIALOGUE_PORT": str(free_port()),
        "ADVISOR_DEMO": "1",
        "ADVISOR_RESTART_WAIT_MAX_S": "1",
        "ADVISOR_TELEGRAM_TOKEN": TOKEN,
        "ADVISOR_TELEGRAM_API": api.url,
    }
    with own_system(env, var / "run.log") as (where, pid):
        api.wait(lambda: api.commands, 30)
        yield where, pid, var


_CHATS = itertools.count(5001)


@pytest.fixture
def chat() -> int:
    """A new private chat."""
    return next(_CHATS)

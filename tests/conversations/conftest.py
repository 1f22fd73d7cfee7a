from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli import prepare
from bot.client import Where
from bot.settings import GatewaySettings
from bot.started import free_port, own_system
from knowledge.store import SERVICES_FOLDER


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Where, int, Path]]:
    """Yield the real system: where it answers, the supervisor's process, its folder."""
    settings = GatewaySettings()
    prepare(settings)
    var = tmp_path_factory.mktemp("var")
    (var / "models").symlink_to((settings.var / "models").resolve())
    shutil.copytree(settings.var / "index", var / "index")  # a new list makes a new index
    shutil.copytree(SERVICES_FOLDER, var / "services")
    env = {
        "ADVISOR_SERVICES": str(var / "services"),
        "ADVISOR_VAR": str(var),
        "ADVISOR_DEMO": "1",
        "ADVISOR_PORT": str(free_port()),
        "ADVISOR_DIALOGUE_PORT": str(free_port()),
    }
    with own_system(env, var / "run.log") as (where, pid):
        yield where, pid, var

"""The files for running it for the public say what the program understands."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from bot.processes import ROOT
from bot.settings import ROLES, GatewaySettings
from knowledge.settings import KnowledgeSettings

DEPLOY = ROOT / "deploy"
SETTINGS = {f"ADVISOR_{name.upper()}" for name in (*GatewaySettings.model_fields, *KnowledgeSettings.model_fields)}
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
# Read by the set-up, or by compose itself.
OTHERS = {"ADVISOR_TORCH_INDEX", "ADVISOR_TLS", "ADVISOR_TOPIC_MINUTES", "ADVISOR_FORM_DAYS"}
FILES = [
    *DEPLOY.rglob("*.service"),
    DEPLOY / "advisor.env",
    DEPLOY / "compose.yaml",
    DEPLOY / "Dockerfile",
    ROOT / "docs/deploy.md",
    ROOT / "docs/operations.md",
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_setting_that_is_named_is_one(file: Path) -> None:
    named = set(re.findall(r"ADVISOR_[A-Z_]+[A-Z]", file.read_text()))
    assert named <= SETTINGS | OTHERS


def test_the_roles_of_compose_are_roles_and_together_do_everything() -> None:
    given = [set(s["command"][2].split(",")) for s in COMPOSE["services"].values() if "serve" in s.get("command", [])]
    assert set().union(*given) == set(ROLES)
    assert all("actions" in roles and "web" in roles for roles in given)  # one of them may die


def test_nothing_but_nginx_is_published_and_every_container_has_a_limit() -> None:
    for name, service in COMPOSE["services"].items():
        assert ("ports" in service) == (name == "nginx")
        if name != "prepare":
            assert "memory" in service["deploy"]["resources"]["limits"]


def test_what_is_ours_alone_is_refused_outside() -> None:
    outside = (DEPLOY / "nginx/locations.conf").read_text()
    assert re.search(r"location ~ \^/\(actions\|api\|metrics\) \{\s+return 404;", outside)


def test_every_unit_restarts_and_is_kept_small() -> None:
    for unit in DEPLOY.rglob("*.service"):
        text = unit.read_text()
        for line in ("Restart=always", "NoNewPrivileges=yes", "MemoryMax=", "User=advisor", "UMask=0077"):
            assert line in text, f"{unit.name}: {line}"


def test_no_secret_is_in_any_file() -> None:
    text = (DEPLOY / "advisor.env").read_text()
    for name in ("KEY", "DIALOGUE_SECRET", "ACTION_SECRET"):
        assert re.search(rf"^ADVISOR_{name}=$", text, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here")
@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").iterdir()), ids=lambda unit: unit.name)
def test_systemd_takes_every_unit(unit: Path, tmp_path: Path) -> None:
    here = tmp_path / unit.name  # the program is not installed where the unit expects it
    here.write_text(unit.read_text().replace("/opt/advisor/.venv/bin/advisor", "/bin/true"))
    told = subprocess.run(["systemd-analyze", "verify", str(here)], capture_output=True, text=True, check=False)  # noqa: S607
    assert told.returncode == 0, told.stderr
    assert unit.name.split("@")[0] not in told.stderr

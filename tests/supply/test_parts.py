"""What we are made of: locked by hash, and under licences that let it be used and passed on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

LOCKS = ["requirements/advisor.lock", "requirements/dialogue.lock"]
ENVIRONMENTS = {"advisor": ".venv/bin/python", "dialogue": ".venv-rasa/bin/python"}
REFUSED = re.compile(r"\bAGPL|Affero|(?<!L)GPL|SSPL|Commons Clause|Business Source|Proprietary|Non-?Commercial", re.I)
ALSO_OFFERED = re.compile(r"LGPL|Lesser|\bMIT\b|BSD|Apache|Python Software|MPL|Mozilla", re.I)
# Said nowhere in their metadata; read in their source.
READ_BY_HAND = {
    line.split("|")[1].strip()
    for line in Path("docs/licences.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| package", "| -"))
}


def locked(lock: str) -> dict[str, int]:
    """Return how many hashes each requirement has."""
    text = Path(lock).read_text(encoding="utf-8").replace("\\\n", " ")
    return {line.split("==")[0]: line.count("--hash=sha256:") for line in text.splitlines() if line.strip()}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_with_a_hash(lock: str) -> None:
    found = locked(lock)
    assert len(found) > 100
    assert all(found.values()), [name for name, hashes in found.items() if not hashes]
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name) for name in found)  # no URL, no path, no range


def test_the_environments_are_installed_by_these_hashes_only() -> None:
    script = Path("setup/environments.sh").read_text(encoding="utf-8")
    installs = [line for line in script.splitlines() if "pip install" in line]
    by_lock = [line for line in installs if "--require-hashes" in line and "--no-deps" in line]
    assert len(by_lock) == 1
    others = [line for line in installs if line not in by_lock]
    # pip itself and its tools, torch (by exact version: see docs/security.md), and this project.
    assert all("--upgrade pip wheel" in line or "torch==$TORCH" in line or "-e ." in line for line in others), others
    assert re.search(r"^TORCH=\d+\.\d+\.\d+$", script, re.M)


def licences(environment: str) -> list[dict[str, str]]:
    command = [str(Path(sys.executable).with_name("pip-licenses")), "--python", ENVIRONMENTS[environment]]
    shown = subprocess.run(
        [*command, "--format=json", "--from=mixed"], capture_output=True, text=True, timeout=120, check=True
    )
    found: list[dict[str, str]] = json.loads(shown.stdout)
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_licence_is_known_and_lets_us(environment: str) -> None:
    found = licences(environment)
    assert len(found) > 100
    for part in found:
        name, licence = part["Name"], part["License"]
        if name in READ_BY_HAND or name == "elderly-care-advisor":
            continue
        assert licence.strip() not in ("", "UNKNOWN"), (
            f"{name}: no licence is told: read it, and note it in docs/licences.md"
        )
        refused = REFUSED.search(licence) and not ALSO_OFFERED.search(licence)
        assert not refused, f"{name}: {licence}"

"""Checks that this machine has what the advisor needs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from bot.settings import GatewaySettings
from bot.training import is_stale
from knowledge.encoder import SentenceEncoder
from knowledge.errors import KnowledgeError
from knowledge.settings import KnowledgeSettings
from knowledge.store import load
from storage.crypto import Cipher
from storage.database import Database


def checks(settings: GatewaySettings, knowledge: KnowledgeSettings) -> Iterator[tuple[str, str | None]]:
    """Yield (what, None or the problem and its mend)."""
    yield "CPU with AVX2", None if "avx2" in _cpu_flags() else "the bundled encoder needs it; set ADVISOR_ENCODER"
    yield "dialogue environment", _dialogue_environment(settings)
    yield "service list", _problem(lambda: load(knowledge.services))
    yield "sentence encoder", _problem(lambda: SentenceEncoder(knowledge.encoder))
    yield "dialogue model", "missing or out of date; run: make train" if is_stale(settings) else None
    database = Database(settings.database, Cipher(settings.encryption_key()))
    yield "database", None if database.is_up() else f"{settings.database} does not answer"


def _problem(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except KnowledgeError as error:
        return str(error)
    return None


def _cpu_flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return "avx2"  # not Linux: the encoder itself will tell


def _dialogue_environment(settings: GatewaySettings) -> str | None:
    try:
        subprocess.run([settings.dialogue_python, "-c", "import rasa"], check=True, capture_output=True, timeout=120)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return f"{settings.dialogue_python} cannot import rasa; run: make setup"
    return None

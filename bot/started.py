"""A running system for a tool that needs one: the one that runs, or one of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bot.client import NotRunning, Where, running
from bot.processes import ROOT
from bot.settings import GatewaySettings

START_WITHIN_S = 180
_STOP_WITHIN_S = 30


class CannotStart(NotRunning):
    """The system did not come up; the message shows the end of its output."""


@contextmanager
def started(settings: GatewaySettings, prepare: Callable[[GatewaySettings], None]) -> Iterator[Where]:
    """Yield where the system runs; start it where it does not, and stop it again."""
    try:
        where = running(settings)
    except NotRunning:
        prepare(settings)
        with own_system({}, settings.var / "own.log") as (where, _):
            yield where
        return
    yield where


@contextmanager
def own_system(env: dict[str, str], log: Path) -> Iterator[tuple[Where, int]]:
    """Start a system with ``env`` over the environment; yield where it runs and its process id.

    Raises CannotStart.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as handle:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"],
            cwd=ROOT,
            env={**os.environ, **env},
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        settings = GatewaySettings(**{key.removeprefix("ADVISOR_").lower(): value for key, value in env.items()})  # type: ignore[arg-type]
        yield _wait(settings, process, log), process.pid
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()


def free_port() -> int:
    """Return a port of the loopback address that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(settings: GatewaySettings, process: subprocess.Popen[bytes], log: Path) -> Where:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            where = running(settings)
            if httpx.get(f"{where.url}/healthz", timeout=3.0, trust_env=False).json()["status"] == "ok":
                return where
        except (NotRunning, httpx.HTTPError, ValueError):
            pass
        time.sleep(0.2)
    tail = " | ".join(log.read_text(errors="replace").splitlines()[-5:])
    raise CannotStart(f"the system did not start; {log} ends with: {tail}")

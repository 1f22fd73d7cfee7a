"""Starts the two processes, watches them, and stops both: one command, one log."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.logs import passed_on, spoken
from bot.processes import (
    ROOT,
    advisor_command,
    advisor_environment,
    dialogue_command,
    dialogue_environment,
)
from bot.settings import GatewaySettings

_BACK_OFF_S = (1, 2, 4, 8, 16, 30)
_STABLE_S = 60  # a process up for so long starts again from the shortest wait
_STOP_S = 8
_POLL_S = 0.2
_LINE = 2**20  # bytes of the longest line of output


@dataclass
class Child:
    """One process: how it is started, and the running one."""

    name: str
    command: list[str]
    env: dict[str, str]
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)


def run_file(settings: GatewaySettings) -> Path:
    """Return the file that tells our own tools where the system runs."""
    return settings.var / "run.json"


def with_secrets(settings: GatewaySettings) -> GatewaySettings:
    """Return the settings with secrets of this start where none are set."""
    made = {name: secrets.token_urlsafe(32) for name in ("dialogue_secret", "action_secret")}
    return settings.model_copy(update={name: getattr(settings, name) or value for name, value in made.items()})


def children(settings: GatewaySettings) -> list[Child]:
    """Return the two processes."""
    return [
        Child("advisor", advisor_command(settings), advisor_environment(settings)),
        Child("dialogue", dialogue_command(settings), dialogue_environment(settings)),
    ]


class Supervisor:
    """Keeps the processes up until it is told to stop."""

    def __init__(self, settings: GatewaySettings, say: Callable[[str], None]) -> None:
        self._settings = with_secrets(settings)
        self._say = say
        self._stop = asyncio.Event()
        self._children = children(self._settings)

    async def run(self, ready: Callable[[], None]) -> None:
        """Start everything, call ``ready`` once it answers, and return when stopped."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        self._write_run_file()
        keepers = [asyncio.create_task(self._keep(child)) for child in self._children]
        watcher = asyncio.create_task(self._wait_until_ready(ready))
        try:
            await self._stop.wait()
        finally:
            watcher.cancel()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(watcher, *keepers, return_exceptions=True)
            await asyncio.gather(*(self._end(child) for child in self._children))
            run_file(self._settings).unlink(missing_ok=True)

    def _write_run_file(self) -> None:
        file = run_file(self._settings)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        where = {
            "url": f"http://127.0.0.1:{self._settings.port}",
            "secret": self._settings.action_secret,
            "pid": os.getpid(),
        }
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            json.dump(where, handle)

    async def _keep(self, child: Child) -> None:
        """Start a process, and again whenever it ends, waiting longer each time."""
        failures = 0
        while True:
            started = asyncio.get_running_loop().time()
            child.process = await asyncio.create_subprocess_exec(
                *child.command,
                env=child.env,
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to pass on
                limit=_LINE,
            )
            await self._log(child)
            code = await child.process.wait()
            if asyncio.get_running_loop().time() - started > _STABLE_S:
                failures = 0
            wait = min(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)], self._settings.restart_wait_max_s)
            failures += 1
            self._say(f"{child.name}: ended with code {code}; starting it again in {wait} s")
            await asyncio.sleep(wait)

    async def _log(self, child: Child) -> None:
        """Pass on the process's output, marked with its name, until it closes."""
        output = child.process.stdout if child.process else None
        if output is None:
            return
        async for line in output:
            text = line.decode(errors="replace").rstrip()
            if text:
                self._say(passed_on(child.name, text, self._settings.log))

    async def _end(self, child: Child) -> None:
        """Stop a process and all it started."""
        process = child.process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def _wait_until_ready(self, ready: Callable[[], None]) -> None:
        url = f"http://127.0.0.1:{self._settings.port}/healthz"
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as http:
            while True:
                with suppress(httpx.HTTPError, ValueError):
                    if (await http.get(url)).json()["status"] == "ok":
                        ready()
                        return
                await asyncio.sleep(_POLL_S)


def main() -> None:
    """Supervise; what they need is prepared (``advisor run`` does that, and becomes this)."""
    settings = GatewaySettings()

    def say(line: str) -> None:
        print(spoken(line, settings.log), flush=True)

    def ready() -> None:
        say(f"养老顾问 is ready: http://{settings.host}:{settings.port}/   (Ctrl-C stops it)")

    asyncio.run(Supervisor(settings, say).run(ready))


if __name__ == "__main__":
    main()

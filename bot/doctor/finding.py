"""What a check finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.settings import GatewaySettings
from knowledge.settings import KnowledgeSettings


@dataclass(frozen=True)
class Here:
    """The installation that is looked at."""

    settings: GatewaySettings
    knowledge: KnowledgeSettings
    clock: Callable[[], datetime]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``bad`` must be mended, a ``warning`` should be known."""

    name: str
    level: Literal["ok", "warning", "bad"]
    problem: str = ""
    mend: str = ""

    def line(self) -> str:
        """Return it for a reader."""
        sign = {"ok": "ok ", "warning": "?  ", "bad": "BAD"}[self.level]
        told = "; ".join(part for part in (self.problem, self.mend) if part)
        return f"{sign}  {self.name}{': ' if told else ''}{told}"


def ok(name: str, what: str = "") -> Finding:
    """Return that all is well, and what was seen."""
    return Finding(name, "ok", what)


def warning(name: str, problem: str, mend: str) -> Finding:
    """Return what works, but less well than it should."""
    return Finding(name, "warning", problem, mend)


def bad(name: str, problem: str, mend: str) -> Finding:
    """Return what does not work, or is not safe."""
    return Finding(name, "bad", problem, mend)

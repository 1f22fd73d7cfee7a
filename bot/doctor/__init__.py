"""Checks an installation, and says in words what is wrong and how to mend it: ``advisor doctor``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pydantic import ValidationError

from bot.doctor import content, machine, outside, stored
from bot.doctor.finding import Finding, Here, bad
from bot.logs import told
from bot.settings import GatewaySettings
from knowledge.settings import KnowledgeSettings
from storage.clock import now

Check = Callable[[Here], Iterable[Finding]]
CHECKS: tuple[Check, ...] = (*machine.CHECKS, *content.CHECKS, *stored.CHECKS, *outside.CHECKS)


def examine() -> Iterator[Finding]:
    """Yield what every check finds, with the settings as they are; a setting that cannot be read is all it finds."""
    try:
        here = Here(GatewaySettings(), KnowledgeSettings(), now)
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            name = "ADVISOR_" + "_".join(map(str, item["loc"])).upper()
            yield bad("settings", f"{name} cannot be read: {item['msg']}", "correct it, or remove it for its default")
        return
    yield from findings(here, CHECKS)


def findings(here: Here, checks: Iterable[Check]) -> Iterator[Finding]:
    """Yield what the checks find; one that fails itself is a finding too."""
    for check in checks:
        try:
            yield from check(here)
        except Exception as error:  # the others must still be made
            name = check.__name__.strip("_").replace("_", " ")
            yield bad(name, f"could not be checked ({told(error)})", "mend what is said above, and try again")

"""How the browser tests log in at the desk."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page as Tab

from bot.client import Where
from bot.desk.accounts import Credentials
from bot.desk.app import open_accounts
from bot.settings import GatewaySettings
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.tickets import Tickets

SCREEN = {"width": 1366, "height": 768}


@dataclass
class RealDesk:
    """The desk of the real system: its database, and clerks that log in as people do."""

    settings: GatewaySettings
    database: Database
    open_: Callable[..., Tab]

    def clerk(self, role: str = "clerk", called: str = "王顾问", **how: Any) -> Tab:
        name = f"{role}-{secrets.token_hex(3)}"
        made = open_accounts(self.settings, self.database, now).add(name, called, role, "staff:test")
        tab = self.open_("/desk/login", viewport=how.pop("viewport", SCREEN), **how)
        log_in(tab, name, made)
        return tab

    @property
    def tickets(self) -> Tickets:
        return Tickets(self.database, now)


def log_in(tab: Tab, name: str, made: Credentials) -> None:
    tab.fill("#name", name)
    tab.fill("#password", made.password)
    tab.fill("#code", pyotp.TOTP(made.totp).now())
    tab.press("#code", "Enter")
    tab.wait_for_url("**/desk")


@pytest.fixture
def real_desk(whole: tuple[Where, int, Path], opened: Callable[..., Tab]) -> Iterator[RealDesk]:
    settings = GatewaySettings(var=whole[2])
    database = Database(settings.database, Cipher(settings.encryption_key()))
    for ticket in Tickets(database, now).queue():  # what other tests left
        Tickets(database, now).claim(ticket.id, "test")
        Tickets(database, now).close(ticket.id, ticket.claimed_by or "test", "other")
    yield RealDesk(settings, database, opened)
    database.engine.dispose()

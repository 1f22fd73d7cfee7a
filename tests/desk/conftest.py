"""The desk over HTTP, with a real database, staff that log in, and a stand-in for the dialogue server."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from actions.booking_talk.desk import open_desk
from bot.desk.accounts import Accounts, Credentials
from bot.desk.app import DeskParts, add_desk, open_accounts
from bot.settings import GatewaySettings
from knowledge.library import Library
from knowledge.live import LiveKnowledge
from knowledge.settings import KnowledgeSettings
from storage.database import Database
from tests.auxil.booking import Clock
from tests.bot.test_path import database, library  # noqa: F401

HERE = {"Origin": "http://testserver"}


class DeskTab(TestClient):
    """A clerk's browser without a script."""

    def token(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/desk").text)
        assert found
        return found[1]

    def act(self, to: str, headers: dict[str, str] = HERE, **fields: Any) -> httpx.Response:
        return self.post(to, data={"csrf": self.token(), **fields}, headers=headers)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(database: Database, clock: Clock, tmp_path: Path) -> Accounts:
    return open_accounts(GatewaySettings(var=tmp_path), database, clock)


def code(made: Credentials, at: datetime) -> str:
    return pyotp.TOTP(made.totp).at(int(at.timestamp()))


@pytest.fixture
def desk_app(database: Database, library: Library, clock: Clock, tmp_path: Path) -> FastAPI:
    app = FastAPI()
    settings = GatewaySettings(var=tmp_path)
    live = LiveKnowledge(library, KnowledgeSettings(var=tmp_path))
    add_desk(app, DeskParts(settings, database, open_desk(database, clock), live, clock))
    return app


@pytest.fixture
def login(desk_app: FastAPI, accounts: Accounts, clock: Clock) -> Callable[..., DeskTab]:
    """Return a function that makes a member of staff and logs them in with a browser of their own."""

    def log_in(name: str = "wang", role: str = "clerk", called: str = "王顾问") -> DeskTab:
        made = accounts.add(name, called, role, "staff:test")
        tab = DeskTab(desk_app, raise_server_exceptions=False, follow_redirects=True)
        answer = tab.post(
            "/desk/login",
            data={"name": name, "password": made.password, "code": code(made, clock())},
            headers=HERE,
            follow_redirects=False,
        )
        assert answer.status_code == 303, answer.text
        clock.at += timedelta(seconds=1)
        return tab

    return log_in

"""The desk over HTTP, with a real database, staff that log in, and a stand-in for the dialogue server."""

from __future__ import annotations

import re
import shutil
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
from actions.conversation import handoff
from bot.desk.accounts import Accounts, Credentials
from bot.desk.app import DeskParts, add_desk, open_accounts
from bot.pulse import Pulse
from bot.settings import GatewaySettings
from bot.web.app import WebParts, add_web
from knowledge.emergency import EmergencyMatcher
from knowledge.library import Library
from knowledge.live import LiveKnowledge
from knowledge.reply import Outcome, Reply, TextBlock
from knowledge.settings import KnowledgeSettings
from storage.changes import Changes
from storage.database import Database
from tests.auxil.booking import Clock
from tests.bot.test_path import Dialogue, database, fine, library, path_with  # noqa: F401
from tests.web.conftest import Page

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


class Talks(Dialogue):
    """The stand-in of the dialogue server: 转人工 asks for a person, whatever else is answered."""

    def __init__(self) -> None:
        super().__init__(self.reply)
        self.forgotten: list[str] = []

    async def forget(self, conversation: str) -> None:
        self.forgotten.append(conversation)

    @staticmethod
    def reply(text: str, metadata: dict[str, Any]) -> Reply:
        intent = (metadata.get("act") or {}).get("intent")
        if "人工" in text or intent == "request_human":
            return handoff()
        if "打我" in text:
            return Reply(blocks=[TextBlock(text="请打110。")], outcome=Outcome.GUARDED_ABUSE)
        return fine(text, metadata)


@pytest.fixture
def talks() -> Talks:
    return Talks()


@pytest.fixture
def desk_app(database: Database, library: Library, clock: Clock, talks: Talks, tmp_path: Path) -> FastAPI:
    """The chat page and the desk over one database."""
    app = FastAPI()
    settings = GatewaySettings(var=tmp_path, visitor_a_minute=1000, address_a_minute=10_000)
    listed = shutil.copytree(KnowledgeSettings().services, tmp_path / "listed")  # what is published goes there
    knowledge = KnowledgeSettings(var=tmp_path, services=listed)
    live = LiveKnowledge(library, knowledge)
    pulse, booking = Pulse(Changes(database)), open_desk(database, clock, demo=True)
    path = path_with(database, library, talks, clock)
    web = WebParts(settings, database, path, booking, talks, live, EmergencyMatcher(), clock, None, None, pulse)  # type: ignore[arg-type]
    add_web(app, web)
    app.state.sender = add_desk(app, DeskParts(settings, database, booking, live, knowledge, pulse, {}, clock))
    app.state.path = path
    return app


@pytest.fixture
def elder(desk_app: FastAPI) -> Page:
    """Somebody on the chat page."""
    return Page(desk_app, raise_server_exceptions=False)


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

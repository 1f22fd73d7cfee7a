"""The page over HTTP, with a real database and a stand-in for the dialogue server."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from actions.booking_talk.desk import open_desk
from bot.pulse import Pulse
from bot.settings import GatewaySettings
from bot.web.app import WebParts, add_web
from knowledge.emergency import EmergencyMatcher
from knowledge.library import Library
from knowledge.live import LiveKnowledge
from knowledge.settings import KnowledgeSettings
from storage.changes import Changes
from storage.clock import SHANGHAI
from storage.database import Database
from tests.bot.test_path import Dialogue, database, fine, library, path_with  # noqa: F401

AT = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)
HERE = {"Origin": "http://testserver"}


class Forgets(Dialogue):
    """The stand-in, which forgets as well."""

    def __init__(self) -> None:
        super().__init__(fine)
        self.forgotten: list[str] = []

    async def forget(self, conversation: str) -> None:
        self.forgotten.append(conversation)


class Page(TestClient):
    """A browser without a script: it posts forms as the page has them."""

    def token(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/chat").text)
        assert found
        return found[1]

    def say(self, to: str = "/chat", headers: dict[str, str] = HERE, **fields: Any) -> httpx.Response:
        return self.post(to, data={"csrf": self.token(), **fields}, headers=headers)

    def conversation(self) -> str:
        self.get("/")
        return f"web:{self.cookies['advisor'].split('.')[0]}"


@pytest.fixture
def dialogue() -> Forgets:
    return Forgets()


@pytest.fixture
def made(database: Database, library: Library, dialogue: Forgets, tmp_path: Path) -> Callable[..., Page]:
    """Return a function that makes the page, with settings and parts of its own."""

    def make(at: datetime = AT, hearing: Any = None, speaking: Any = None, **settings: Any) -> Page:
        app = FastAPI()
        knowledge = KnowledgeSettings(var=tmp_path)
        parts = WebParts(
            GatewaySettings(var=tmp_path, **settings),
            database,
            path_with(database, library, dialogue),
            open_desk(database, lambda: at),
            dialogue,  # type: ignore[arg-type]
            LiveKnowledge(library, knowledge),
            EmergencyMatcher(),
            lambda: at,
            hearing,
            speaking,
            Pulse(Changes(database)),
        )
        add_web(app, parts)
        return Page(app, raise_server_exceptions=False)

    return make


@pytest.fixture
def page(made: Callable[..., Page]) -> Page:
    return made()

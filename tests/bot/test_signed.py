"""The signed webhook: a whole second channel."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.signed import signature, signed_routes
from knowledge.library import Library
from storage.clock import SHANGHAI
from storage.database import Database
from storage.turns import Turns
from tests.bot.test_path import Dialogue, database, fine, library, path_with  # noqa: F401

AT = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)
SECRET = "a shared secret"


@pytest.fixture
def dialogue() -> Dialogue:
    return Dialogue(fine)


@pytest.fixture
def gateway(database: Database, library: Library, dialogue: Dialogue, tmp_path: Path) -> TestClient:
    app = FastAPI()
    app.include_router(signed_routes(path_with(database, library, dialogue), Turns(database), SECRET, lambda: AT))
    return TestClient(app)


def call(gateway: TestClient, body: object, secret: str = SECRET, at: float | None = None) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    timestamp = str(int(at or AT.timestamp()))
    headers = {"X-Advisor-Timestamp": timestamp, "X-Advisor-Signature": signature(secret, timestamp, raw)}
    return gateway.post("/channels/signed", content=raw, headers=headers)


def test_a_message_is_answered_and_the_same_again_alike(gateway: TestClient, dialogue: Dialogue) -> None:
    body = {"user": "u1", "message_id": "m1", "text": "喘息服务"}
    first, again = call(gateway, body), call(gateway, body)
    assert first.status_code == 200
    assert first.json()["text"] == "答：喘息服务"
    assert again.json() == first.json()
    assert len(dialogue.asked) == 1


def test_two_people_may_have_the_same_message_number(gateway: TestClient, dialogue: Dialogue) -> None:
    for user in ("u1", "u2"):
        assert call(gateway, {"user": user, "message_id": "1", "text": "你好"}).status_code == 200
    assert [conversation for conversation, _ in dialogue.asked] == ["signed:u1", "signed:u2"]


def test_danger_is_answered_here_too(gateway: TestClient) -> None:
    assert "120" in call(gateway, {"user": "u", "message_id": "1", "text": "我妈叫不醒了"}).json()["text"]


@pytest.mark.parametrize(("secret", "at"), [("wrong", None), (SECRET, AT.timestamp() - 301), (SECRET, 1)])
def test_what_is_forged_or_old_is_refused(
    gateway: TestClient, dialogue: Dialogue, secret: str, at: float | None
) -> None:
    assert call(gateway, {"user": "u", "message_id": "1", "text": "你好"}, secret, at).status_code == 403
    assert gateway.post("/channels/signed", json={"user": "u"}).status_code == 403
    assert dialogue.asked == []


def test_without_a_secret_every_call_is_refused(
    database: Database,
    library: Library,
) -> None:
    app = FastAPI()
    app.include_router(signed_routes(path_with(database, library, Dialogue(fine)), Turns(database), "", lambda: AT))
    assert call(TestClient(app), {"user": "u", "message_id": "1", "text": "你好"}, "").status_code == 403


@pytest.mark.parametrize("body", [b"", b"{", b"[]", {"user": "a b", "message_id": "1"}, {"user": "u"}, b"\xff"])
def test_what_cannot_be_read_is_named(gateway: TestClient, body: object) -> None:
    answer = call(gateway, body)
    assert answer.status_code == 422
    assert "cannot be read" in answer.text

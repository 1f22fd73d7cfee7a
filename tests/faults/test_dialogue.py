"""The dialogue server hangs, breaks, answers nonsense, or its action fails: within 3 s there is an answer all the same."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from actions.answers import Answerer
from actions.booking_talk.desk import open_desk
from bot.dialogue import DialogueClient
from bot.endpoints import action_routes
from bot.settings import GatewaySettings
from knowledge.library import Library
from knowledge.live import LiveKnowledge
from knowledge.phrases import say
from knowledge.plain_text import plain_text
from knowledge.reply import AnswerBlock, Outcome
from knowledge.settings import KnowledgeSettings
from storage.clock import now
from storage.database import Database
from storage.turns import Turns
from tests.bot.test_path import database, library, message, path_with  # noqa: F401

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WITHIN_S = 3.0


def told(status: int, body: bytes) -> Serve:
    """Return a server that gives this answer to whatever it is asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()
        writer.close()

    return serve


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(60):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.5)


async def cuts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


FAULTS: dict[str, Serve] = {
    "it hangs": hangs,
    "it drips": drips,
    "it cuts the line": cuts,
    "its action failed": told(200, json.dumps({"inbox_id": "x", "complete": False, "replies": []}).encode()),
    "it says nothing": told(200, json.dumps({"inbox_id": "x", "complete": True, "replies": []}).encode()),
    "it is an error": told(500, b"Internal Server Error"),
    "it is no JSON": told(200, b"<html>"),
    "it is another JSON": told(200, b"[]"),
    "it is another reply": told(200, b'{"inbox_id": "x", "complete": true, "replies": [{"blocks": 1}]}'),
}


@asynccontextmanager
async def dialogue(serve: Serve) -> AsyncIterator[DialogueClient]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = DialogueClient(
        [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"], "secret", GatewaySettings().dialogue_timeout_s
    )
    try:
        yield client
    finally:
        await client.close()
        server.close()


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_search_answers_within_three_seconds(database: Database, library: Library, fault: str) -> None:
    library.find("先把搜索读进来")
    async with dialogue(FAULTS[fault]) as client:
        path = path_with(database, library, client)  # type: ignore[arg-type]
        began = time.monotonic()
        reply = await path.handle(message("喘息服务怎么申请"))
        took = time.monotonic() - began
    assert reply
    assert took < WITHIN_S, fault
    assert reply.outcome is Outcome.ERROR_DIALOGUE_DOWN
    assert say("degraded") in plain_text(reply)
    assert "12345" in plain_text(reply)
    assert [block.service_id for block in reply.blocks if isinstance(block, AnswerBlock)] == ["respite"]
    assert Turns(database).last("web:a", 1)[0].outcome == "error_dialogue_down"  # the operator can count it


async def test_one_that_hangs_holds_up_nobody_else(database: Database, library: Library) -> None:
    async with dialogue(hangs) as client:
        path = path_with(database, library, client)  # type: ignore[arg-type]
        began = time.monotonic()
        replies = await asyncio.gather(
            *(path.handle(message("喘息服务怎么申请", str(n), f"web:{n}")) for n in range(20))
        )
        took = time.monotonic() - began
    assert all(replies)
    assert took < 2 * WITHIN_S  # side by side, not one after the other


def test_an_action_that_fails_is_told_to_the_dialogue_server_not_hidden(
    database: Database,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path,  # type: ignore[no-untyped-def]
) -> None:
    """Then its turn does not come to its end, and the gateway answers: see «its action failed»."""
    monkeypatch.setattr(Answerer, "reply", lambda *_: 1 / 0)
    app = FastAPI()
    app.include_router(action_routes(LiveKnowledge(library, KnowledgeSettings(var=tmp_path)), open_desk(database, now)))
    call = {"next_action": "action_answer", "sender_id": "web:a", "tracker": tracker("喘息服务")}
    answer = TestClient(app, raise_server_exceptions=False).post("/actions/webhook", json=call)
    assert answer.status_code == 500


def tracker(text: str) -> dict[str, object]:
    return {
        "sender_id": "web:a",
        "slots": {},
        "latest_message": {"text": text, "intent": {"name": "ask_service"}, "entities": []},
        "events": [],
        "paused": False,
        "active_loop": {},
        "latest_action_name": None,
        "followup_action": None,
    }

"""Promise 5 on every channel: whatever is sent is answered, breaks nothing, and no word of it stands in a log.

Each message carries a mark that is looked for in the log afterwards.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from bot.client import AdvisorClient, Where
from bot.endpoints import tool_routes
from bot.settings import GatewaySettings
from bot.signed import signature, signed_routes
from bot.speech.available import hearing
from knowledge.library import Library
from knowledge.phrases import say
from knowledge.plain_text import plain_text
from storage.database import Database
from storage.turns import Turns
from tests.auxil.bot_api import BotApi
from tests.desk.conftest import (  # noqa: F401
    DeskTab,
    Talks,
    accounts,
    clock,
    desk_app,
    login,
    talks,
)
from tests.promises.test_05_text import fuzzed
from tests.web.conftest import (  # noqa: F401
    AT,
    HERE,
    Dialogue,
    Forgets,
    Page,
    database,
    dialogue,
    fine,
    library,
    made,
    path_with,
)

SOAK = bool(os.environ.get("ADVISOR_SOAK"))
SIZE = 20_000 if SOAK else 200  # messages a channel, in process
REAL = 2_000 if SOAK else 60  # and through the real system
GROWTH_KIB = 60_000
MARK = "印记qz7vk"


def marked(count: int) -> list[str]:
    """Return fuzzed texts with the mark in front, within and behind."""
    rng = random.Random(11)
    texts = []
    for text in fuzzed(count):
        at = rng.randint(0, len(text))
        texts.append(rng.choice([MARK + text, text[:at] + MARK + text[at:], text + MARK]))
    return texts


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """What the operator's log would hold; in the end the mark must not be there, nor an error."""
    with caplog.at_level(logging.INFO):
        yield lambda: caplog.text
    assert MARK not in caplog.text
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def rss_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def flat(send: Callable[[int, str], None], texts: list[str]) -> None:
    """Send all; after the first quarter the memory stays where it is."""
    before = 0
    for number, text in enumerate(texts):
        if number == len(texts) // 4:
            before = rss_kib()
        send(number, text)
    assert rss_kib() - before < GROWTH_KIB


@pytest.mark.parametrize("wants", [{"X-Wants": "part"}, {}], ids=["with a script", "without"])
def test_the_page_answers_every_message(made, database: Database, log: object, wants: dict[str, str]) -> None:  # type: ignore[no-untyped-def]
    page: Page = made(visitor_a_minute=10**6, address_a_minute=10**6)
    token = page.token()

    def send(number: int, text: str) -> None:
        sent = {"csrf": token, "text": text.encode("utf-8", "ignore"), "message_id": f"m{number}"}
        answer = page.post("/chat", data=sent, headers={**HERE, **wants}, follow_redirects=False)
        assert answer.status_code in (200, 303), text[:80]

    flat(send, marked(SIZE))
    conversation = page.conversation()
    assert len(Turns(database).last(conversation, SIZE + 1)) == SIZE  # each has its answer


def test_every_field_of_the_pages_form_may_hold_anything(made, log: object) -> None:  # type: ignore[no-untyped-def]
    page: Page = made(visitor_a_minute=10**6, address_a_minute=10**6)
    token, rng = page.token(), random.Random(3)
    for text in marked(SIZE // 4):
        field = rng.choice(["message_id", "token", "start", "text", "csrf", "nonsense"])
        sent = {"csrf": token, "text": "喘息服务", field: text.encode("utf-8", "ignore")}
        answer = page.post("/chat", data=sent, headers=HERE, follow_redirects=False)
        assert answer.status_code < 500, (field, text[:80])
        if field == "nonsense":
            assert answer.status_code == 303


def test_a_body_that_is_no_form_breaks_nothing(made, log: object) -> None:  # type: ignore[no-untyped-def]
    page: Page = made(visitor_a_minute=10**6, address_a_minute=10**6)
    rng = random.Random(4)
    kinds = [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json",
        "text/plain",
        "",
    ]
    for text in marked(SIZE // 4):
        headers = {**HERE, "Content-Type": rng.choice(kinds)}
        assert page.post("/chat", content=text.encode("utf-8", "ignore"), headers=headers).status_code < 500


def test_rubbish_for_a_recording_is_told_kindly(made, log: object) -> None:  # type: ignore[no-untyped-def]
    """Through the real decoder: bytes of every kind, and real sound that was cut and bent."""
    ears = hearing(GatewaySettings())
    page: Page = made(hearing=ears, visitor_a_minute=10**6, address_a_minute=10**6)
    token, rng = page.token(), random.Random(6)
    real = Path("tests/speech/aishell.wav").read_bytes()
    for number, text in enumerate(marked(SIZE // 10)):
        cut = bytearray(real[: rng.randint(0, 40)])
        sound = rng.choice([text.encode("utf-8", "ignore"), rng.randbytes(rng.randint(0, 5_000)), bytes(cut), b""])
        files = {"sound": (f"{MARK}.ogg", sound, "audio/ogg")}
        answer = page.post("/voice", data={"csrf": token, "message_id": str(number)}, files=files, headers=HERE)
        assert answer.status_code == 200
        assert any(say(phrase) in answer.text for phrase in ("voice_not_heard", "voice_not_here")), text[:80]


def test_the_tools_and_the_signed_channel_answer_every_message(
    database: Database, library: Library, log: object
) -> None:
    app = FastAPI()
    path = path_with(database, library, Dialogue(fine))
    app.include_router(signed_routes(path, Turns(database), "s", lambda: AT))
    app.include_router(tool_routes(path, Turns(database)))
    gateway = TestClient(app)

    def send(number: int, text: str) -> None:
        clean = text.encode("utf-8", "ignore").decode()
        tool = gateway.post("/api/messages", json={"conversation": "test:a", "text": clean})
        assert tool.status_code == 200, text[:80]
        assert tool.json()["text"]
        raw = json.dumps({"user": "u", "message_id": str(number), "text": clean}).encode()
        stamp = str(int(AT.timestamp()))
        headers = {"X-Advisor-Timestamp": stamp, "X-Advisor-Signature": signature("s", stamp, raw)}
        signed = gateway.post("/channels/signed", content=raw, headers=headers)
        assert signed.status_code in (200, 422), text[:80]  # 422: longer than any message
        assert signed.status_code == 422 or signed.json()["text"]

    flat(send, marked(SIZE))


def test_the_signed_channel_names_what_it_cannot_read_and_nothing_of_it(database: Database, library: Library) -> None:
    app = FastAPI()
    app.include_router(signed_routes(path_with(database, library, Dialogue(fine)), Turns(database), "s", lambda: AT))
    gateway, stamp = TestClient(app), str(int(AT.timestamp()))
    for text in marked(SIZE // 4):
        raw = text.encode("utf-8", "ignore")
        headers = {"X-Advisor-Timestamp": stamp, "X-Advisor-Signature": signature("s", stamp, raw)}
        answer = gateway.post("/channels/signed", content=raw, headers=headers)
        assert answer.status_code == 422
        assert MARK not in answer.text


def test_every_form_of_the_desk_takes_anything(login: Callable[..., DeskTab], desk_app: FastAPI, log: object) -> None:
    tab = login(role="admin")
    token, rng = tab.token(), random.Random(8)
    forms = [route for route in all_routes(desk_app) if route.path.startswith("/desk") and "POST" in route.methods]
    assert len(forms) >= 20
    texts = iter(marked(SIZE * 4))
    for route in forms:
        if route.path.endswith(("/logout", "/login")):
            continue
        names = [field.alias for field in route.dependant.body_params]
        for _ in range(max(2, SIZE // 100)):
            path = re.sub(r"\{[^}]+\}", lambda _: rng.choice(["1", "0", "x", "respite", MARK]), route.path)
            fields = {name: next(texts).encode("utf-8", "ignore")[:2_000] for name in names or ["text"]}
            answer = tab.post(path, data={**fields, "csrf": token}, headers=HERE, follow_redirects=False)
            assert answer.status_code < 500, (path, fields)
            for bare in ("<script>alert", "<img src=x"):
                assert bare not in answer.text, path


def all_routes(within: Any) -> Iterator[APIRoute]:
    for route in within.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):  # FastAPI keeps routers whole
            yield from all_routes(route.original_router)


@pytest.mark.processes
async def test_the_real_system_answers_all_and_its_log_holds_no_word_of_it(
    whole: tuple[Where, int, Path], api: BotApi
) -> None:
    where, _, var = whole
    client = AdvisorClient(where)
    before = (var / "run.log").read_text(errors="replace")

    async def tool(numbers: range) -> None:
        for number in numbers:
            reply = await client.send(f"test:mark{number % 5}", texts[number].encode("utf-8", "ignore").decode())
            assert plain_text(reply), texts[number][:80]

    texts = marked(REAL)
    chats = [7_100 + number for number in range(REAL // 2)]
    for chat, text in zip(chats, texts, strict=False):
        api.say(chat, text.encode("utf-8", "ignore").decode() or MARK)
    await asyncio.gather(*(tool(range(start, REAL, 4)) for start in range(4)))
    await asyncio.to_thread(api.wait, lambda: all(api.to(chat) for chat in chats), 60)
    await client.close()
    log = (var / "run.log").read_text(errors="replace")[len(before) :]
    assert MARK not in log
    assert "qz7vk" not in log
    assert "Traceback" not in log

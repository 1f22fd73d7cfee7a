"""Promise 6: forged calls change nothing."""

from __future__ import annotations

import logging
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from actions.booking.bookings import WRONG_CODES, Bookings
from actions.booking.errors import Locked, NotFound
from actions.booking.model import Applicant
from bot.client import Where
from bot.signed import signature, signed_routes
from bot.telegram.setup import WEBHOOK, telegram_gateway, webhook_routes, webhook_secret
from knowledge.library import Library
from storage.database import Database
from storage.tables import Base
from storage.turns import Turns
from tests.auxil.booking import Clock
from tests.auxil.bot_api import TOKEN
from tests.bot.test_path import Dialogue, fine, library, path_with  # noqa: F401
from tests.bot.test_path import database as plain_database  # noqa: F401
from tests.web.conftest import AT, HERE, Forgets, dialogue  # noqa: F401

GUESSES = 10_000 if os.environ.get("ADVISOR_SOAK") else 200
_TIMES = 60


def rows(database: Database) -> dict[str, int]:
    """Return how many rows each table has."""
    with database.transaction() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


@pytest.mark.parametrize("given", [None, "", "wrong", "x" * 64])
def test_a_webhook_call_without_our_secret_changes_nothing(
    database: Database, given: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from bot.settings import GatewaySettings
    from storage.clock import now

    settings = GatewaySettings(var=tmp_path, telegram_token=TOKEN, telegram_api="http://127.0.0.1:9")
    gateway = telegram_gateway(settings, database, None, lambda: None, now, None, None)  # type: ignore[arg-type,return-value]
    assert gateway is not None
    app = FastAPI()
    app.include_router(webhook_routes(gateway, webhook_secret(database)))
    before, headers = rows(database), {} if given is None else {"X-Telegram-Bot-Api-Secret-Token": given}
    with caplog.at_level(logging.DEBUG, logger="bot"):
        answer = TestClient(app).post(WEBHOOK, json={"update_id": 1}, headers=headers)
    assert answer.status_code == 403
    assert rows(database) == before
    assert webhook_secret(database) not in caplog.text


def test_a_wrong_secret_takes_as_long_whatever_it_is(plain_database: Database, library: Library) -> None:
    """No nearer guess takes longer: the medians lie within what the machine's noise is."""
    app = FastAPI()
    app.include_router(
        signed_routes(path_with(plain_database, library, Dialogue(fine)), Turns(plain_database), "secret", lambda: AT)
    )
    gateway, stamp, body = TestClient(app), str(int(AT.timestamp())), b'{"user":"u","message_id":"1","text":"a"}'
    right = signature("secret", stamp, body)
    took: dict[str, list[float]] = {"far": [], "near": []}
    for _ in range(_TIMES):
        for name, forged in (("far", "sha256=" + "0" * 64), ("near", right[:-1] + ("0" if right[-1] != "0" else "1"))):
            begun = time.perf_counter()
            answer = gateway.post(
                "/channels/signed",
                content=body,
                headers={"X-Advisor-Timestamp": stamp, "X-Advisor-Signature": forged},
            )
            took[name].append(time.perf_counter() - begun)
            assert answer.status_code == 403
    far, near = (statistics.median(took[name]) for name in ("far", "near"))
    assert abs(near - far) < max(far, near) * 0.5


def test_a_recorded_call_does_nothing_a_second_time(plain_database: Database, library: Library) -> None:
    answerer, clock = Dialogue(fine), Clock()
    app = FastAPI()
    path = path_with(plain_database, library, answerer)
    app.include_router(signed_routes(path, Turns(plain_database), "s", lambda: clock.at))
    stamp, body = str(int(clock.at.timestamp())), '{"user":"u","message_id":"1","text":"长护险"}'.encode()
    headers = {"X-Advisor-Timestamp": stamp, "X-Advisor-Signature": signature("s", stamp, body)}
    gateway = TestClient(app)
    assert [gateway.post("/channels/signed", content=body, headers=headers).status_code for _ in range(3)] == [200] * 3
    assert len(answerer.asked) == 1
    clock.forward(minutes=10)
    assert gateway.post("/channels/signed", content=body, headers=headers).status_code == 403


@pytest.mark.parametrize("address", ["/chat", "/privacy", "/bookings", "/places", "/voice"])
def test_no_form_is_taken_from_elsewhere(
    plain_database: Database, library: Library, dialogue: Forgets, tmp_path: Path, address: str
) -> None:
    from tests.web.conftest import made

    page = made.__wrapped__(plain_database, library, dialogue, tmp_path)()
    fields = {"text": "喂", "code": "1", "phone": "1", "latitude": "31", "longitude": "121"}
    files = {"sound": ("a", b"x")} if address == "/voice" else None
    token = page.token()
    before = rows(plain_database)
    for headers, csrf in (
        ({}, token),
        ({"Origin": "http://evil.example"}, token),
        ({"Origin": "null"}, token),
        (HERE, "x"),
    ):
        answer = page.post(address, data={**fields, "csrf": csrf}, files=files, headers=headers)
        assert answer.status_code == 403, (headers, csrf)
    assert rows(plain_database) == before
    assert dialogue.asked == []
    assert dialogue.forgotten == []


def test_guessed_codes_are_locked_after_five_and_find_nothing(
    database: Database, clock: Clock, an_event: Callable[..., str]
) -> None:
    bookings = Bookings(database, clock)
    booking = bookings.book(an_event(), Applicant("web:owner", "13800138000"), "k")
    rng, tried, locked = random.Random(6), 0, 0
    before = rows(database) | {"attempts": 0}
    for _ in range(GUESSES):
        guess = f"{rng.randrange(10**6):06}"
        if guess == booking.code:
            continue
        try:
            bookings.by_code("web:thief", guess, "13800138001")
        except NotFound:
            tried += 1
        except Locked:
            locked += 1
    assert tried == WRONG_CODES
    assert tried + locked >= GUESSES - 1
    assert rows(database) | {"attempts": 0} == before
    with pytest.raises(Locked):  # even the right pair, while it is locked
        bookings.by_code("web:thief", booking.code, "13800138000")
    assert bookings.by_code("web:daughter", booking.code, "13800138000").id == booking.id


@pytest.mark.processes
def test_the_running_system_shuts_its_tools_routes(whole: tuple[Where, int, Path]) -> None:
    where, _, var = whole
    for path, body in (("/api/messages", {"conversation": "test:a", "text": "喂"}), ("/actions/webhook", {})):
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {where.secret[:-1]}"}):
            assert httpx.post(f"{where.url}{path}", json=body, headers=headers, trust_env=False).status_code == 403
    assert where.secret not in (var / "run.log").read_text()

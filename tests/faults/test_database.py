"""The database locked, full or on a disk that cannot be written: nobody is left without a sentence, nothing is lost."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from actions.booking.bookings import Bookings
from bot.endpoints import tool_routes
from bot.errors import CannotStore
from bot.signed import signature, signed_routes
from knowledge.library import Library
from knowledge.phrases import say
from knowledge.plain_text import plain_text
from storage.booking_tables import BookingRow
from storage.database import Database
from storage.turns import Turns
from tests.auxil.booking import Clock, who
from tests.auxil.disks import file_of, full, locked, locked_for, read_only
from tests.bot.test_path import Dialogue, fine, library, message, path_with  # noqa: F401
from tests.web.conftest import AT, HERE, Forgets, Page, dialogue, made  # noqa: F401

Faulty = Callable[[Database], AbstractContextManager[None]]
MARK = "星星点灯八八六"
FAULTS: dict[str, Faulty] = {
    "locked": lambda database: locked(file_of(database)),
    "full": lambda database: full(),
}


@pytest.fixture
def database(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Database:  # type: ignore[no-untyped-def]
    """A database that waits a moment for a lock instead of five seconds."""
    from storage.crypto import Cipher, read_or_make_key
    from tests.auxil.databases import emptied

    monkeypatch.setattr("storage.database._LOCK_WAIT_S", 0.3)
    made = Database(f"sqlite:///{tmp_path / 'a.db'}", Cipher(read_or_make_key(tmp_path / "key")))
    emptied(made)
    return made


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest) -> Faulty:
    return FAULTS[request.param]


async def test_a_lock_that_is_held_for_a_moment_is_waited_for(database: Database, library: Library) -> None:
    path = path_with(database, library, Dialogue(fine))
    with locked_for(file_of(database), 0.15):
        reply = await path.handle(message("喘息服务"))
    assert reply
    assert len(Turns(database).last("web:a", 5)) == 1


async def test_what_cannot_be_stored_is_not_acknowledged_and_works_when_sent_again(
    database: Database, library: Library, fault: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    dialogue = Dialogue(fine)
    path = path_with(database, library, dialogue)
    with fault(database), pytest.raises(CannotStore), caplog.at_level(logging.INFO):
        await path.handle(message(f"喘息服务{MARK}"))
    assert dialogue.asked == []  # nothing was done of which nothing is known
    assert "cannot be written" in caplog.text  # the operator is told
    assert MARK not in caplog.text  # but not what was said
    reply = await path.handle(message(f"喘息服务{MARK}"))
    assert reply
    assert len(dialogue.asked) == 1


def test_the_page_says_kindly_what_to_do(made: Callable[..., Page], database: Database, fault: Faulty) -> None:
    page = made()
    token = page.token()
    for wants in ({"X-Wants": "part"}, {}):
        with fault(database):
            answer = page.post("/chat", data={"csrf": token, "text": "喘息服务"}, headers={**HERE, **wants})
            assert answer.status_code == 503
            assert say("system_error") in answer.text
            assert "12345" in answer.text
    assert page.say(text="喘息服务").status_code == 200


def test_danger_is_answered_on_the_page_whatever_the_disk_does(
    made: Callable[..., Page], database: Database, fault: Faulty
) -> None:
    page = made()
    token = page.token()
    for wants in ({"X-Wants": "part"}, {}):
        with fault(database):
            sent = {"csrf": token, "text": "救命，我爸昏倒了叫不醒"}
            assert "120" in page.post("/chat", data=sent, headers={**HERE, **wants}).text


def gateway(database: Database, library: Library) -> TestClient:
    app = FastAPI()
    path = path_with(database, library, Dialogue(fine))
    app.include_router(signed_routes(path, Turns(database), "s", lambda: AT))
    app.include_router(tool_routes(path, Turns(database)))
    return TestClient(app)


def signed(gateway: TestClient, text: str, number: str = "1"):  # type: ignore[no-untyped-def]
    raw = json.dumps({"user": "u", "message_id": number, "text": text}).encode()
    stamp = str(int(AT.timestamp()))
    headers = {"X-Advisor-Timestamp": stamp, "X-Advisor-Signature": signature("s", stamp, raw)}
    return gateway.post("/channels/signed", content=raw, headers=headers)


def test_other_channels_are_told_to_send_it_again(database: Database, library: Library, fault: Faulty) -> None:
    client = gateway(database, library)
    tool = {"conversation": "test:a", "text": "喘息服务", "external_id": "7"}
    with fault(database):
        assert signed(client, "喘息服务").status_code == 503
        assert client.post("/api/messages", json=tool).status_code == 503
        assert "120" in signed(client, "我妈胸口痛得喘不过气，救命", "2").json()["text"]
        danger = {**tool, "text": "我妈胸口痛得喘不过气，救命", "external_id": "8"}
        assert "120" in client.post("/api/messages", json=danger).json()["text"]
    assert "喘息服务" in signed(client, "喘息服务").json()["text"]
    assert client.post("/api/messages", json=tool).status_code == 200


async def test_an_answer_in_hand_is_given_though_it_cannot_be_recorded(
    database: Database, library: Library, fault: Faulty
) -> None:
    """The disk fails between the question and its answer."""
    faults: list[AbstractContextManager[None]] = []

    def fails_now(text: str, metadata: dict[str, object]):  # type: ignore[no-untyped-def]
        faults.append(fault(database))
        faults[0].__enter__()
        return fine(text, metadata)

    try:
        reply = await path_with(database, library, Dialogue(fails_now)).handle(message("喘息服务"))
    finally:
        faults[0].__exit__(None, None, None)
    assert reply
    assert "喘息服务" in plain_text(reply)


def test_a_booking_that_cannot_be_written_is_none(database: Database, an_event, clock: Clock, fault: Faulty) -> None:  # type: ignore[no-untyped-def]
    """All of it or nothing: no seat is gone without its booking, and the same request works afterwards."""
    bookings, event = Bookings(database, clock), an_event(seats=2)
    with fault(database), pytest.raises(Exception, match=r"locked|full|I/O"):
        bookings.book(event, who(1), "k1")
    whole(database, event, taken=0)
    bookings.book(event, who(1), "k1")
    whole(database, event, taken=1)


def whole(database: Database, event: str, taken: int) -> None:
    with sqlite3.connect(file_of(database)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert raw.execute("SELECT taken FROM events WHERE id = ?", [event]).fetchone() == (taken,)
        booked = raw.execute(f"SELECT count(*) FROM {BookingRow.__tablename__} WHERE state = 'booked'").fetchone()  # noqa: S608
        assert booked == (taken,)
        assert raw.execute("SELECT count(*) FROM outbox").fetchone()[0] == taken * 3


async def test_a_disk_that_is_read_only_still_shows_and_never_pretends_to_store(
    database: Database, library: Library, made: Callable[..., Page]
) -> None:
    await path_with(database, library, Dialogue(fine)).handle(message("喘息服务"))
    frozen = read_only(database)
    path = path_with(frozen, library, Dialogue(fine))
    with pytest.raises(CannotStore):
        await path.handle(message("喘息服务", "2"))
    with pytest.raises(CannotStore) as told:
        await path.handle(message("救命，我爸昏倒了叫不醒", "3"))
    assert told.value.danger
    assert "120" in plain_text(told.value.danger)
    assert len(Turns(frozen).last("web:a", 5)) == 1  # what is there can be read


async def test_messages_keep_their_order_over_a_lock(database: Database, library: Library) -> None:
    dialogue = Dialogue(fine)
    path = path_with(database, library, dialogue)
    for number in range(3):
        with locked(file_of(database)), pytest.raises(CannotStore):
            await path.handle(message(f"第{number}句", str(number)))
        await path.handle(message(f"第{number}句", str(number)))
    assert [text for _, text in dialogue.asked] == ["第0句", "第1句", "第2句"]

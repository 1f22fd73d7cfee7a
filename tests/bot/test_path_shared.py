"""Several servers (here: paths) on one database answer one conversation's messages once each, and in order."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bot.alone import Alone
from bot.messages import Incoming
from bot.path import MessagePath, turn_of
from knowledge.library import Library
from knowledge.reply import Reply
from storage.clock import now
from storage.database import Database
from storage.inbox import Inbox, Received
from storage.leases import Leases
from storage.tables import InboxRow
from storage.turns import Turns
from tests.auxil.toy_library import toy_library
from tests.bot.test_path import Dialogue, fine, path_with

PEOPLE, EACH = 6, 8


@pytest.fixture(scope="module")
def library() -> Library:
    return toy_library()


class Slow(Dialogue):
    """A dialogue server that takes its time, and notes what it is asked again."""

    def __init__(self) -> None:
        super().__init__(fine)
        self.again: list[str] = []

    async def ask(self, conversation: str, text: str, metadata: dict[str, Any]) -> Reply:
        await asyncio.sleep(random.uniform(0, 0.02))
        if metadata.get("again"):
            self.again.append(text)
        return await super().ask(conversation, text, metadata)


def servers(database: Database, library: Library, dialogue: Dialogue, count: int = 2) -> list[MessagePath]:
    made = []
    for number in range(count):
        path = path_with(database, library, dialogue, now)
        path._parts = replace(path._parts, alone=Alone(Leases(database, now, f"server{number}")))
        made.append(path)
    return made


async def until_stored(database: Database, external_id: str) -> None:
    """Wait for what the channel waits for before it takes the next message."""
    while True:
        with database.transaction() as session:
            if session.scalar(select(InboxRow.id).where(InboxRow.external_id == external_id)):
                return
        await asyncio.sleep(0.005)


def said(conversation: str, number: int, at: datetime) -> Incoming:
    return Incoming("web", conversation, f"{conversation}.{number}", f"第{number}句", at)


async def test_order_holds_over_two_servers(database: Database, library: Library) -> None:
    dialogue = Slow()
    paths = servers(database, library, dialogue)

    async def person(conversation: str) -> None:
        tasks = []
        for number in range(EACH):
            tasks.append(asyncio.create_task(random.choice(paths).handle(said(conversation, number, now()))))
            await until_stored(database, f"{conversation}.{number}")
        assert all(await asyncio.gather(*tasks))

    names = [f"web:{number}" for number in range(PEOPLE)]
    await asyncio.gather(*(person(name) for name in names))
    order: dict[str, list[str]] = defaultdict(list)
    for conversation, text in dialogue.asked:
        order[conversation].append(text)
    assert order == {name: [f"第{number}句" for number in range(EACH)] for name in names}


async def test_the_same_message_at_both_is_answered_once_and_alike(database: Database, library: Library) -> None:
    dialogue = Slow()
    first, second = servers(database, library, dialogue)
    message = said("web:a", 1, now())
    again = replace(message, inbox_id=uuid.uuid4().hex)
    replies = await asyncio.gather(first.handle(message), second.handle(again))
    assert sum(reply is not None for reply in replies) == 1
    assert len(dialogue.asked) == 1
    assert Turns(database).turn_of("web", "web:a.1")


async def test_what_a_dead_server_stored_is_answered_first_by_who_comes_next(
    database: Database, library: Library
) -> None:
    dialogue = Slow()
    path, _ = servers(database, library, dialogue)
    left = Received(uuid.uuid4().hex, "web", "left", "web:a", "先说的", None, now() - timedelta(seconds=3))
    Inbox(database).store(left)
    await path.handle(said("web:a", 2, now()))
    assert [text for _, text in dialogue.asked] == ["先说的", "第2句"]
    assert dialogue.again == ["先说的"]  # perhaps it had been asked before its server died


async def test_a_repeat_is_answered_though_the_first_server_died_with_it(database: Database, library: Library) -> None:
    dialogue = Slow()
    path, _ = servers(database, library, dialogue)
    Inbox(database).store(Received(uuid.uuid4().hex, "web", "web:a.1", "web:a", "第1句", None, now()))
    assert await path.handle(said("web:a", 1, now())) is None  # as for any repeat: its answer is in the record
    turn = Turns(database).turn_of("web", "web:a.1")
    assert turn
    assert "第1句" in turn.reply


async def test_the_lease_of_a_dead_server_is_waited_for(database: Database, library: Library) -> None:
    dialogue = Slow()
    path, _ = servers(database, library, dialogue)
    Leases(database, now, "dead").take(turn_of("web:a"), timedelta(seconds=1))
    assert await path.handle(said("web:a", 1, now()))
    assert len(dialogue.asked) == 1


async def test_the_sweep_answers_what_nobody_asks_for_again_and_only_that(database: Database, library: Library) -> None:
    dialogue = Slow()
    path, other = servers(database, library, dialogue)
    box = Inbox(database)
    box.store(Received(uuid.uuid4().hex, "web", "old", "web:a", "旧的", None, now() - timedelta(seconds=9)))
    box.store(Received(uuid.uuid4().hex, "web", "new", "web:b", "新的", None, now()))
    box.store(Received(uuid.uuid4().hex, "telegram", "t", "telegram:1", "别的", None, now() - timedelta(seconds=9)))
    held = said("web:c", 1, now() - timedelta(seconds=9))
    holding = asyncio.create_task(other.handle(held))
    await asyncio.sleep(0.05)
    assert await path.resume(but=("telegram",), older_than=timedelta(seconds=5)) >= 1
    await holding
    assert sorted(text for _, text in dialogue.asked) == ["旧的", "第1句"]


async def test_alone_a_message_that_came_in_since_the_start_is_not_taken_for_a_left_one(
    database: Database, library: Library
) -> None:
    dialogue = Slow()
    path = path_with(database, library, dialogue, now)
    asking = asyncio.create_task(path.handle(said("web:a", 1, now() + timedelta(milliseconds=1))))
    await asyncio.sleep(0.01)
    await path.resume()
    await asking
    assert len(dialogue.asked) == 1


async def test_a_database_that_goes_away_behind_the_storing_is_told_and_the_message_answered_later(
    database: Database, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialogue = Slow()
    path, other = servers(database, library, dialogue)

    def gone(*_: object) -> bool:
        raise OperationalError("UPDATE", {}, Exception("gone"))

    with monkeypatch.context() as patch:
        patch.setattr(Leases, "take", gone)
        reply = await path.handle(said("web:a", 1, now()))
    assert reply is not None
    assert reply.outcome.value.startswith("error")
    await other.resume()
    assert [text for _, text in dialogue.asked] == ["第1句"]

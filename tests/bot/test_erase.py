"""An erasure asked for in the conversation: done, then said; on every kind of channel."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from bot.desk.app import hand_over
from bot.errors import DialogueDown
from bot.path import MessagePath, Parts
from bot.settings import GatewaySettings
from knowledge.emergency import EmergencyMatcher
from knowledge.library import Library
from knowledge.reply import Outcome, Reply, TextBlock
from storage.database import Database
from storage.deliveries import Deliveries
from storage.erasing import Erasure
from storage.inbox import Inbox
from storage.records import conversation_tables
from storage.turns import Buttons, Turns
from tests.auxil.toy_library import toy_library
from tests.bot.test_path import AT, Dialogue, fine, message


class Forgets(Dialogue):
    """Answers, and forgets conversations; ``down``: not now."""

    def __init__(self, down: bool = False) -> None:
        super().__init__(erases)
        self.down = down
        self.forgotten: list[str] = []

    async def ask(self, conversation: str, text: str, metadata: dict[str, Any], timeout_s: float = 0) -> Reply:
        return await super().ask(conversation, text, metadata)

    async def forget(self, conversation: str) -> None:
        if self.down:
            raise DialogueDown("no")
        self.forgotten.append(conversation)


def erases(text: str, metadata: dict[str, Any]) -> Reply:
    if text != "确定删除":
        return fine(text, metadata)
    return Reply(blocks=[TextBlock(text="都删掉了。")], outcome=Outcome.ANSWERED_ERASURE)


@pytest.fixture(scope="module")
def library() -> Library:
    return toy_library()


def path_of(database: Database, library: Library, dialogue: Forgets, erasure: Erasure | None) -> MessagePath:
    return MessagePath(
        Parts(
            Inbox(database),
            Turns(database),
            Buttons(database),
            dialogue,  # type: ignore[arg-type]
            EmergencyMatcher(),
            lambda: library,
            lambda: AT,
            database.cipher,
            hand_over(GatewaySettings(), database, lambda: AT),
            erasure=erasure,
        )
    )


def kept(database: Database, conversation: str = "web:a") -> dict[str, int]:
    with database.transaction() as session:
        counts = {
            table.name: session.scalar(
                select(func.count()).select_from(table).where(table.c.conversation == conversation)
            )
            for table in conversation_tables()
        }
    return {name: count for name, count in counts.items() if count}


async def test_nothing_is_left_once_it_is_said(database: Database, library: Library) -> None:
    dialogue = Forgets()
    path = path_of(database, library, dialogue, Erasure(database))
    await path.handle(message("长护险", "1"))
    await path.handle(message("别人的话", "9", "web:b"))
    assert kept(database) == {"inbox": 1, "turns": 1}
    reply = await path.handle(message("确定删除", "2"))
    assert reply is not None
    assert reply.outcome is Outcome.ANSWERED_ERASURE
    assert kept(database) == {}
    assert kept(database, "web:b") == {"inbox": 1, "turns": 1}
    assert dialogue.forgotten == ["web:a"]


async def test_it_is_never_said_where_it_could_not_be_done(
    database: Database, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> int:
        raise OperationalError("DELETE", {}, Exception("disk full"))

    path = path_of(database, library, Forgets(down=True), Erasure(database))
    await path.handle(message("长护险", "1"))
    for number in (2, 3):
        reply = await path.handle(message("确定删除", str(number)))
        assert reply is not None
        assert "还没有删" in str(reply.payload())
        assert len(Turns(database).last("web:a", 9)) == number
        path = path_of(database, library, Forgets(), Erasure(database))
        monkeypatch.setattr(Erasure, "erase", broken)
    unable = path_of(database, library, Forgets(), None)
    reply = await unable.handle(message("确定删除", "4"))
    assert "还没有删" in str(reply and reply.payload())


async def test_an_answer_that_is_sent_later_is_sent_before_it_goes_too(database: Database, library: Library) -> None:
    path = path_of(database, library, Forgets(), Erasure(database))
    inbox, deliveries = Inbox(database), Deliveries(database)
    await path.handle(message("长护险", "1"))
    stored = replace(message("确定删除", "2"), deliver=True)
    await asyncio.to_thread(path._receive, stored)
    await asyncio.to_thread(path._receive, message("还有一句", "3"))
    await path.answer(stored)
    assert kept(database) == {"deliveries": 1, "inbox": 2, "turns": 1}
    (waiting,) = deliveries.pending("web:a")
    assert "都删掉了" in waiting.reply
    await path.erase_answer("web:a", waiting.inbox_id)
    # What was written after it is answered yet.
    assert [each.text for each in inbox.waiting("web:a")] == ["还有一句"]
    assert kept(database) == {"inbox": 1}
    await path.erase_answer("web:a", waiting.inbox_id)  # again, as after a crash
    assert kept(database) == {"inbox": 1}


async def test_what_is_said_behind_it_is_answered(database: Database, library: Library) -> None:
    path = path_of(database, library, Forgets(), Erasure(database))
    await path.handle(message("长护险", "1"))
    replies = await asyncio.gather(path.handle(message("确定删除", "2")), path.handle(message("喘息服务", "3")))
    assert replies[1] is not None
    assert [turn.text for turn in Turns(database).last("web:a", 9)] == ["喘息服务"]

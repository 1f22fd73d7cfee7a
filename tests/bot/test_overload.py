"""Who asks while too many ask is told so at once; danger and what waits in a queue are not turned away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from bot.messages import Incoming
from bot.overload import Overload
from bot.path import MessagePath
from knowledge.library import Library
from knowledge.phrases import say
from knowledge.reply import Outcome, Reply, TextBlock
from storage.database import Database
from storage.inbox import Inbox
from tests.bot.test_path import AT, Dialogue, database, fine, library, message, path_with  # noqa: F401 (fixtures)


class Slow(Dialogue):
    async def ask(self, conversation: str, text: str, metadata: dict[str, Any], timeout_s: float = 0) -> Reply:
        await asyncio.sleep(0.5)
        return await super().ask(conversation, text, metadata)


def busy_path(database: Database, library: Library, most: int = 8) -> MessagePath:
    path = path_with(database, library, Slow(fine))
    path._parts = replace(path._parts, overload=Overload(most, waiting=0))
    return path


async def asked(path: MessagePath, number: int, text: str = "喘息服务") -> Reply:
    reply = await path.handle(message(text, str(number), f"web:{number}"))
    assert reply is not None
    return reply


async def test_who_waits_gets_the_room_that_is_left_in_the_order_they_came() -> None:
    overload, got = Overload(at_once=1, waiting=10, wait_s=5), []

    async def one(number: int) -> None:
        async with overload.room() as there_is_room:
            got.append((number, there_is_room))
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one(number) for number in range(5)))
    assert got == [(number, True) for number in range(5)]


async def test_who_has_waited_too_long_is_turned_away_and_who_is_patient_is_not() -> None:
    overload = Overload(at_once=1, waiting=10, wait_s=0.05)
    async with overload.room() as first:
        began = asyncio.get_running_loop().time()
        async with overload.room() as second:
            assert 0.04 < asyncio.get_running_loop().time() - began < 1
        patient = asyncio.create_task(asyncio.wait_for(overload._enter(True), 5))
        await asyncio.sleep(0.2)
        assert not patient.done()
    assert (first, second) == (True, False)
    assert await patient


async def test_more_than_may_wait_are_turned_away_at_once() -> None:
    overload = Overload(at_once=1, waiting=1, wait_s=5)
    async with overload.room():
        waiting = asyncio.create_task(overload._enter(False))
        await asyncio.sleep(0.01)
        async with overload.room() as third:
            assert not third
    assert await waiting


async def test_who_comes_when_too_many_ask_is_told_kindly_and_at_once(database: Database, library: Library) -> None:
    path = busy_path(database, library)
    first = [asyncio.create_task(asked(path, number)) for number in range(8)]
    await asyncio.sleep(0.25)
    reply = await asyncio.wait_for(asked(path, 100), 0.2)
    assert reply.outcome is Outcome.ERROR_BUSY
    assert isinstance(reply.blocks[0], TextBlock)
    assert reply.blocks[0].text == say("busy")
    assert "12345" in reply.blocks[0].text
    assert {each.outcome for each in await asyncio.gather(*first)} == {Outcome.ANSWERED_SERVICE}
    assert (await asked(path, 101)).outcome is Outcome.ANSWERED_SERVICE  # and when they are gone, all is well again


async def test_danger_is_answered_however_many_ask(database: Database, library: Library) -> None:
    path = busy_path(database, library)
    first = [asyncio.create_task(asked(path, number)) for number in range(8)]
    await asyncio.sleep(0.25)
    reply = await asyncio.wait_for(asked(path, 100, "我妈摔倒起不来了"), 0.2)
    assert reply.outcome is Outcome.GUARDED_EMERGENCY
    await asyncio.gather(*first)


async def test_what_waits_in_a_queue_of_its_own_is_not_turned_away(database: Database, library: Library) -> None:
    path = busy_path(database, library)
    first = [asyncio.create_task(asked(path, number)) for number in range(8)]
    await asyncio.sleep(0.25)
    waiting = Incoming("telegram", "telegram:1", "1", "喘息服务", AT, deliver=True)
    assert (await path.answer(waiting)).outcome is Outcome.ANSWERED_SERVICE
    assert {each.outcome for each in await asyncio.gather(*first)} == {Outcome.ANSWERED_SERVICE}


async def test_the_one_who_was_told_to_ask_again_is_in_the_record(database: Database, library: Library) -> None:
    path = busy_path(database, library)
    first = [asyncio.create_task(asked(path, number)) for number in range(8)]
    await asyncio.sleep(0.25)
    await asked(path, 100)
    await asyncio.gather(*first)
    assert Inbox(database).undone(AT) == []  # nothing of it is left to be answered after a restart

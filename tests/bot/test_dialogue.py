"""The client of several dialogue servers, with stand-ins that answer, refuse, break and hang."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.dialogue import DialogueClient, Server
from bot.errors import DialogueDown
from bot.started import free_port
from knowledge.reply import Outcome, Reply, TextBlock

Answer = Callable[[dict[str, Any]], Awaitable[bytes | None]]
PEOPLE = [f"web:{number}" for number in range(60)]


def whole(name: str, complete: bool = True) -> bytes:
    reply = Reply(blocks=[TextBlock(text=name)], outcome=Outcome.ANSWERED_CONVERSATION)
    body = json.dumps({"inbox_id": "i", "complete": complete, "replies": [reply.payload()]}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@asynccontextmanager
async def server(answer: Answer, port: int = 0) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the address of a server and what it was asked; ``answer`` gives raw bytes, None breaks the connection."""
    asked: list[dict[str, Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
                )
                body = json.loads(await reader.readexactly(length) or b"{}")
                if body:
                    asked.append(body)
                given = await answer(body)
                if given is None:
                    break
                writer.write(given)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", port)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked


def fine(name: str) -> Answer:
    async def answer(body: dict[str, Any]) -> bytes:
        return whole(name)

    return answer


async def breaks(body: dict[str, Any]) -> bytes | None:
    return None


async def who_answers(client: DialogueClient, conversation: str) -> str:
    (block,) = (await client.ask(conversation, "您好", {})).blocks
    assert isinstance(block, TextBlock)
    return block.text


async def test_a_conversation_stays_with_its_server_and_both_get_some() -> None:
    async with server(fine("a")) as (a, _), server(fine("b")) as (b, _):
        client = DialogueClient([a, b], "s", 2)
        first = [await who_answers(client, each) for each in PEOPLE]
        assert [await who_answers(client, each) for each in PEOPLE] == first
        assert 15 < first.count("a") < 45
        await client.close()


async def test_when_one_is_down_its_conversations_go_to_the_others_and_no_other_moves() -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with server(fine("a")) as (a, _), server(fine("b")) as (b, _), server(fine("c")) as (c, _):
        before = DialogueClient([a, b, c], "s", 2)
        had = {each: await who_answers(before, each) for each in PEOPLE}
        # The same three names in the hash, but nothing listens where c was.
        after = DialogueClient([a, b, c], "s", 2)
        after._servers[2].http = Server(nobody, "s").http
        now = {each: await who_answers(after, each) for each in PEOPLE}
        await before.close()
        await after.close()
    assert "c" not in now.values()
    assert {now[each] for each in PEOPLE if had[each] == "c"} == {"a", "b"}
    assert all(now[each] == had[each] for each in PEOPLE if had[each] != "c")


async def test_a_server_that_dies_with_the_message_in_hand_is_followed_by_one_that_looks_first() -> None:
    async with server(breaks) as (bad, _), server(fine("b")) as (good, asked):
        client = DialogueClient([bad, good], "s", 2)
        mine = next(each for each in PEOPLE if client._tries(each)[0].url == bad)
        assert await who_answers(client, mine) == "b"
        assert asked[-1]["metadata"]["again"] is True
        # It is remembered: the next person does not wait for it.
        assert client._tries(mine)[0].url == good
        await client.close()


async def test_alone_and_broken_it_is_not_sent_twice() -> None:
    async with server(breaks) as (bad, asked):
        client = DialogueClient([bad], "s", 2)
        with pytest.raises(DialogueDown):
            await client.ask("web:1", "您好", {})
        assert len(asked) == 1
        await client.close()


async def test_after_a_time_out_it_is_not_sent_elsewhere() -> None:
    async def hangs(body: dict[str, Any]) -> bytes:
        await asyncio.sleep(2)
        return whole("late")

    async with server(hangs) as (slow, _), server(fine("b")) as (good, asked):
        client = DialogueClient([slow, good], "s", 0.3)
        mine = next(each for each in PEOPLE if client._tries(each)[0].url == slow)
        with pytest.raises(DialogueDown):
            await client.ask(mine, "您好", {})
        assert asked == []
        await client.close()


async def test_one_that_hangs_holds_up_only_the_first_few_and_is_asked_again_once_it_answers() -> None:
    awake = asyncio.Event()

    async def hangs(body: dict[str, Any]) -> bytes:
        await awake.wait()
        return whole("a")

    async with server(hangs) as (url, asked):
        client = DialogueClient([url], "s", 0.5)
        for _ in range(5):
            with pytest.raises(DialogueDown):
                await client.ask("web:1", "您好", {})
        assert len(asked) == 3
        awake.set()
        assert await who_answers(client, "web:1") == "a"
        await client.close()


async def test_a_turn_that_did_not_end_is_no_answer() -> None:
    async def half(body: dict[str, Any]) -> bytes:
        return whole("-", complete=False)

    async with server(half) as (url, _):
        client = DialogueClient([url], "s", 2)
        with pytest.raises(DialogueDown):
            await client.ask("web:1", "您好", {})
        await client.close()


async def test_a_server_that_comes_back_gets_its_conversations_back() -> None:
    port = free_port()
    async with server(fine("b")) as (b, _):
        client = DialogueClient([f"http://127.0.0.1:{port}", b], "s", 2)
        mine = next(each for each in PEOPLE if client._tries(each)[0].url != b)
        assert await who_answers(client, mine) == "b"
        async with server(fine("a"), port):
            watching = asyncio.create_task(client.watch())
            for _ in range(60):
                if await who_answers(client, mine) == "a":
                    break
                await asyncio.sleep(0.1)
            assert await who_answers(client, mine) == "a"
            watching.cancel()
        await client.close()

"""Who works on something alone, over several processes (here: holders) with one database."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.alone import Alone, Busy
from storage.clock import now
from storage.database import Database
from storage.leases import Leases


@pytest.fixture
def two(database: Database) -> tuple[Alone, Alone]:
    return Alone(Leases(database, now, "one")), Alone(Leases(database, now, "two"))


async def test_one_waits_until_the_other_has_done(two: tuple[Alone, Alone]) -> None:
    done: list[str] = []

    async def work(who: Alone, name: str) -> None:
        async with who.holding("chat:1", 5):
            done.append(f"{name} begins")
            await asyncio.sleep(0.1)
            done.append(f"{name} ends")

    await asyncio.gather(work(two[0], "a"), work(two[1], "b"))
    assert done in (
        ["a begins", "a ends", "b begins", "b ends"],
        ["b begins", "b ends", "a begins", "a ends"],
    )


async def test_something_else_is_not_waited_for(two: tuple[Alone, Alone]) -> None:
    async with two[0].holding("chat:1", 1), two[1].trying("chat:2") as ours:
        assert ours
    async with two[0].holding("chat:1", 1), two[1].trying("chat:1") as ours:
        assert not ours


async def test_who_waits_too_long_is_told(two: tuple[Alone, Alone]) -> None:
    async with two[0].trying("chat:1"):
        with pytest.raises(Busy):
            async with two[1].holding("chat:1", 0.3):
                raise AssertionError("it is another's")


async def test_what_one_that_died_held_is_free_when_its_time_is_over(database: Database) -> None:
    dead = Leases(database, lambda: now() - timedelta(seconds=8), "dead")
    assert dead.take("chat:1", timedelta(seconds=8.5))
    async with Alone(Leases(database, now, "two")).holding("chat:1", 5):
        pass


async def test_an_error_inside_gives_it_back(two: tuple[Alone, Alone]) -> None:
    with pytest.raises(ZeroDivisionError):
        async with two[0].holding("chat:1", 1):
            raise ZeroDivisionError
    async with two[1].trying("chat:1") as ours:
        assert ours

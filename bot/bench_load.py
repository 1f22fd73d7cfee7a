"""Lets users talk to a bot, each waiting for every answer, and says how long they waited."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.bench_talk import Talk

Send = Callable[[str, str], Awaitable[None]]  # conversation and text; raises where no answer came


@dataclass(frozen=True)
class Waited:
    """Milliseconds of each message, and the seconds that all took together."""

    ms: list[float]
    seconds: float

    def percentile(self, share: int) -> float:
        """Return the wait that ``share`` percent did not exceed."""
        ordered = sorted(self.ms)
        return round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 1)

    @property
    def per_second(self) -> float:
        """Return messages answered a second."""
        return round(len(self.ms) / self.seconds, 1)


async def converse(send: Send, said: Sequence[Talk], users: int) -> Waited:
    """Hold all conversations of ``said``, ``users`` at a time, each person without a pause to think."""
    waiting = iter(said)
    began = time.perf_counter()
    times = await asyncio.gather(*(_user(send, waiting) for _ in range(users)))
    return Waited([each for user in times for each in user], time.perf_counter() - began)


async def _user(send: Send, waiting: Iterator[Talk]) -> list[float]:
    times = []
    for talk in waiting:  # shared: who is done takes the next
        conversation = f"bench:{uuid.uuid4().hex}"
        for text in talk.texts:
            began = time.perf_counter()
            await send(conversation, text)
            times.append((time.perf_counter() - began) * 1000)
    return times

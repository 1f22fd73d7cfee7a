"""Too many messages at once: each waits its turn for a moment, then is told kindly to come again, and never in vain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Overload:
    """Lets so many messages be understood at once; the others wait, in the order they came."""

    def __init__(self, at_once: int = 8, waiting: int = 100, wait_s: float = 1.5) -> None:
        """Take how many are understood at once, how many may wait, and for how long one waits at most.

        So few at once that each is answered well within the dialogue's time-out: what has
        timed out there was work for nobody.
        """
        self._room = asyncio.Semaphore(at_once)
        self._most, self._wait_s = waiting, wait_s
        self._waiting = 0

    @asynccontextmanager
    async def room(self, patient: bool = False) -> AsyncIterator[bool]:
        """Yield whether there is room for a message; who is ``patient`` waits for it as long as it takes."""
        if not await self._enter(patient):
            yield False
            return
        try:
            yield True
        finally:
            self._room.release()

    async def _enter(self, patient: bool) -> bool:
        if patient:
            return await self._room.acquire()
        if self._room.locked() and self._waiting >= self._most:
            return False
        self._waiting += 1
        try:
            return await asyncio.wait_for(self._room.acquire(), self._wait_s)
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1

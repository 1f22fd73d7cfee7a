"""Works on one thing alone, over all processes and machines that share the database.

A lease is renewed for as long as the work takes; one that died loses it after a few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from storage.leases import Leases

_LEASE = timedelta(seconds=8)  # what waits for one that died waits so long
_RENEW_S = 2.0
_LOOK_S = (0.02, 0.05, 0.1, 0.2)


class Busy(Exception):
    """Somebody else works on it, for longer than one can wait."""


class Alone:
    """Takes leases for as long as something is worked on."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    @asynccontextmanager
    async def trying(self, name: str) -> AsyncIterator[bool]:
        """Yield True where it is ours until the end, False where another process has it."""
        if not await asyncio.to_thread(self._leases.take, name, _LEASE):
            yield False
            return
        renewing = asyncio.create_task(self._renew(name))
        try:
            yield True
        finally:
            renewing.cancel()
            with suppress(SQLAlchemyError):
                await asyncio.to_thread(self._leases.drop, name)

    @asynccontextmanager
    async def holding(self, name: str, within_s: float) -> AsyncIterator[None]:
        """Wait until it is ours, and hold it to the end. Raises Busy after ``within_s``."""
        loop = asyncio.get_running_loop()
        ends, looks = loop.time() + within_s, 0
        while True:
            async with self.trying(name) as ours:
                if ours:
                    yield
                    return
            if loop.time() > ends:
                raise Busy(name)
            await asyncio.sleep(_LOOK_S[min(looks, len(_LOOK_S) - 1)])
            looks += 1

    async def _renew(self, name: str) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            with suppress(SQLAlchemyError):
                await asyncio.to_thread(self._leases.take, name, _LEASE)

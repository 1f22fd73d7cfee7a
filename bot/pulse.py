"""Wakes who watches: one look at the database twice a second, however many pages are open.

A page on one machine is answered by another: only the database knows of both.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from storage.changes import Changes, Seen

logger = logging.getLogger(__name__)
_EVERY_S = 0.5


class Watch:
    """Waits for news of one thing."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def wait(self, at_most_s: float) -> bool:
        """Return at the next news, True, or after ``at_most_s``, False."""
        try:
            await asyncio.wait_for(self.event.wait(), at_most_s)
        except TimeoutError:
            return False
        self.event.clear()
        return True


class Pulse:
    """Tells the watches of a conversation, or of the queue, that something is new."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._watches: dict[str, set[Watch]] = defaultdict(set)

    @contextmanager
    def watch(self, what: str) -> Iterator[Watch]:
        """Yield a watch on a conversation, or on storage.changes.QUEUE."""
        mine = Watch()
        self._watches[what].add(mine)
        try:
            yield mine
        finally:
            self._watches[what].discard(mine)
            if not self._watches[what]:
                del self._watches[what]

    async def run(self) -> None:
        """Look, for ever; while nobody watches the look is not made."""
        seen: Seen | None = None
        while True:
            await asyncio.sleep(_EVERY_S)
            if not self._watches:
                seen = None
                continue
            try:
                if seen is None:
                    seen = await asyncio.to_thread(self._changes.latest)
                seen, changed = await asyncio.to_thread(self._changes.since, seen)
            except SQLAlchemyError as error:
                logger.warning("pulse: the database does not answer (%s); trying again", type(error).__name__)
                continue
            for what in changed:
                for watch in self._watches.get(what, ()):
                    watch.event.set()

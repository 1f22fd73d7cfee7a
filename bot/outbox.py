"""Sends what is due: reminders, offers, cancellations, through the channel of each conversation."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from actions.booking.bookings import Bookings
from actions.booking.model import NoticeKind
from actions.booking.outbox import Notice, Outbox
from actions.notices import notice_reply
from bot.errors import CannotSend
from bot.steps.seal import seal
from knowledge.reply import Reply, TextBlock
from storage.turns import Buttons

logger = logging.getLogger(__name__)
POLL_S = 5.0
_ABOUT = 200


class Channel(Protocol):
    """A channel that can write to somebody unasked."""

    async def notify(self, conversation: str, reply: Reply) -> None:
        """Send a reply. Raises CannotSend."""


class OutboxSender:
    """Sends due notices, and passes on seats whose offer has lapsed. Any number may run at once."""

    def __init__(
        self,
        outbox: Outbox,
        bookings: Bookings,
        buttons: Buttons,
        channels: Mapping[str, Channel],
        clock: Callable[[], datetime],
    ) -> None:
        """Take the channels by the first part of a conversation's name; without one, staff ring."""
        self._outbox = outbox
        self._bookings = bookings
        self._buttons = buttons
        self._channels = channels
        self._clock = clock

    async def run(self) -> None:
        """Send what is due, for ever."""
        while True:
            try:
                await self.once()
            except SQLAlchemyError as error:
                logger.warning("outbox: the database does not answer, trying again: %s", type(error).__name__)
            except Exception:  # whatever broke, the other reminders must go out
                logger.exception("outbox")
            await asyncio.sleep(POLL_S)

    async def once(self) -> int:
        """Send what is due now; return how many were claimed."""
        await asyncio.to_thread(self._bookings.expire_offers)
        notices = await asyncio.to_thread(self._outbox.claim)
        # One after another within a conversation matters to nobody here; a slow channel must not hold up others.
        await asyncio.gather(*(self._deliver(notice) for notice in notices))
        return len(notices)

    async def _deliver(self, notice: Notice) -> None:
        conversation, at = notice.booking.conversation, self._clock()
        reply = await asyncio.to_thread(seal, notice_reply(notice, at), conversation, self._buttons, at)
        written = json.dumps(reply.payload(), ensure_ascii=False)
        channel = self._channels.get(conversation.split(":")[0])
        if channel is None:
            await self._without_push(notice, reply, written)
            return
        try:
            await channel.notify(conversation, reply)
        except CannotSend as error:
            logger.warning("outbox %s: not sent, try %s: %s", notice.id, notice.tries, error)
            if error.permanent or not await asyncio.to_thread(self._outbox.failed, notice):
                await self._without_push(notice, reply, written)
            return
        await asyncio.to_thread(self._outbox.sent, notice, written)

    async def _without_push(self, notice: Notice, reply: Reply, written: str) -> None:
        if notice.kind is NoticeKind.RATING:  # nobody is rung for that: it waits on the page
            await asyncio.to_thread(self._outbox.sent, notice, written)
            return
        about = "".join(block.text for block in reply.blocks if isinstance(block, TextBlock))[:_ABOUT]
        await asyncio.to_thread(self._outbox.to_staff, notice, written, about)

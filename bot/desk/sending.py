"""Sends what staff write, and gives back conversations that lie too long. Any number of processes may run it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from bot.alone import Alone
from bot.errors import CannotSend
from bot.outbox import Channel
from knowledge.phrases import say
from knowledge.reply import Outcome, Reply, TextBlock
from storage.desk_messages import DeskMessage, DeskMessages
from storage.tickets import Ticket, Tickets

logger = logging.getLogger(__name__)
_LOOK_S = 1.0
QUIET = timedelta(minutes=30)  # answered, and nobody said anything since: the bot takes over again


@dataclass(frozen=True)
class SendingParts:
    """What the sender works with."""

    messages: DeskMessages
    tickets: Tickets
    alone: Alone
    channels: Mapping[str, Channel]
    silent: timedelta
    record: Callable[[str, str], None]  # conversation, text: told by the desk itself


class DeskSender:
    """Sends each conversation's messages in order; a channel that is away holds up nobody else."""

    def __init__(self, parts: SendingParts) -> None:
        self._parts = parts
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sending: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look at once: somebody has just written. From any thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Send and sweep, for ever."""
        self._loop = asyncio.get_running_loop()
        while True:
            try:
                await self._begin()
            except SQLAlchemyError as error:
                logger.warning("desk: the database does not answer, trying again: %s", type(error).__name__)
            except Exception:  # whatever broke, the other conversations go on
                logger.exception("desk")
            try:
                await asyncio.wait_for(self._woken.wait(), _LOOK_S)
            except TimeoutError:
                continue
            self._woken.clear()

    async def once(self) -> None:
        """Give back what lies too long, and send what is due; return when it is sent."""
        await self._begin()
        await asyncio.gather(*self._sending.values())

    async def _begin(self) -> None:
        """Begin to send to each conversation that waits and is not being sent to: a slow one holds up no other."""
        await asyncio.to_thread(self._sweep)
        for conversation in await asyncio.to_thread(self._parts.messages.waiting):
            if conversation not in self._sending:
                task = asyncio.create_task(self._send_to(conversation))
                self._sending[conversation] = task
                task.add_done_callback(partial(self._ended, conversation))

    def _ended(self, conversation: str, task: asyncio.Task[None]) -> None:
        del self._sending[conversation]

    async def _send_to(self, conversation: str) -> None:
        parts = self._parts
        try:
            async with parts.alone.trying(f"desk:{conversation}") as ours:
                for message in await asyncio.to_thread(parts.messages.pending, conversation) if ours else ():
                    if not await self._sent(message):
                        return  # those behind it wait: order is kept
        except SQLAlchemyError as error:
            logger.warning("desk: the database does not answer, trying again: %s", type(error).__name__)

    async def _sent(self, message: DeskMessage) -> bool:
        """Send one; return whether the next one may go."""
        channel = self._parts.channels.get(message.conversation.split(":")[0])
        if channel is not None:  # without one it is shown where the person looks
            try:
                await channel.notify(message.conversation, signed(message))
            except Exception as error:  # one that cannot be sent must not be tried for ever, nor stop the others
                logger.warning("desk message %s: not sent: %s", message.number, error or type(error).__name__)
                final = isinstance(error, CannotSend) and error.permanent
                await asyncio.to_thread(self._parts.messages.failed, message, final)
                return final
        await asyncio.to_thread(self._parts.messages.sent, message)
        return True

    def _sweep(self) -> None:
        for ticket in self._parts.tickets.release_silent(self._parts.silent):
            logger.info("ticket %s goes back to the queue: its clerk was silent", ticket.id)
            self._tell(ticket, say("desk_away"))
        for ticket in self._parts.tickets.close_forgotten(QUIET):
            self._tell(ticket, say("desk_gone", who=say("desk_colleague")))

    def _tell(self, ticket: Ticket, text: str) -> None:
        self._parts.record(ticket.conversation, text)


def told(text: str) -> Reply:
    """Return plain words of staff, or of the desk, as a Reply."""
    return Reply(blocks=[TextBlock(text=text)], outcome=Outcome.NOTICE, speak=text)


def signed(message: DeskMessage) -> Reply:
    """Return the reply with who writes it on top, for a channel that shows no name of its own."""
    reply = Reply.model_validate_json(message.reply)
    if message.who is None:
        return reply
    return reply.model_copy(update={"blocks": [TextBlock(text=say("desk_from", who=message.who)), *reply.blocks]})

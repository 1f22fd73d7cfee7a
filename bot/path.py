"""The path of a message, the same for every channel.

    receive → clean → guard → understand (the dialogue server acts) → hand over → seal → record

*Draw* belongs to the channel. One conversation's messages are handled one at a time, in the
order they came in.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from actions.handoff import silent
from bot.dialogue import DialogueClient
from bot.errors import apology
from bot.messages import Incoming
from bot.steps.clean import clean
from bot.steps.guard import guard
from bot.steps.hand_over import HandOver
from bot.steps.receive import receive
from bot.steps.record import record
from bot.steps.seal import seal
from bot.steps.understand import understand
from knowledge.emergency import EmergencyMatcher
from knowledge.library import Library
from knowledge.reply import Block, Outcome, Reply
from storage.crypto import Cipher
from storage.inbox import Inbox, Received
from storage.tickets import Ticket
from storage.turns import Buttons, Turns

logger = logging.getLogger(__name__)
RESUME_WITHIN = timedelta(minutes=10)


def incoming_of(row: Received) -> Incoming:
    """Return a stored message as it came in, without what was masked."""
    return Incoming(
        row.channel,
        row.conversation,
        row.external_id,
        row.text,
        row.received_at,
        inbox_id=row.id,
        act=json.loads(row.act) if row.act else None,
        phone=row.phone,
        media=row.media,
        sequence=row.sequence,
    )


@dataclass(frozen=True)
class Parts:
    """What the steps work with."""

    inbox: Inbox
    turns: Turns
    buttons: Buttons
    dialogue: DialogueClient
    matcher: EmergencyMatcher
    library: Callable[[], Library]
    clock: Callable[[], datetime]
    cipher: Cipher
    hand_over: HandOver


class MessagePath:
    """Takes a message along its path."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    async def handle(self, message: Incoming, before: Sequence[Block] = ()) -> Reply | None:
        """Return the reply to draw, below ``before``; None where the message was received before.

        Raises CannotStore: then the channel must not acknowledge the message.
        """
        # Stored at once, while the place in the queue is already taken: messages keep the
        # order in which they came, and none waits unstored for the one before it.
        storing = asyncio.create_task(asyncio.to_thread(receive, message, self._parts.inbox, self._parts.buttons))
        async with self._turn(message.conversation):
            received = await storing
            return await self.answer(received, before=before) if received else None

    async def resume(self, but: Collection[str] = ()) -> int:
        """Answer what was received shortly before a restart; return how many.

        ``but`` are channels that look after their own.
        """
        since = self._parts.clock() - RESUME_WITHIN
        waiting = await asyncio.to_thread(self._parts.inbox.undone, since, but)
        for row in waiting:
            message = replace(incoming_of(row), again=True)
            async with self._turn(row.conversation):
                await self.answer(message)
        return len(waiting)

    async def answer(self, message: Incoming, given: Reply | None = None, before: Sequence[Block] = ()) -> Reply:
        """Answer a stored message, and record it; ``given`` is what its channel answers by itself.

        ``before`` stands above the answer, as what was heard of a voice note.

        The caller has the conversation to itself. Danger is answered first, whatever is given.
        """
        message = clean(message)
        ticket: Ticket | None = None
        reply = None
        try:
            reply = guard(message, self._parts.matcher)  # before the database is asked for anything
            ticket, held = await asyncio.to_thread(self._parts.hand_over.before, message)
            # Who is held hears no bot: not from their channel either, but that a voice note was not made out.
            reply = reply or (held if held and not (given and message.media) else given)
            reply = reply or await self._thought(message)
        except Exception:  # whatever broke, the person gets an answer and the operator a line
            logger.exception("inbox %s", message.inbox_id)
            reply = reply or apology()
        if before:
            reply = reply.model_copy(update={"blocks": [*before, *reply.blocks]})
        return await asyncio.to_thread(self._finish, message, reply, ticket)

    async def _thought(self, message: Incoming) -> Reply:
        """Return what the bot says, and what happens where it hands over."""
        reply = await understand(message, self._parts.dialogue, self._parts.library, self._parts.cipher)
        done = reply.outcome is Outcome.ANSWERED_BOOKING  # a code that was given must be seen
        if not done and await asyncio.to_thread(self._parts.hand_over.is_held_now, message.conversation):
            return silent()
        return await asyncio.to_thread(self._parts.hand_over.told, message, reply)

    def _finish(self, message: Incoming, reply: Reply, ticket: Ticket | None) -> Reply:
        at, hand_over = self._parts.clock(), self._parts.hand_over
        try:
            reply = seal(reply, message.conversation, self._parts.buttons, at)
            new = hand_over.ticket(reply)
            record(message, reply, self._parts.turns, at, new)
            hand_over.after(message, ticket, new)
        except Exception:  # an answer in hand is worth more than its record
            logger.exception("inbox %s: not recorded", message.inbox_id)
            if reply.outcome is Outcome.HANDED_OFF_HELD:  # no clerk will see it: then it must not seem so
                return apology()
        return reply

    @asynccontextmanager
    async def _turn(self, conversation: str) -> AsyncIterator[None]:
        """Hold the conversation; its lock is dropped when nobody waits for it."""
        lock, users = self._locks.get(conversation, (asyncio.Lock(), 0))
        self._locks[conversation] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(conversation)
            if users > 1:
                self._locks[conversation] = (lock, users - 1)

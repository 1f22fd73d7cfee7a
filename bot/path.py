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
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from actions.handoff import silent
from bot.alone import Alone, Busy
from bot.dialogue import DialogueClient
from bot.errors import CannotStore, apology
from bot.logs import about
from bot.messages import Incoming
from bot.metrics import Metrics
from bot.overload import Overload
from bot.steps.clean import clean
from bot.steps.erase import erase
from bot.steps.guard import guard, in_danger
from bot.steps.hand_over import HandOver
from bot.steps.receive import receive
from bot.steps.record import record
from bot.steps.seal import seal
from bot.steps.understand import understand
from knowledge.emergency import EmergencyMatcher
from knowledge.library import Library
from knowledge.reply import Block, Outcome, Reply
from storage.crypto import Cipher
from storage.erasing import Erasure
from storage.inbox import Inbox, Received
from storage.tickets import Ticket
from storage.turns import Buttons, Turns

logger = logging.getLogger(__name__)
RESUME_WITHIN = timedelta(minutes=10)
_WAIT_S = 12.0  # longer than the lease of a server that died
_LEFT = timedelta(seconds=5)
_SWEEP_S = 2.0


def turn_of(conversation: str) -> str:
    """Return the name of the lease of who answers in a conversation."""
    return f"chat:{conversation}"


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
    alone: Alone | None = None  # where other servers work on the same database
    metrics: Metrics = field(default_factory=Metrics)
    erasure: Erasure | None = None
    overload: Overload = field(default_factory=Overload)


class MessagePath:
    """Takes a message along its path."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._began = parts.clock()
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    async def handle(self, message: Incoming, before: Sequence[Block] = ()) -> Reply | None:
        """Return the reply to draw, below ``before``; None where the message was received before.

        Raises CannotStore: then the channel must not acknowledge the message.
        """
        # Stored at once, while the place in the queue is already taken: messages keep the
        # order in which they came, and none waits unstored for the one before it.
        storing = asyncio.create_task(asyncio.to_thread(self._receive, message))
        async with self._turn(message.conversation):
            received = await storing
            if self._parts.alone is None:
                return await self.answer(received, before=before) if received else None
            try:
                async with self._parts.alone.holding(turn_of(message.conversation), _WAIT_S):
                    return await self._in_order(message.conversation, received, before)
            except (Busy, SQLAlchemyError):  # it is stored: who has the conversation next answers it
                return apology() if received else None

    async def resume(self, but: Collection[str] = (), older_than: timedelta = timedelta(0)) -> int:
        """Answer what was received shortly before a restart, or by a server that died; return how many.

        ``but`` are channels that look after their own.
        """
        now, alone = self._parts.clock(), self._parts.alone
        undone = await asyncio.to_thread(self._parts.inbox.undone, now - RESUME_WITHIN, but)
        # What came in since we began has somebody who waits for it here.
        left = [row for row in undone if row.received_at <= (now - older_than if alone else self._began)]
        if alone is None:
            for row in left:
                async with self._turn(row.conversation):
                    await self.answer(replace(incoming_of(row), again=True))
            return len(left)
        for conversation in {row.conversation: None for row in left}:
            async with self._turn(conversation), alone.trying(turn_of(conversation)) as ours:
                if ours:
                    await self._in_order(conversation)
        return len(left)

    async def keep_resuming(self, but: Collection[str] = ()) -> None:
        """Answer, for ever, what other servers left undone when they died."""
        while True:
            try:
                if await self.resume(but, _LEFT):
                    logger.info("messages that another server left were answered")
            except SQLAlchemyError as error:
                logger.warning("the database does not answer, trying again: %s", type(error).__name__)
            await asyncio.sleep(_SWEEP_S)

    async def _in_order(
        self, conversation: str, received: Incoming | None = None, before: Sequence[Block] = ()
    ) -> Reply | None:
        """Answer all that waits of a conversation, wherever it came in; return the reply to ``received``."""
        reply = None
        since = self._parts.clock() - RESUME_WITHIN
        for row in await asyncio.to_thread(self._parts.inbox.waiting, conversation):
            if received and row.id == received.inbox_id:
                reply = await self.answer(received, before=before)
            elif row.received_at >= since:
                await self.answer(replace(incoming_of(row), again=True))
        if received and reply is None:  # another server had it answered while we waited
            turn = await asyncio.to_thread(self._parts.turns.turn_of, received.channel, received.external_id)
            reply = Reply.model_validate_json(turn.reply) if turn else apology()
        return reply

    async def answer(self, message: Incoming, given: Reply | None = None, before: Sequence[Block] = ()) -> Reply:
        """Answer a stored message, and record it; ``given`` is what its channel answers by itself.

        ``before`` stands above the answer, as what was heard of a voice note.

        The caller has the conversation to itself. Danger is answered first, whatever is given.
        """
        with about(message.inbox_id, message.channel):
            return await self._answer(clean(message), given, before)

    async def _answer(self, message: Incoming, given: Reply | None, before: Sequence[Block]) -> Reply:
        ticket: Ticket | None = None
        reply = None
        metrics = self._parts.metrics
        try:
            with metrics.step("guard"):
                reply = guard(message, self._parts.matcher)  # before the database is asked for anything
            with metrics.step("hand_over"):
                ticket, held = await asyncio.to_thread(self._parts.hand_over.before, message)
            # Who is held hears no bot: not from their channel either, but that a voice note was not made out.
            reply = reply or (held if held and not (given and message.media) else given)
            reply = reply or await self._thought(message)
        except Exception:  # whatever broke, the person gets an answer and the operator a line
            logger.exception("an answer broke")
            metrics.broke("answer")
            reply = reply or apology()
        if before:
            reply = reply.model_copy(update={"blocks": [*before, *reply.blocks]})
        if reply.outcome is Outcome.ANSWERED_ERASURE:
            parts = self._parts
            reply = await erase(message, reply, parts.erasure, parts.dialogue, parts.clock)
            if reply.outcome is Outcome.ANSWERED_ERASURE and not message.deliver:  # nothing is left to record it in
                self._count(message, reply, (parts.clock() - message.received_at).total_seconds())
                return reply
        return await asyncio.to_thread(self._finish, message, reply, ticket)

    async def erase_answer(self, conversation: str, inbox_id: str) -> None:
        """Delete the last that is left of an erased conversation: the answer that said so, once it is sent."""
        if self._parts.erasure:
            await asyncio.to_thread(self._parts.erasure.erase, conversation, self._parts.clock(), inbox_id)

    async def _thought(self, message: Incoming) -> Reply:
        """Return what the bot says, and what happens where it hands over."""
        # What waits in a queue of its own (Telegram's) can wait; who looks at a page cannot.
        async with self._parts.overload.room(patient=message.deliver or message.again) as there_is_room:
            if not there_is_room:
                return apology(Outcome.ERROR_BUSY)
            with self._parts.metrics.step("understand"):
                reply = await understand(message, self._parts.dialogue, self._parts.library, self._parts.cipher)
        done = reply.outcome is Outcome.ANSWERED_BOOKING  # a code that was given must be seen
        if not done and await asyncio.to_thread(self._parts.hand_over.is_held_now, message.conversation):
            return silent()
        return await asyncio.to_thread(self._parts.hand_over.told, message, reply)

    def _finish(self, message: Incoming, reply: Reply, ticket: Ticket | None) -> Reply:
        at, hand_over = self._parts.clock(), self._parts.hand_over
        try:
            with self._parts.metrics.step("record"):
                reply = seal(reply, message.conversation, self._parts.buttons, at)
                new = hand_over.ticket(reply)
                record(message, reply, self._parts.turns, at, new)
                hand_over.after(message, ticket, new)
        except Exception:  # an answer in hand is worth more than its record
            logger.exception("an answer was not recorded")
            self._parts.metrics.broke("record")
            if reply.outcome is Outcome.HANDED_OFF_HELD:  # no clerk will see it: then it must not seem so
                reply = apology()
        self._count(message, reply, (at - message.received_at).total_seconds())
        return reply

    def _receive(self, message: Incoming) -> Incoming | None:
        """Store the message. Raises CannotStore."""
        with about(message.inbox_id, message.channel):
            try:
                with self._parts.metrics.step("receive"):
                    return receive(message, self._parts.inbox, self._parts.buttons)
            except CannotStore as error:
                logger.error("%s", error)
                self._parts.metrics.broke("store")
                error.danger = self.in_danger(message)
                raise

    def in_danger(self, message: Incoming) -> Reply | None:
        """Return what must be said to who is in danger even where nothing can be stored, else None."""
        return in_danger(clean(message), self._parts.matcher)

    def _count(self, message: Incoming, reply: Reply, took_s: float) -> None:
        self._parts.metrics.answered(message.channel, reply, None if message.again else took_s)
        told = {"outcome": reply.outcome.value, "intent": reply.evidence.intent, "took_ms": round(took_s * 1000, 1)}
        logger.info("answered", extra=told)

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

"""Telegram's way in and out: stored before it is acknowledged, one chat at a time, in order, sent until it arrives.

An update is stored (unique by its id), then acknowledged. Whoever has the chat's lease, on
whatever machine, answers what waits of it in Telegram's order and sends the replies. What a
process left undone when it died is found by the sweep of the next one.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from telegram import Bot, BotCommand, Update
from telegram.error import InvalidToken, RetryAfter, TelegramError
from telegram.warnings import PTBUserWarning

from bot.alone import Alone
from bot.errors import CannotSend, CannotStore
from bot.messages import Incoming
from bot.path import MessagePath, turn_of
from bot.steps.receive import receive
from bot.telegram.answering import Answering
from bot.telegram.draw import drawn
from bot.telegram.sending import TelegramSender
from bot.telegram.updates import CHANNEL, Taken, chat_of, menu, taken
from knowledge.phrases import say
from knowledge.reply import Outcome, Reply
from storage.deliveries import Deliveries, Delivery
from storage.inbox import Inbox, Received
from storage.leases import Leases
from storage.turns import Buttons

logger = logging.getLogger(__name__)
warnings.filterwarnings("ignore", "Please use 'Bot.getUpdates'", PTBUserWarning)  # see _updates
_POLL = "telegram:poll"
_POLL_S = 10
_POLL_LEASE = timedelta(seconds=20)
_SWEEP_S = 1.0
_SWEPT = timedelta(hours=24)
_PERHAPS_HAD = timedelta(seconds=5)
_RETRY_S = (1, 2, 5, 10, 20, 30)
UPDATES = ["message", "edited_message", "callback_query"]


@dataclass(frozen=True)
class TelegramParts:
    """What the gateway works with."""

    bot: Bot
    inbox: Inbox
    buttons: Buttons
    deliveries: Deliveries
    leases: Leases
    alone: Alone
    path: MessagePath
    answering: Answering
    record: Callable[[str], str]  # what is kept of a conversation, as text
    clock: Callable[[], datetime]


class TelegramGateway:
    """One bot. Several processes may run it at once."""

    def __init__(self, parts: TelegramParts, webhook: str = "", secret: str = "") -> None:
        """Take updates by polling, or with the public address ``webhook`` by being called there."""
        self._parts = parts
        self._webhook, self._secret = webhook, secret
        self.sender = TelegramSender(parts.bot)
        self._chats: dict[str, asyncio.Task[None]] = {}
        self._woken: set[str] = set()
        self._locations: dict[str, tuple[float, float]] = {}
        self._tried: set[str] = set()
        self._warned: set[str] = set()
        self._name, self._id = "", 0

    async def run(self) -> None:
        """Serve until cancelled. Telegram being away stops nothing else."""
        await self._begin()
        sweep = asyncio.create_task(self._sweep())
        try:
            if self._webhook:
                await asyncio.Event().wait()
            await self._poll()
        finally:
            for task in (sweep, *self._chats.values()):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _take(self, found: Taken) -> None:
        stored = await asyncio.to_thread(receive, found.message, self._parts.inbox, self._parts.buttons)
        if found.query:
            asyncio.ensure_future(self.sender.answered(found.query))  # noqa: RUF006 (nothing hangs on it)
        if stored is None:
            return
        if found.location:
            self._locations[stored.inbox_id] = found.location  # in memory only: nobody's way is kept
        self._wake(stored.conversation)

    async def take(self, data: dict[str, Any]) -> None:
        """Store an update; its chat is answered soon after. What is none is left alone. Raises CannotStore."""
        try:
            update = Update.de_json(data, self._parts.bot)
            found = taken(update, self._name, self._id, self._parts.clock())
        except Exception as error:  # whatever it is: one bad update must not hold up those behind it
            logger.warning("an update that cannot be read: %s", type(error).__name__)
            return
        if found is None:
            return
        try:
            await self._take(found)
        except CannotStore:
            await self._warn(found.message)
            raise
        except Exception:  # the same: it is left, those behind it are taken
            logger.exception("an update that cannot be taken")

    async def _warn(self, message: Incoming) -> None:
        """Say at once what danger calls for where nothing can be stored; the update comes again and is answered then."""
        danger = self._parts.path.in_danger(message)
        if danger is None or message.external_id in self._warned:
            return
        self._warned.add(message.external_id)
        with suppress(CannotSend):
            await self.notify(message.conversation, danger)

    async def notify(self, conversation: str, reply: Reply) -> None:
        """Send a reply unasked. Raises CannotSend."""
        for part in drawn(reply):
            await self.sender.send(chat_of(conversation), part)

    async def _begin(self) -> None:
        tries = 0
        while True:
            try:
                await self._parts.bot.initialize()
                me = await self._parts.bot.get_me()
                self._name, self._id = me.username or "", me.id
                await self._parts.bot.set_my_commands([BotCommand(name, about) for name, about in menu()])
                if self._webhook:
                    await self._parts.bot.set_webhook(
                        self._webhook, secret_token=self._secret, allowed_updates=UPDATES, max_connections=20
                    )
                else:
                    await self._parts.bot.delete_webhook()
            except InvalidToken:
                logger.error("ADVISOR_TELEGRAM_TOKEN is refused by Telegram: get a new one from @BotFather")
                await asyncio.sleep(_RETRY_S[-1])
            except (TelegramError, OSError) as error:
                wait = _seconds(error) or _RETRY_S[min(tries, len(_RETRY_S) - 1)]
                logger.warning("Telegram does not answer (%s); trying again in %s s", type(error).__name__, wait)
                tries += 1
                await asyncio.sleep(wait)
            else:
                logger.info("Telegram: @%s", self._name)
                return

    async def _poll(self) -> None:
        """Fetch updates; one is acknowledged only once it is stored."""
        offset: int | None = None
        tries = 0
        while True:
            try:
                if not await asyncio.to_thread(self._parts.leases.take, _POLL, _POLL_LEASE):
                    offset = None  # somebody else polls; what is acknowledged meanwhile is not for us to know
                    await asyncio.sleep(_RETRY_S[1])
                    continue
                for update in await self._updates(offset):
                    await self.take(update)
                    offset = int(update["update_id"]) + 1
                tries = 0
            except (TelegramError, OSError, CannotStore, SQLAlchemyError, LookupError, TypeError) as error:
                wait = _seconds(error) or _RETRY_S[min(tries, len(_RETRY_S) - 1)]
                logger.warning("Telegram: %s; trying again in %s s", type(error).__name__, wait)
                tries += 1
                await asyncio.sleep(wait)

    async def _updates(self, offset: int | None) -> list[dict[str, Any]]:
        """Fetch updates raw: the library's own method fails for all where one is odd."""
        wanted = {"offset": offset, "timeout": _POLL_S, "allowed_updates": UPDATES}
        given = {name: value for name, value in wanted.items() if value is not None}
        updates: list[dict[str, Any]] = await self._parts.bot.do_api_request(
            "getUpdates", given, read_timeout=_POLL_S + 5
        )
        return updates

    async def _sweep(self) -> None:
        """Find chats with something undone: after a restart, or when another process died."""
        while True:
            with suppress(SQLAlchemyError):
                since = self._parts.clock() - _SWEPT
                for conversation in await asyncio.to_thread(self._parts.inbox.waiting_conversations, CHANNEL, since):
                    if conversation not in self._chats:
                        self._wake(conversation)
            await asyncio.sleep(_SWEEP_S)

    def _wake(self, conversation: str) -> None:
        self._woken.add(conversation)
        if conversation not in self._chats:
            self._chats[conversation] = asyncio.create_task(self._serve(conversation))

    async def _serve(self, conversation: str) -> None:
        try:
            while conversation in self._woken:
                self._woken.discard(conversation)
                async with self._parts.alone.trying(turn_of(conversation)) as mine:
                    if mine:
                        await self._drain(conversation)
        except Exception:  # whatever broke, the sweep comes back to this chat
            logger.exception("telegram chat")
            await asyncio.sleep(_SWEEP_S)
        finally:
            self._chats.pop(conversation, None)
            if conversation in self._woken:
                self._wake(conversation)

    async def _drain(self, conversation: str) -> None:
        """Send what is answered, answer what waits, until nothing is left."""
        parts = self._parts
        while True:
            for delivery in await asyncio.to_thread(parts.deliveries.pending, conversation):
                await self._deliver(conversation, delivery)
            waiting = await asyncio.to_thread(parts.inbox.waiting, conversation)
            if not waiting:
                return
            burst = await parts.answering.burst(conversation, waiting)
            await self._answer(conversation, burst)

    async def _answer(self, conversation: str, burst: list[Received]) -> None:
        chat, last = chat_of(conversation), burst[-1]
        # Perhaps a process that died had it answered already: the dialogue looks before it acts.
        waited = self._parts.clock() - last.received_at
        again = last.id in self._tried or waited > _PERHAPS_HAD
        self._tried.add(last.id)
        location = self._locations.pop(last.id, None)
        await self._parts.answering.answer(self.sender, chat, burst, location, again)
        self._tried.discard(last.id)

    async def _deliver(self, conversation: str, delivery: Delivery) -> None:
        """Send one reply, part by part; after a crash in between only what is left."""
        chat, deliveries = chat_of(conversation), self._parts.deliveries
        ended = deliveries.sent
        reply = Reply.model_validate_json(delivery.reply)
        try:
            if await self._parts.answering.speaks_instead(self.sender, chat, conversation, delivery):
                await asyncio.to_thread(deliveries.sent, delivery.inbox_id)
                return
            reply = self._parts.answering.for_telegram(reply, delivery)
            settings = await asyncio.to_thread(deliveries.settings, conversation)
            for number, part in enumerate(drawn(reply, settings), 1):
                if number > delivery.parts_sent:
                    await self.sender.send(chat, part)
                    await asyncio.to_thread(deliveries.part_sent, delivery.inbox_id, number)
            if reply.outcome is Outcome.ANSWERED_RECORD:
                record = await asyncio.to_thread(self._parts.record, conversation)
                await self.sender.document(chat, say("record_file"), record.encode())
            if settings.voice:
                await self._parts.answering.speak(self.sender, chat, reply.speak, settings)
        except CannotSend as error:
            logger.warning("telegram reply %s is given up: %s", delivery.inbox_id, error)
            ended = deliveries.failed
        if reply.outcome is Outcome.ANSWERED_ERASURE:  # instead of a mark: after a crash it is done again
            await self._parts.path.erase_answer(conversation, delivery.inbox_id)
        else:
            await asyncio.to_thread(ended, delivery.inbox_id)


def _seconds(error: BaseException) -> float:
    """Return how long Telegram asks us to wait, or 0."""
    if not isinstance(error, RetryAfter):
        return 0
    after = error.retry_after
    return after.total_seconds() if isinstance(after, timedelta) else float(after)

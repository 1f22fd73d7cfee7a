"""Sends to Telegram: one chat's messages in order, and no chat waits for another's flood control."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiolimiter import AsyncLimiter
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.errors import CannotSend
from bot.telegram.draw import Part, unformatted

logger = logging.getLogger(__name__)
_PER_SECOND = 28  # Telegram takes about 30 over all chats
_PER_CHAT = (3, 3.0)  # about one a second, a few at once
_KEPT_CHATS = 5_000
_BACK_OFF_S = (0.5, 1, 2, 4, 8, 15, 30)
_TYPING_S = 4.0  # Telegram shows it for five
_FILE_TRIES = 4
_GIVE_UP_AFTER_S = 600.0
_GONE = ("chat not found", "user is deactivated", "peer_id_invalid", "bot was kicked", "not enough rights")


class TelegramSender:
    """Sends parts to chats. Every failure is tried again until it is final or ten minutes have passed."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._all = AsyncLimiter(_PER_SECOND, 1)
        self._chats: dict[int, AsyncLimiter] = {}

    async def send(self, chat: int, part: Part) -> None:
        """Send one part; what Telegram cannot parse goes as plain text. Raises CannotSend."""
        keyboard = _keyboard(part)
        try:
            await self._do(chat, lambda: self._message(chat, part.text, keyboard, ParseMode.HTML))
        except BadRequest as error:
            if "parse" not in str(error).lower():
                raise CannotSend(f"Telegram refuses the message: {error}", permanent=True) from error
            logger.warning("Telegram cannot parse a message; sent as plain text")
            await self._do(chat, lambda: self._message(chat, unformatted(part.text), keyboard, None))
        contact = part.contact
        if contact:
            await self._do(
                chat, lambda: self._bot.send_contact(chat, phone_number=contact.phone, first_name=contact.name)
            )

    async def voice(self, chat: int, sound: bytes) -> None:
        """Send OGG/Opus sound as a voice message. Raises CannotSend."""
        await self._do(chat, lambda: self._bot.send_voice(chat, voice=sound))

    async def document(self, chat: int, name: str, data: bytes) -> None:
        """Send a file. Raises CannotSend."""
        try:
            await self._do(chat, lambda: self._bot.send_document(chat, document=data, filename=name))
        except BadRequest as error:
            raise CannotSend(f"Telegram refuses the file: {error}", permanent=True) from error

    async def typing(self, chat: int) -> None:
        """Show that an answer is on its way; nothing is lost where that fails."""
        try:
            await self._bot.send_chat_action(chat, "typing")
        except TelegramError:
            return

    @asynccontextmanager
    async def busy(self, chat: int) -> AsyncIterator[None]:
        """Show that we are at work, again and again, for as long as it takes."""

        async def show() -> None:
            while True:
                await self.typing(chat)
                await asyncio.sleep(_TYPING_S)

        showing = asyncio.create_task(show())
        try:
            yield
        finally:
            showing.cancel()

    async def file(self, file_id: str) -> bytes:
        """Return a file that somebody sent. Raises CannotSend."""
        for attempt in range(_FILE_TRIES):
            try:
                found = await self._bot.get_file(file_id)
                return bytes(await found.download_as_bytearray())
            except (NetworkError, OSError) as error:
                if isinstance(error, BadRequest) or attempt + 1 == _FILE_TRIES:
                    raise CannotSend(f"the file cannot be had: {error}") from error
                await asyncio.sleep(_BACK_OFF_S[attempt])
        raise AssertionError("unreachable")

    async def answered(self, query: str) -> None:
        """Stop the clock on a pressed button; nothing is lost where that fails."""
        try:
            await self._bot.answer_callback_query(query)
        except TelegramError:
            return

    async def _message(
        self, chat: int, text: str, keyboard: InlineKeyboardMarkup | None, mode: ParseMode | None
    ) -> None:
        preview = LinkPreviewOptions(is_disabled=True)
        await self._bot.send_message(chat, text, mode, reply_markup=keyboard, link_preview_options=preview)

    async def _do(self, chat: int, call: Callable[[], Awaitable[Any]]) -> None:
        """Call, as often as it takes. Raises BadRequest and CannotSend."""
        loop = asyncio.get_running_loop()
        deadline, tries = loop.time() + _GIVE_UP_AFTER_S, 0
        while True:
            async with self._limiter(chat), self._all:
                wait: float
                try:
                    await call()
                    return
                except RetryAfter as error:
                    wait = _seconds(error.retry_after) + random.uniform(0, 0.5)  # noqa: S311 (jitter)
                except (Forbidden, InvalidToken) as error:
                    raise CannotSend(str(error), permanent=True) from error
                except BadRequest as error:
                    if any(word in str(error).lower() for word in _GONE):
                        raise CannotSend(str(error), permanent=True) from error
                    raise
                except (NetworkError, OSError) as error:
                    logger.warning("Telegram: %s; trying again", type(error).__name__)
                    wait = _BACK_OFF_S[min(tries, len(_BACK_OFF_S) - 1)] * random.uniform(0.75, 1.25)  # noqa: S311
            tries += 1
            if loop.time() + wait > deadline:
                raise CannotSend(f"not sent after {tries} tries")
            await asyncio.sleep(wait)

    def _limiter(self, chat: int) -> AsyncLimiter:
        if chat not in self._chats:
            if len(self._chats) >= _KEPT_CHATS:
                self._chats.clear()  # a limiter forgotten lets a few messages through early, no more
            self._chats[chat] = AsyncLimiter(*_PER_CHAT)
        return self._chats[chat]


def _keyboard(part: Part) -> InlineKeyboardMarkup | None:
    if not part.buttons:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(title, callback_data=token) for title, token in row] for row in part.buttons]
    )


def _seconds(retry_after: int | timedelta) -> float:
    return retry_after.total_seconds() if isinstance(retry_after, timedelta) else float(retry_after)

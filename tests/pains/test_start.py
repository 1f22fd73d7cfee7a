"""Pain 14: Telegram says 429, 502 or nothing at all while we start: the channel tries again, nothing else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bot.settings import GatewaySettings
from bot.telegram.setup import telegram_gateway
from knowledge.library import Library
from knowledge.places import PlaceBook
from storage.database import Database
from tests.auxil.bot_api import TOKEN, BotApi, bot_api
from tests.bot.test_path import AT, Dialogue, database, fine, library, path_with  # noqa: F401


@pytest.fixture
def telegram() -> Iterator[BotApi]:
    with bot_api() as running:
        yield running


@pytest.mark.parametrize("method", ["getMe", "setWebhook"])
@pytest.mark.parametrize("kind", ["flood", "error", "cut"])
async def test_a_start_that_telegram_refuses_is_tried_again(
    database: Database, library: Library, telegram: BotApi, kind: str, method: str
) -> None:
    settings = GatewaySettings(
        telegram_token=TOKEN, telegram_api=telegram.url, telegram_webhook="https://advisor.test", visitor_a_minute=9
    )
    path = path_with(database, library, Dialogue(fine))
    gateway = telegram_gateway(settings, database, path, PlaceBook, lambda: AT, None, None)
    assert gateway
    telegram.fail(method, kind, times=2)
    running = asyncio.create_task(gateway.run())
    await asyncio.to_thread(telegram.wait, lambda: telegram.webhook, 20)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

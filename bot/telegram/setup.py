"""Puts the Telegram channel together."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response
from telegram import Bot
from telegram.request import HTTPXRequest

from bot.alone import Alone
from bot.errors import CannotStore
from bot.path import MessagePath
from bot.record_file import RecordFiles
from bot.settings import GatewaySettings, holder
from bot.speech.hearing import Hearing
from bot.speech.speaking import Speaking
from bot.telegram.answering import Answering, AnsweringParts
from bot.telegram.gateway import TelegramGateway, TelegramParts
from knowledge.emergency import EmergencyMatcher
from knowledge.places import PlaceBook
from storage.database import Database
from storage.deliveries import Deliveries
from storage.inbox import Inbox
from storage.leases import Leases
from storage.turns import Buttons, Turns

logger = logging.getLogger(__name__)
WEBHOOK = "/telegram/webhook"
_CONNECTIONS = 64
_TIMEOUT_S = 15.0
_MAX_UPDATE = 1_000_000  # bytes


def telegram_gateway(
    settings: GatewaySettings,
    database: Database,
    path: MessagePath,
    places: Callable[[], PlaceBook],
    clock: Callable[[], datetime],
    hearing: Hearing | None,
    speaking: Speaking | None,
) -> TelegramGateway | None:
    """Return the gateway, or None without a token: everything else runs."""
    if not settings.telegram_token:
        return None
    inbox, turns, deliveries = Inbox(database), Turns(database), Deliveries(database)
    answering = Answering(
        AnsweringParts(
            path,
            inbox,
            turns,
            deliveries,
            EmergencyMatcher(),
            places,
            clock,
            hearing=hearing,
            speaking=speaking,
            page=settings.page_url,
        )
    )
    leases = Leases(database, clock, holder(settings))
    files = RecordFiles(database, settings.tracker_url, clock, settings.record_days)
    parts = TelegramParts(
        bot=_bot(settings),
        inbox=inbox,
        buttons=Buttons(database),
        deliveries=deliveries,
        leases=leases,
        alone=Alone(leases),
        path=path,
        answering=answering,
        record=lambda conversation: files.text(files.of_conversation(conversation)),
        clock=clock,
    )
    address = f"{settings.telegram_webhook.rstrip('/')}{WEBHOOK}" if settings.telegram_webhook else ""
    return TelegramGateway(parts, address, webhook_secret(database))


def webhook_secret(database: Database) -> str:
    """Return the secret that Telegram sends with each call: the same on every machine with our key."""
    return database.cipher.digest("webhook", "telegram")


def webhook_routes(gateway: TelegramGateway, secret: str) -> APIRouter:
    """Return the route Telegram calls."""
    routes = APIRouter()

    @routes.post(WEBHOOK)
    async def webhook(request: Request) -> Response:
        """Store an update and acknowledge it; 503 where it cannot be stored, so that it comes again."""
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode(), secret.encode()):
            raise HTTPException(403)
        body = await request.body()
        try:
            data = json.loads(body) if len(body) <= _MAX_UPDATE else None
        except ValueError:
            data = None
        if not isinstance(data, dict):  # never again: nothing of it could be stored
            logger.warning("a webhook call that is no update")
            return PlainTextResponse("ok")
        try:
            await gateway.take(data)
        except CannotStore as error:
            raise HTTPException(503) from error
        return PlainTextResponse("ok")

    return routes


def _bot(settings: GatewaySettings) -> Bot:
    request = HTTPXRequest(
        connection_pool_size=_CONNECTIONS,
        read_timeout=_TIMEOUT_S,
        connect_timeout=_TIMEOUT_S,
        pool_timeout=_TIMEOUT_S,
        httpx_kwargs={"trust_env": bool(settings.telegram_proxy_from_env)},
    )
    if not settings.telegram_api:
        return Bot(settings.telegram_token, request=request)
    base = settings.telegram_api.rstrip("/")
    return Bot(
        settings.telegram_token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=request,
    )

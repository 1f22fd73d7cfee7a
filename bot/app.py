"""The advisor server: one FastAPI app with the page, the action endpoint and health."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse

from actions.booking_talk.desk import open_desk
from bot import logs
from bot.alone import Alone
from bot.desk.app import DeskParts, add_desk, hand_over, open_statistics
from bot.dialogue import DialogueClient
from bot.endpoints import action_routes, bearer, tool_routes
from bot.forgetting import keep_forgetting
from bot.outbox import Channel, OutboxSender
from bot.overload import Overload
from bot.path import RESUME_WITHIN, MessagePath, Parts
from bot.pulse import Pulse
from bot.scrape import CountRequests, Watched, metrics_routes
from bot.settings import GatewaySettings, holder
from bot.signed import signed_routes
from bot.speech.available import hearing, speaking
from bot.telegram.setup import telegram_gateway, webhook_routes, webhook_secret
from bot.web.app import WebParts, add_web
from knowledge.emergency import default_matcher
from knowledge.errors import EncoderUnavailable
from knowledge.library import open_library
from knowledge.live import LiveKnowledge
from knowledge.reranker import Reranker
from knowledge.settings import KnowledgeSettings
from knowledge.store import load
from knowledge.vector_index import search_alone
from storage.changes import Changes
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.erasing import Erasure
from storage.inbox import Inbox
from storage.leases import Leases
from storage.queues import Queues
from storage.retention import Retention
from storage.turns import Buttons, Turns

logger = logging.getLogger(__name__)
_SWITCH_S = 0.001  # threads take turns five times as often as by default: short steps wait less behind long ones
_LOOK_AFTER_THEIR_OWN = ("telegram",)


def create_app() -> FastAPI:
    """Return the app; everything costly is opened when it starts."""
    sys.setswitchinterval(_SWITCH_S)
    settings, knowledge = GatewaySettings(), KnowledgeSettings()
    logs.configure(settings.log)
    search_alone()
    database = Database(settings.database, Cipher(settings.encryption_key()))
    library = open_library(knowledge.index_folder, knowledge.encoder, load(knowledge.services))
    library.reranker = Reranker(knowledge.reranker) if knowledge.reranker else None
    live = LiveKnowledge(library, knowledge)
    dialogue = DialogueClient(settings.dialogue_servers, settings.dialogue_secret, settings.dialogue_timeout_s)
    turns = Turns(database)
    parts = Parts(
        Inbox(database),
        turns,
        Buttons(database),
        dialogue,
        default_matcher(),
        lambda: live.library,
        now,
        database.cipher,
        hand_over(settings, database, now),
        Alone(Leases(database, now, holder(settings))) if settings.is_shared else None,
        erasure=Erasure(database),
        overload=Overload(settings.at_once, settings.busy_waiting, settings.busy_wait_s),
    )
    path = MessagePath(parts)
    warm = asyncio.Event()  # all is loaded, or cannot be
    desk = open_desk(database, now, settings.demo, settings.record_days)
    speech_in, speech_out = hearing(settings), speaking(settings)
    telegram = telegram_gateway(settings, database, path, lambda: live.places, now, speech_in, speech_out)
    channels: dict[str, Channel] = {"telegram": telegram} if telegram else {}
    sender = OutboxSender(desk.outbox, desk.bookings, parts.buttons, channels, now)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        works = [_warm(live, warm), live.watch(), dialogue.watch(), pulse.run()]
        if settings.has_role("web"):
            works.append(_resume(dialogue, path, settings.is_shared))
        if settings.has_role("outbox"):
            statistics = open_statistics(settings, database, now)
            forgetting = keep_forgetting(Retention(database), statistics, now, settings.record_days)
            works += [sender.run(), at_desk.run(), forgetting]
        if telegram and settings.has_role("telegram"):
            works.append(telegram.run())
        tasks = [asyncio.create_task(work) for work in works]
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await dialogue.close()

    app = FastAPI(title="养老顾问", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    pulse = Pulse(Changes(database))
    parts_of_web = WebParts(
        settings, database, path, desk, dialogue, live, parts.matcher, now, speech_in, speech_out, pulse
    )
    guarded = [Depends(bearer(settings.action_secret))]
    if settings.has_role("actions"):  # first: looking for a route takes longer with each before it
        app.include_router(action_routes(live, desk), dependencies=guarded)
    if settings.has_role("web"):
        app.include_router(tool_routes(path, turns), dependencies=guarded)
        add_web(app, parts_of_web)
        app.include_router(signed_routes(path, turns, settings.signed_secret, now))
    desk_pages = app if settings.has_role("desk") else FastAPI()  # its sender runs where the outbox is
    at_desk = add_desk(desk_pages, DeskParts(settings, database, desk, live, knowledge, pulse, channels, now))
    if telegram and settings.has_role("telegram"):
        app.include_router(webhook_routes(telegram, webhook_secret(database)))

    watched = Watched(Queues(database, now, RESUME_WITHIN), live, dialogue.is_up, settings.var)
    app.include_router(metrics_routes(parts.metrics, watched, settings.metrics_secret))
    app.add_middleware(CountRequests, metrics=parts.metrics)

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        """Say what is up. The page answers without the dialogue server and the encoder, not without the database."""
        stored, talks = await asyncio.gather(asyncio.to_thread(database.is_up), dialogue.is_up())
        ready = talks and warm.is_set()
        status = "ok" if stored and ready else "degraded" if stored else "down"
        services = live.library.services
        parts = {"database": stored, "dialogue": talks, "services": len(services), "places": len(live.places)}
        encoder = live.library.loaded_encoder is not None
        listed = {"list": services.version, "refused": live.refused is not None, "encoder": encoder}
        return JSONResponse({"status": status, **parts, **listed}, 200 if stored else 503)

    return app


async def _warm(live: LiveKnowledge, warm: asyncio.Event) -> None:
    """Load the encoder while the dialogue server starts too: later it would hold up, for seconds, who writes first."""
    try:
        await asyncio.to_thread(lambda: live.library.encoder)
    except EncoderUnavailable as error:
        logger.warning("%s", error)
    finally:
        warm.set()
    gc.freeze()  # what is loaded stays: looking through all of it for garbage, again and again, held up everybody


async def _resume(dialogue: DialogueClient, path: MessagePath, shared: bool) -> None:
    """Answer what a restart interrupted, and what other servers leave undone."""
    await _until_up(dialogue)
    resumed = await path.resume(but=_LOOK_AFTER_THEIR_OWN)
    if resumed:
        logger.info("%d messages from before the restart answered", resumed)
    if shared:
        await path.keep_resuming(but=_LOOK_AFTER_THEIR_OWN)


async def _until_up(dialogue: DialogueClient) -> None:
    while not await dialogue.is_up():  # noqa: ASYNC110 (another process: there is no event)
        await asyncio.sleep(0.5)

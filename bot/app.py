"""The advisor server: one FastAPI app with the page, the action endpoint and health."""

from __future__ import annotations

import asyncio
import hmac
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from rasa_sdk.executor import ActionExecutor

from actions.booking_talk.desk import Desk, open_desk
from actions.rasa_actions import ActionAnswer, ActionRestart, ActionSessionStart
from actions.settings import ActionSettings
from bot.desk.app import DeskParts, add_desk, hand_over, open_statistics
from bot.dialogue import DialogueClient
from bot.errors import CannotStore
from bot.forgetting import keep_forgetting
from bot.messages import Incoming
from bot.outbox import Channel, OutboxSender
from bot.path import MessagePath, Parts
from bot.pulse import Pulse
from bot.settings import GatewaySettings
from bot.signed import signed_routes
from bot.speech.available import hearing, speaking
from bot.telegram.setup import telegram_gateway, webhook_routes, webhook_secret
from bot.web.app import WebParts, add_web
from knowledge.emergency import default_matcher
from knowledge.errors import EncoderUnavailable
from knowledge.library import open_library
from knowledge.live import LiveKnowledge
from knowledge.plain_text import plain_text
from knowledge.reply import Reply
from knowledge.reranker import Reranker
from knowledge.settings import KnowledgeSettings
from knowledge.store import load
from knowledge.vector_index import search_alone
from storage.changes import Changes
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.inbox import Inbox
from storage.retention import Retention
from storage.turns import Buttons, Turns

logger = logging.getLogger(__name__)


class Ask(BaseModel):
    """A message from the operator's own tools: chat, ask, evaluate, bench."""

    conversation: str = Field(pattern=r"^[a-z]+:[A-Za-z0-9_.-]{1,100}$")
    text: str
    external_id: str | None = Field(None, max_length=100)
    token: str | None = None


def create_app() -> FastAPI:
    """Return the app; everything costly is opened when it starts."""
    settings, knowledge = GatewaySettings(), KnowledgeSettings()
    search_alone()
    database = Database(settings.database, Cipher(settings.encryption_key()))
    library = open_library(knowledge.index_folder, knowledge.encoder, load(knowledge.services))
    library.reranker = Reranker(knowledge.reranker) if knowledge.reranker else None
    live = LiveKnowledge(library, knowledge)
    dialogue = DialogueClient(settings.dialogue_url, settings.dialogue_secret, settings.dialogue_timeout_s)
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
    )
    path = MessagePath(parts)
    desk = open_desk(database, now, settings.demo)
    speech_in, speech_out = hearing(settings), speaking(settings)
    telegram = telegram_gateway(settings, database, path, lambda: live.places, now, speech_in, speech_out)
    channels: dict[str, Channel] = {"telegram": telegram} if telegram else {}
    sender = OutboxSender(desk.outbox, desk.bookings, parts.buttons, channels, now)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        statistics = open_statistics(settings, database, now)
        forgetting = keep_forgetting(Retention(database), statistics, now, settings.record_days)
        works = [_warm(dialogue, live, path), live.watch(), sender.run(), at_desk.run(), pulse.run(), forgetting]
        if telegram:
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
    add_web(app, parts_of_web)
    at_desk = add_desk(app, DeskParts(settings, database, desk, live, knowledge, pulse, channels, now))
    if telegram:
        app.include_router(webhook_routes(telegram, webhook_secret(database)))
    app.include_router(signed_routes(path, turns, settings.signed_secret, now))
    guarded = [Depends(_bearer(settings.action_secret))]
    app.include_router(_action_routes(live, desk), dependencies=guarded)
    app.include_router(_tool_routes(path, turns), dependencies=guarded)

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        """Say what is up. The page answers without the dialogue server, not without the database."""
        stored, talks = await asyncio.gather(asyncio.to_thread(database.is_up), dialogue.is_up())
        status = "ok" if stored and talks else "degraded" if stored else "down"
        services = live.library.services
        parts = {"database": stored, "dialogue": talks, "services": len(services), "places": len(live.places)}
        encoder = live.library.loaded_encoder is not None
        listed = {"list": services.version, "refused": live.refused is not None, "encoder": encoder}
        return JSONResponse({"status": status, **parts, **listed}, 200 if stored else 503)

    return app


async def _warm(dialogue: DialogueClient, live: LiveKnowledge, path: MessagePath) -> None:
    """Load the encoder once the dialogue server is up, then answer what a restart interrupted."""
    while not await dialogue.is_up():  # noqa: ASYNC110 (another process: there is no event)
        await asyncio.sleep(0.5)
    resumed = await path.resume(but=("telegram",))
    if resumed:
        logger.info("%d messages from before the restart answered", resumed)
    try:
        await asyncio.to_thread(lambda: live.library.encoder)
    except EncoderUnavailable as error:
        logger.warning("%s", error)


def _bearer(secret: str) -> Any:
    """Return a dependency that lets only callers with ``secret`` pass; without one, nobody."""

    def check(request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
            raise HTTPException(403)

    return check


def _action_routes(live: LiveKnowledge, desk: Desk) -> APIRouter:
    routes = APIRouter()
    executor = ActionExecutor()
    parts = (lambda: live.library, now, lambda: live.places, desk, ActionSettings().ages)
    executor.register_action(ActionAnswer(*parts))
    executor.register_action(ActionRestart(*parts))
    executor.register_action(ActionSessionStart())

    @routes.post("/actions/webhook")
    async def run_action(call: dict[str, Any]) -> JSONResponse:
        """Run the action that Rasa asks for."""
        result = await executor.run({"domain": {}, **call})
        return JSONResponse(result.model_dump() if result else {"events": [], "responses": []})

    return routes


def _tool_routes(path: MessagePath, turns: Turns) -> APIRouter:
    routes = APIRouter()

    @routes.post("/api/messages")
    async def message(ask: Ask) -> JSONResponse:
        """Take one message along the path and return its Reply."""
        incoming = Incoming(
            channel=ask.conversation.split(":")[0],
            conversation=ask.conversation,
            external_id=ask.external_id or uuid.uuid4().hex,
            text=ask.text,
            received_at=now(),
            token=ask.token,
        )
        try:
            reply: Reply | None = await path.handle(incoming)
        except CannotStore as error:
            raise HTTPException(503) from error
        if reply is None:  # sent before: the same answer again, or none yet
            given = await asyncio.to_thread(turns.turn_of, incoming.channel, incoming.external_id)
            if given is None:
                return JSONResponse({"repeat": True}, 409)
            reply = Reply.model_validate_json(given.reply)
        return JSONResponse({"reply": reply.payload(), "text": plain_text(reply)})

    return routes

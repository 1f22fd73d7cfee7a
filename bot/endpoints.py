"""The endpoints for our own: actions for the dialogue servers, messages for the operator's tools."""

from __future__ import annotations

import asyncio
import hmac
import uuid
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from rasa_sdk.executor import ActionExecutor

from actions.booking_talk.desk import Desk
from actions.rasa_actions import ActionAnswer, ActionRestart, ActionSessionStart
from actions.settings import ActionSettings
from bot.errors import CannotStore
from bot.logs import about
from bot.messages import Incoming
from bot.path import MessagePath
from knowledge.live import LiveKnowledge
from knowledge.plain_text import plain_text
from knowledge.reply import Reply
from storage.clock import now
from storage.turns import Turns


class Ask(BaseModel):
    """A message from the operator's own tools: chat, ask, evaluate, bench."""

    conversation: str = Field(pattern=r"^[a-z]+:[A-Za-z0-9_.-]{1,100}$")
    text: str
    external_id: str | None = Field(None, max_length=100)
    token: str | None = None


def bearer(secret: str) -> Any:
    """Return a dependency that lets only callers with ``secret`` pass; without one, nobody."""

    async def check(request: Request) -> None:  # a plain function would go through a thread, each time
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
            raise HTTPException(403)

    return check


def action_routes(live: LiveKnowledge, desk: Desk) -> APIRouter:
    """Return the route that dialogue servers call for actions."""
    routes = APIRouter()
    executor = ActionExecutor()
    parts = (lambda: live.library, now, lambda: live.places, desk, ActionSettings().ages)
    executor.register_action(ActionAnswer(*parts))
    executor.register_action(ActionRestart(*parts))
    executor.register_action(ActionSessionStart())

    @routes.post("/actions/webhook")
    async def run_action(call: dict[str, Any]) -> JSONResponse:
        """Run the action that Rasa asks for."""
        with about(_request_of(call)):
            result = await executor.run({"domain": {}, **call})
        return JSONResponse(result.model_dump() if result else {"events": [], "responses": []})

    return routes


def _request_of(call: dict[str, Any]) -> str:
    """Return the id of the message that an action is run for."""
    latest = (call.get("tracker") or {}).get("latest_message") or {}
    return str((latest.get("metadata") or {}).get("inbox_id") or "")


def tool_routes(path: MessagePath, turns: Turns) -> APIRouter:
    """Return the route of our own tools."""
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
            if error.danger is None:
                raise HTTPException(503) from error
            reply = error.danger
        if reply is None:  # sent before: the same answer again, or none yet
            given = await asyncio.to_thread(turns.turn_of, incoming.channel, incoming.external_id)
            if given is None:
                return JSONResponse({"repeat": True}, 409)
            reply = Reply.model_validate_json(given.reply)
        return JSONResponse({"reply": reply.payload(), "text": plain_text(reply)})

    return routes

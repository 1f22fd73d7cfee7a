"""The second channel: a signed webhook that any messaging gateway (WeCom, SMS …) can call.

A call is JSON, signed: ``X-Advisor-Signature: sha256=…`` is the HMAC-SHA256 of timestamp, a dot
and the body, ``X-Advisor-Timestamp`` the seconds since 1970. It is answered at once with the
drawn reply; docs/channels.md shows how a channel is written, with this one as the example.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field, ValidationError

from bot.errors import CannotStore
from bot.messages import Incoming
from bot.path import MessagePath
from knowledge.plain_text import plain_text
from knowledge.reply import Reply
from storage.turns import Turns

logger = logging.getLogger(__name__)
CHANNEL = "signed"
_OLDEST_S = 300
_MAX_BODY = 100_000


class Call(BaseModel):
    """What a messaging gateway sends."""

    user: str = Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")  # opaque, the same for the same person
    message_id: str = Field(min_length=1, max_length=100)  # the same message twice is answered once
    text: str = ""
    token: str | None = Field(None, max_length=64)  # of a pressed button


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a call."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def signed_routes(path: MessagePath, turns: Turns, secret: str, clock: Callable[[], datetime]) -> APIRouter:
    """Return the route; without a secret every call is refused."""
    routes = APIRouter()

    @routes.post("/channels/signed")
    async def message(request: Request) -> dict[str, Any]:
        """Take one message along the path and return its reply, as text and with buttons."""
        body = await request.body()
        given, timestamp = (request.headers.get(name, "") for name in ("x-advisor-signature", "x-advisor-timestamp"))
        if not secret or not hmac.compare_digest(given.encode(), signature(secret, timestamp, body).encode()):
            raise HTTPException(403)
        if not timestamp.isdigit() or abs(clock().timestamp() - int(timestamp)) > _OLDEST_S:
            raise HTTPException(403)  # a call that somebody recorded
        try:
            call = Call.model_validate_json(body if len(body) <= _MAX_BODY else b"")
        except ValidationError as error:
            fields = ", ".join(str(item["loc"][0]) if item["loc"] else "body" for item in error.errors())
            raise HTTPException(422, f"cannot be read: {fields}") from error
        incoming = Incoming(
            CHANNEL,
            f"{CHANNEL}:{call.user}",
            f"{call.user}:{call.message_id}",
            call.text,
            clock(),
            token=call.token,
        )
        try:
            reply = await path.handle(incoming)
        except CannotStore as error:
            if error.danger is None:
                raise HTTPException(503) from error
            reply = error.danger
        if reply is None:
            before = await asyncio.to_thread(turns.turn_of, CHANNEL, incoming.external_id)
            if before is None:
                raise HTTPException(409, "the same message is being answered")
            reply = Reply.model_validate_json(before.reply)
        return {"text": plain_text(reply), "speak": reply.speak, "buttons": _buttons(reply)}

    return routes


def _buttons(reply: Reply) -> list[dict[str, str]]:
    buttons = (button for block in reply.blocks for button in getattr(block, "buttons", []))
    return [{"title": button.title, "token": button.token} for button in buttons if button.token]

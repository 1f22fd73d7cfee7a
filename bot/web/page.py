"""The chat page: server-rendered, a form post and a reload; no script is needed."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException

from actions.booking.outbox import Outbox
from bot.errors import CannotStore, apology
from bot.messages import Incoming
from bot.path import MessagePath
from knowledge.normalise import MAX_MESSAGE
from knowledge.phrases import every_phrase, hotline, points, say
from knowledge.reply import Reply
from storage.turns import Turns

TEMPLATES = Jinja2Templates(directory=Path(__file__).with_name("templates"))
_COOKIE, _SIZE = "advisor", "size"
_COOKIE_DAYS = 180
_SHOWN = 20
_SIZES = ("normal", "large", "larger")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class _Said:
    """One thing on the page: what was asked, if anything was, and the reply."""

    at: datetime
    text: str | None
    reply: Reply


def web_routes(
    path: MessagePath, turns: Turns, outbox: Outbox, clock: Callable[[], datetime], secure: bool
) -> APIRouter:
    """Return the page's routes."""
    routes = APIRouter()

    @routes.get("/", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """Show the conversation so far."""
        visitor, is_new = _visitor(request)
        said = [] if is_new else await asyncio.to_thread(_said, turns, outbox, _conversation(visitor))
        return _page(request, visitor, said, secure)

    @routes.post("/", response_class=HTMLResponse)
    async def send(
        request: Request,
        message_id: Annotated[str, Form(max_length=64)] = "",
        text: Annotated[str, Form()] = "",
        token: Annotated[str | None, Form(max_length=64)] = None,
    ) -> Response:
        """Take a message or a pressed button, answer it, and show the page again."""
        if not _same_origin(request):
            return PlainTextResponse("请从本页发送。", status_code=403)
        visitor, _ = _visitor(request)
        message = Incoming(
            channel="web",
            conversation=_conversation(visitor),
            external_id=f"{visitor}:{message_id or uuid.uuid4().hex}",
            text=text[: MAX_MESSAGE * 2],
            received_at=clock(),
            token=token,
        )
        try:
            await path.handle(message)
        except CannotStore:
            return _page(request, visitor, [_Said(clock(), text[:200], apology())], secure, status=503)
        answer = RedirectResponse("/#latest", status_code=303)
        _remember(answer, visitor, secure)
        return answer

    @routes.post("/size", response_class=HTMLResponse)
    async def size(request: Request, size: Annotated[str, Form()] = "large") -> Response:
        """Keep the text size."""
        answer = RedirectResponse("/#latest", status_code=303)
        if size in _SIZES:
            answer.set_cookie(_SIZE, size, max_age=_COOKIE_DAYS * 86_400, httponly=True, samesite="lax", secure=secure)
        return answer

    return routes


def sorry(request: Request, error: Exception) -> Response:
    """Return a plain page with the hotline, whatever broke or was not found: never a bare error."""
    missing = isinstance(error, HTTPException) and error.status_code == 404
    context = {"text": say("no_such_page" if missing else "system_error"), "hotline": hotline()}
    return TEMPLATES.TemplateResponse(request, "sorry.html", context, 404 if missing else 500, headers=HEADERS)


def _said(turns: Turns, outbox: Outbox, conversation: str) -> list[_Said]:
    """Return the last turns, and what was written unasked since the first of them."""
    shown = [
        _Said(turn.created_at, turn.text, Reply.model_validate(json.loads(turn.reply)))
        for turn in turns.last(conversation, _SHOWN)
    ]
    notices = [
        _Said(each.at, None, Reply.model_validate(json.loads(each.reply))) for each in outbox.shown(conversation)
    ]
    whole = len(shown) < _SHOWN
    return sorted([*shown, *(each for each in notices if whole or each.at > shown[0].at)], key=lambda each: each.at)


def _page(request: Request, visitor: str, said: list[_Said], secure: bool, status: int = 200) -> HTMLResponse:
    context = {
        "said": said,
        "size": size_of(request),
        "message_id": uuid.uuid4().hex,
        "examples": points("greet_examples"),
        "greet": say("greet"),
        "human": say("button_human"),
        "limit": MAX_MESSAGE,
        "phrases": every_phrase(),
    }
    answer = TEMPLATES.TemplateResponse(request, "chat.html", context, status_code=status, headers=HEADERS)
    _remember(answer, visitor, secure)
    return answer


def size_of(request: Request) -> str:
    """Return the text size the visitor chose."""
    size = request.cookies.get(_SIZE, "large")
    return size if size in _SIZES else "large"


def conversation_of(request: Request) -> str | None:
    """Return the visitor's conversation, or None for a new one."""
    visitor, is_new = _visitor(request)
    return None if is_new else _conversation(visitor)


def _visitor(request: Request) -> tuple[str, bool]:
    """Return the visitor's opaque id, and whether it was made just now."""
    given = request.cookies.get(_COOKIE, "")
    if given.isalnum() and given.isascii() and len(given) == 32:
        return given, False
    return secrets.token_hex(16), True


def _remember(answer: Response, visitor: str, secure: bool) -> None:
    answer.set_cookie(_COOKIE, visitor, max_age=_COOKIE_DAYS * 86_400, httponly=True, samesite="lax", secure=secure)


def _conversation(visitor: str) -> str:
    return f"web:{visitor}"


def _same_origin(request: Request) -> bool:
    """Return whether a form was sent from our own page."""
    source = request.headers.get("origin") or request.headers.get("referer") or ""
    return urlsplit(source).netloc == request.headers.get("host")

"""Draws the page's templates with what each of them needs: looks, tokens, fixed sentences, safe headers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException

from bot.web.limiting import TooMany
from bot.web.session import Sessions, Visitor
from knowledge.normalise import MAX_MESSAGE
from knowledge.phrases import every_phrase, hotline, phrase, say

_TEMPLATES = Jinja2Templates(directory=Path(__file__).with_name("templates"))
_SIZE, _THEME = "size", "theme"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; media-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(), microphone=(self), geolocation=(self)",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Look:
    """How somebody wants to see the page."""

    size: str
    theme: str


class Refused(Exception):
    """A form that is not from our page. Becomes a plain page with status 403."""


class Pages:
    """Draws pages for visitors."""

    def __init__(self, sessions: Sessions, speaks: bool) -> None:
        """Take who visits, and whether this machine reads answers aloud."""
        self.sessions = sessions
        self._speaks = speaks

    def show(
        self,
        request: Request,
        template: str,
        context: Mapping[str, Any] = MappingProxyType({}),
        visitor: Visitor | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        """Return a page, and the visitor's cookie with it."""
        visitor = visitor or self.sessions.visitor(request)
        look = look_of(request)
        every = {
            "csrf": self.sessions.form_token(visitor),
            "message_id": uuid.uuid4().hex,
            "size": look.size,
            "theme": look.theme,
            "path": request.url.path,
            "phrases": every_phrase(),
            "hotline": hotline(),
            "limit": MAX_MESSAGE,
            "speaks": self._speaks,
        }
        answer = _TEMPLATES.TemplateResponse(request, template, {**every, **context}, status, headers=HEADERS)
        self.sessions.remember(answer, visitor)
        return answer

    def taken(self, request: Request, token: str) -> Visitor:
        """Return the visitor who sent a form. Raises Refused where it is not from our page."""
        visitor = self.sessions.visitor(request)
        if not self.sessions.accepts(request, visitor, token):
            raise Refused
        return visitor


def go(to: str) -> RedirectResponse:
    """Return the way to a page of ours, after a form."""
    return RedirectResponse(to, status_code=303, headers=HEADERS)


def address_of(request: Request, site: str, path: str) -> str:
    """Return the whole address of a page of ours; without a ``site`` set, as the browser names us."""
    return f"{(site or str(request.base_url)).rstrip('/')}{path}"


def wants_part(request: Request) -> bool:
    """Return whether our own script asks, which puts a part of the page in its place."""
    return request.headers.get("x-wants") == "part"


def look_of(request: Request) -> Look:
    """Return the text size and the colours chosen; large and light without a choice."""
    size, theme = request.cookies.get(_SIZE, ""), request.cookies.get(_THEME, "")
    return Look(
        size if size in phrase("page_sizes") else "large",
        theme if theme in phrase("page_themes") else "light",
    )


def look_routes(pages: Pages) -> APIRouter:
    """Return the routes of text size and colours."""
    routes = APIRouter()

    @routes.get("/look", response_class=HTMLResponse)
    async def look(request: Request) -> Response:
        """Show what can be chosen."""
        return pages.show(request, "look.html")

    @routes.post("/look")
    async def choose(request: Request, size: str = Form(""), theme: str = Form(""), back: str = Form("/")) -> Response:
        """Keep what was chosen, and go back. It changes nothing of anybody's, so it needs no token."""
        answer = go(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")
        for name, value, known in ((_SIZE, size, "page_sizes"), (_THEME, theme, "page_themes")):
            if value in phrase(known):
                pages.sessions.keep(answer, name, value)
        return answer

    return routes


def sorry(request: Request, error: Exception) -> Response:
    """Return a plain page with the hotline, whatever broke or was not found: never a bare error."""
    told = {TooMany: ("page_too_many", 429), Refused: ("page_refused", 403)}
    missing = isinstance(error, HTTPException) and error.status_code == 404
    text, status = told.get(type(error), ("no_such_page", 404) if missing else ("system_error", 500))
    look = look_of(request)
    context = {"text": say(text), "hotline": hotline(), "size": look.size, "theme": look.theme}
    template = "sorry_part.html" if wants_part(request) else "sorry.html"
    return _TEMPLATES.TemplateResponse(
        request, template, context | {"phrases": every_phrase()}, status, headers=HEADERS
    )

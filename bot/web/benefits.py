"""What the benefit finder found, as a page to print and as text to send to oneself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from bot.web.pages import HEADERS, Pages
from bot.web.session import Visitor
from knowledge.library import Library
from knowledge.phrases import say
from knowledge.plain_text import plain_text
from knowledge.reply import FinderBlock, Outcome, Reply
from storage.turns import Turns

_LOOKED_AT = 30  # turns back


def benefit_routes(
    pages: Pages, turns: Turns, library: Callable[[], Library], clock: Callable[[], datetime]
) -> APIRouter:
    """Return the routes of the list: only the person's own, by the page's cookie."""
    routes = APIRouter()

    @routes.get("/list", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """Show the latest list, ready for an A4 page."""
        block = await asyncio.to_thread(_latest, pages.sessions.visitor(request), turns)
        day = clock()
        context = {
            "block": block,
            "hows": _hows(block, library()) if block else {},
            "sms": f"sms:?&body={quote(_text(block))}" if block else "",
            "made": say("list_made", year=day.year, month=day.month, day=day.day),
        }
        return pages.show(request, "list.html", context)

    @routes.get("/list.txt", response_class=PlainTextResponse)
    async def text(request: Request) -> Response:
        """Give the latest list as text."""
        block = await asyncio.to_thread(_latest, pages.sessions.visitor(request), turns)
        return PlainTextResponse(_text(block) if block else say("list_none"), headers=HEADERS)

    return routes


def _latest(visitor: Visitor, turns: Turns) -> FinderBlock | None:
    for turn in reversed([] if visitor.is_new else turns.last(visitor.conversation, _LOOKED_AT)):
        for block in Reply.model_validate(json.loads(turn.reply)).blocks:
            if isinstance(block, FinderBlock):
                return block
    return None


def _hows(block: FinderBlock, library: Library) -> dict[str, str]:
    """Return the first step towards each service on the list."""
    services = {item.service_id: library.services.get(item.service_id) for item in block.items}
    return {key: service.apply.steps[0] for key, service in services.items() if service and service.apply.steps}


def _text(block: FinderBlock) -> str:
    return plain_text(Reply(blocks=[block], outcome=Outcome.ANSWERED_FINDER))

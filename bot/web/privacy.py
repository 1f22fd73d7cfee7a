"""What is kept about a visitor, in plain words, and how to have it deleted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from bot.dialogue import DialogueClient
from bot.errors import DialogueDown
from bot.web.pages import Pages
from knowledge.phrases import say
from storage.erasing import Erasure

logger = logging.getLogger(__name__)


def privacy_routes(
    pages: Pages, erasure: Erasure, dialogue: DialogueClient, clock: Callable[[], datetime], days: int
) -> APIRouter:
    """Return the routes. ``days`` is how long conversations are kept."""
    routes = APIRouter()

    @routes.get("/privacy", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """Say what is kept, why and how long."""
        return pages.show(request, "privacy.html", {"days": say("page_privacy_days", days=days)})

    @routes.post("/privacy", response_class=HTMLResponse)
    async def erase(request: Request, csrf: Annotated[str, Form(max_length=128)] = "") -> Response:
        """Delete all that is kept; a visitor who keeps a booking keeps the cookie that proves whose it is."""
        visitor = pages.taken(request, csrf)
        try:
            await dialogue.forget(visitor.conversation)
            kept = await asyncio.to_thread(erasure.erase, visitor.conversation, clock())
        except DialogueDown as error:  # all or nothing: half a deletion would be a lie
            logger.warning("nothing was erased: %s", error)
            return pages.show(request, "privacy.html", {"told": say("page_privacy_later")}, visitor, 503)
        told = say("page_privacy_kept" if kept else "page_privacy_done", count=kept)
        return pages.show(request, "privacy.html", {"told": told}, visitor if kept else pages.sessions.another())

    return routes

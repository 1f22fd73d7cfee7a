"""What is kept about a visitor, in plain words, how to take it away, and how to have it deleted."""

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
from bot.record_file import RecordFiles
from bot.web.pages import HEADERS, Pages
from knowledge.phrases import say
from storage.erasing import Erasure

logger = logging.getLogger(__name__)


def privacy_routes(
    pages: Pages,
    erasure: Erasure,
    files: RecordFiles,
    dialogue: DialogueClient,
    clock: Callable[[], datetime],
    days: int,
) -> APIRouter:
    """Return the routes. ``days`` is how long conversations are kept."""
    routes = APIRouter()

    @routes.get("/privacy", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """Say what is kept, why and how long."""
        return pages.show(request, "privacy.html", {"days": say("page_privacy_days", days=days)})

    @routes.post("/privacy/record")
    async def record(
        request: Request,
        csrf: Annotated[str, Form(max_length=128)] = "",
        kind: Annotated[str, Form(max_length=8)] = "text",
    ) -> Response:
        """Give the visitor's own record as a file, to read or (``kind`` data) as JSON; it is never kept anywhere."""
        visitor = pages.taken(request, csrf)
        found = await asyncio.to_thread(files.of_conversation, visitor.conversation)
        content, media, ending = files.text(found), "text/plain", "txt"
        if kind == "data":
            content, media, ending = files.data(found), "application/json", "json"
        else:
            content = f"\ufeff{content}"  # old Windows reads it as Chinese then
        answer = Response(content, media_type=f"{media}; charset=utf-8", headers=HEADERS)
        answer.headers["Content-Disposition"] = f'attachment; filename="record.{ending}"'
        return answer

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

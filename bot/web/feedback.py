"""Two buttons under an answer: it helped, or it did not."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from bot.web.pages import Pages, go
from storage.thumbs import Thumbs


def feedback_routes(pages: Pages, thumbs: Thumbs) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    @routes.post("/feedback")
    async def press(
        request: Request,
        turn: Annotated[str, Form(max_length=64)] = "",
        helped: Annotated[str, Form(max_length=3)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Take what a visitor says of their own answer, and go back to it, where thanks stand."""
        visitor = pages.taken(request, csrf)
        take = {"yes": thumbs.yes, "no": thumbs.no}.get(helped)
        own = take is not None and await asyncio.to_thread(take, turn, visitor.conversation)
        return go(f"/chat?{helped}={turn}#t{turn}" if own else "/chat#latest")

    return routes

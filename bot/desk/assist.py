"""The clerk types what the caller says; the page shows what fits while the caller is still talking."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bot.desk.pages import DeskPages


def assist_routes(pages: DeskPages) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    @routes.get("/desk", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """Show the box to type in."""
        member = await pages.member(request)
        return pages.show(request, "assist.html", member)

    return routes

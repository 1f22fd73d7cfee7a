"""Places near somebody on a list, the nearest first; a point that a browser gives is not kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from actions.nearby import places_of
from bot.web.pages import Pages, wants_part
from knowledge.normalise import normalise
from knowledge.places import KIND_NAMES, PlaceBook, PlaceKind

_LONGEST = 60  # characters


def place_routes(pages: Pages, places: Callable[[], PlaceBook], clock: Callable[[], datetime]) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    def found(request: Request, kind: str, where: str, near: tuple[float, float] | None) -> Response:
        chosen = PlaceKind(kind) if kind in set(PlaceKind) else PlaceKind.ADVISOR_POINT
        asked = bool(where.strip() or near)
        reply = places_of(chosen, normalise(where[:_LONGEST]), places(), clock(), near) if asked else None
        template = "places_found.html" if wants_part(request) else "places.html"
        context = {
            "kinds": KIND_NAMES,
            "kind": chosen,
            "where": where[:_LONGEST],
            "blocks": reply.blocks if reply else [],
        }
        return pages.show(request, template, context)

    @routes.get("/places", response_class=HTMLResponse)
    async def page(request: Request, kind: str = "", where: str = "") -> Response:
        """Show the form and, once something was asked, the places."""
        return found(request, kind, where, None)

    @routes.post("/places", response_class=HTMLResponse)
    async def around(
        request: Request,
        latitude: Annotated[float, Form(ge=-90, le=90)],
        longitude: Annotated[float, Form(ge=-180, le=180)],
        kind: Annotated[str, Form(max_length=30)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Show the places around a point."""
        pages.taken(request, csrf)
        return found(request, kind, "", (latitude, longitude))

    return routes

"""Pages that are the same for everybody: emergency numbers, what works without a network."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from bot.web.pages import HEADERS, Pages, address_of
from bot.web.services import qr
from knowledge.phrases import points

_STATIC = Path(__file__).with_name("static")


def fixed_routes(pages: Pages, site: str) -> APIRouter:
    """Return the routes. ``site`` is our public address, if it is set."""
    routes = APIRouter()

    @routes.get("/emergency", response_class=HTMLResponse)
    async def emergency(request: Request) -> Response:
        """Show whom to ring, and what to do until help comes."""
        return pages.show(request, "emergency.html", {"advice": points("page_emergency_advice")})

    @routes.get("/poster", response_class=HTMLResponse)
    async def poster(request: Request) -> Response:
        """Show the sheet to print and hang up at a centre: the QR code of the home page, and the hotline."""
        address = address_of(request, site, "/")
        return pages.show(request, "poster.html", {"qr": qr(address), "address": address})

    @routes.get("/offline", response_class=HTMLResponse)
    async def offline(request: Request) -> Response:
        """Show what the service worker keeps for when there is no network: nothing of anybody's is in it."""
        answer = pages.show(request, "offline.html")
        del answer.headers["set-cookie"]
        return answer

    @routes.get("/sw.js")
    async def worker() -> Response:
        """Return the service worker: at the root, so that it serves every page."""
        return FileResponse(_STATIC / "sw.js", media_type="text/javascript", headers=HEADERS)

    return routes

"""A booking on the page: its calendar file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from actions.booking.bookings import Bookings
from actions.booking.calendar_file import calendar_file
from bot.web.page import HEADERS, conversation_of


def booking_routes(bookings: Bookings, clock: Callable[[], datetime]) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    @routes.get("/calendar/{booking_id}.ics")
    async def calendar(request: Request, booking_id: str) -> Response:
        """Return the file of a booking to whoever made it; to others there is no such page."""
        conversation = conversation_of(request)
        mine = await asyncio.to_thread(bookings.mine, conversation) if conversation else []
        booking = next((each for each in mine if each.id == booking_id), None)
        if booking is None:
            raise HTTPException(404)
        named = {"Content-Disposition": 'attachment; filename="yuyue.ics"'}
        return Response(
            calendar_file(booking, clock()), media_type="text/calendar; charset=utf-8", headers=HEADERS | named
        )

    return routes

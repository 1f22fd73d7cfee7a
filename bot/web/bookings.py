"""Bookings on the page: one's own, one found by code and phone, the calendar file, what there is to book."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from actions.booking.calendar_file import calendar_file
from actions.booking.catalogue import CONSULTATION
from actions.booking.model import Event
from actions.booking_talk.desk import Desk
from actions.booking_talk.words import card, named
from bot.steps.seal import seal
from bot.web.chat import Chat
from bot.web.pages import HEADERS, Pages
from bot.web.session import Visitor
from knowledge.normalise import normalise
from knowledge.phrases import say
from knowledge.reply import Act, Block, Button, ChoiceBlock, Outcome, Reply
from storage.turns import Buttons

_SOONEST = 3  # times of a kind


def booking_routes(pages: Pages, chat: Chat, desk: Desk, buttons: Buttons, clock: Callable[[], datetime]) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    def _shown(visitor: Visitor) -> tuple[list[tuple[str, str, list[Button]]], Sequence[Block]]:
        """Return each kind with its soonest times to tap, and the cards of the visitor's own bookings."""
        mine = [] if visitor.is_new else desk.bookings.mine(visitor.conversation)
        soonest = {"training": desk.catalogue.trainings(), "consultation": desk.catalogue.consultations()}
        choices: list[Block] = [
            ChoiceBlock(text="", buttons=[_button(f"book_{kind}", event) for event in _free(events)])
            for kind, events in soonest.items()
        ]
        cards: list[Block] = [card(each, say(f"book_listed_{each.state}")) for each in mine]
        reply = Reply(blocks=[*choices, *cards], outcome=Outcome.ANSWERED_BOOKING)
        blocks = seal(reply, visitor.conversation, buttons, clock()).blocks
        kinds = zip(soonest, blocks, strict=False)
        return [(kind, say(f"page_book_{kind}"), getattr(block, "buttons", [])) for kind, block in kinds], blocks[2:]

    @routes.get("/bookings", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """Show what can be booked, the visitor's own bookings, and the form for code and phone."""
        visitor = pages.sessions.visitor(request)
        offered, blocks = await asyncio.to_thread(_shown, visitor)
        return pages.show(request, "bookings.html", {"offered": offered, "blocks": blocks}, visitor)

    @routes.post("/bookings", response_class=HTMLResponse)
    async def find(
        request: Request,
        message_id: Annotated[str, Form(max_length=64)] = "",
        code: Annotated[str, Form(max_length=20)] = "",
        phone: Annotated[str, Form(max_length=30)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Look for a booking as the conversation does, with its lock after five wrong codes."""
        visitor = pages.taken(request, csrf)
        text = say("page_bookings_said", code=code, phone=phone)
        chat.check(request, visitor, text)
        # As a form of its own: a code of six digits says nothing to the intent model.
        act = {"intent": "list_bookings", "slot": "code", "value": normalise(code)}
        return await chat.take(request, visitor, chat.incoming(visitor, message_id, text, act=act))

    @routes.get("/calendar/{booking_id}.ics")
    async def calendar(request: Request, booking_id: str) -> Response:
        """Return the file of a booking to whoever made it; to others there is no such page."""
        visitor = pages.sessions.visitor(request)
        mine = [] if visitor.is_new else await asyncio.to_thread(desk.bookings.mine, visitor.conversation)
        booking = next((each for each in mine if each.id == booking_id), None)
        if booking is None:
            raise HTTPException(404)
        named = {"Content-Disposition": 'attachment; filename="yuyue.ics"'}
        return Response(
            calendar_file(booking, clock()), media_type="text/calendar; charset=utf-8", headers=HEADERS | named
        )

    return routes


def _free(events: list[Event]) -> list[Event]:
    """Return the soonest with a seat, one of each day and place."""
    days = {(event.starts_at.date(), event.place): event for event in reversed(events) if event.free > 0}
    return sorted(days.values(), key=lambda event: event.starts_at)[:_SOONEST]


def _button(intent: str, event: Event) -> Button:
    title = event.title if event.title != CONSULTATION else event.place.split("，")[0]
    return Button(title=f"{named(event)} {title}", act=Act(intent=intent, slot="event", value=event.id))

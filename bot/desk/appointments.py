"""Booking, moving and cancelling for a caller; who is to be rung; who came."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from actions.booking.errors import AlreadyBooked, BookingError, Closed, Full, NotFound
from actions.booking.model import SELF, Applicant, Booking, Event, Kind, State
from actions.booking.staff import Staff
from actions.booking_talk.desk import Desk
from actions.booking_talk.words import card, when
from bot.desk.pages import DeskPages, go
from bot.messages import mask_cards, phone_in
from knowledge.phrases import say
from knowledge.plain_text import plain_text
from knowledge.reply import BookingBlock, Outcome, Reply
from storage.audit import Audit
from storage.database import Database
from storage.notes import CallNotes
from storage.staff import Member
from storage.tickets import Tickets

FOR_WHOM = (SELF, "父亲", "母亲", "老伴", "公公", "婆婆", "岳父", "岳母", "其他家人", "邻居")
STATES = {
    State.BOOKED: "约好了",
    State.WAITING: "在候补",
    State.OFFERED: "轮到了，等对方答应",
    State.CANCELLED: "取消了",
    State.EXPIRED: "候补过时了",
    State.ATTENDED: "来了",
    State.MISSED: "没来",
}
_SHOWN = 60
_REFUSED: dict[type[BookingError], str] = {
    Full: "这个时间刚刚满了。可以另选时间，或者勾上“愿意候补”。",
    Closed: "这个时间已经过了，或者取消了。请另选。",
    AlreadyBooked: "这个电话替同一位老人，已经约了这一场，或者约了同一时间的别的场次。",
    NotFound: "没有找到，或者已经改过了。请刷新看看。",
}


@dataclass(frozen=True)
class AppointmentParts:
    """What booking for callers works with."""

    pages: DeskPages
    booking: Desk
    database: Database
    tickets: Tickets
    notes: CallNotes
    audit: Audit
    clock: Callable[[], datetime]

    def staff(self, member: Member) -> Staff:
        """Return the acts of booking that only staff may do, in the name of a member."""
        return Staff(self.database, self.clock, member.actor)


def appointment_routes(parts: AppointmentParts) -> APIRouter:
    """Return the routes of what can be booked and of booking it."""
    routes, pages, desk = APIRouter(), parts.pages, parts.booking

    @routes.get("/desk/bookings", response_class=HTMLResponse)
    async def page(request: Request, kind: str = "training", district: str = "", ticket: str = "") -> Response:
        """Show the coming times, and the form that finds a booking."""
        member = await pages.member(request)
        what = Kind.CONSULTATION if kind == Kind.CONSULTATION else Kind.TRAINING
        events = await asyncio.to_thread(_offered, desk, what, district)
        districts = await asyncio.to_thread(desk.catalogue.districts, what)
        context = {"events": events[:_SHOWN], "more": len(events) - _SHOWN, "kind": what, "ticket": ticket}
        return pages.show(
            request, "bookings.html", member, {**context, "districts": districts, "district": district, "when": when}
        )

    @routes.post("/desk/bookings", response_class=HTMLResponse)
    async def find(
        request: Request,
        code: Annotated[str, Form(max_length=10)] = "",
        phone: Annotated[str, Form(max_length=30)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Find bookings by code or by phone: a look that the audit keeps."""
        member = await pages.taken(request, csrf)
        found = await asyncio.to_thread(_found, parts.staff(member), code.strip(), phone_in(phone))
        return pages.show(
            request,
            "bookings_found.html",
            member,
            {"found": found, "states": STATES, "when": when, "what": code or phone},
        )

    @routes.get("/desk/bookings/new", response_class=HTMLResponse)
    async def new(request: Request, event: str, ticket: str = "") -> Response:
        """Show the form of a booking at one time."""
        member = await pages.member(request)
        return await _form(parts, request, member, event, ticket)

    @routes.post("/desk/bookings/new", response_class=HTMLResponse)
    async def book(
        request: Request,
        event: Annotated[str, Form(max_length=120)],
        phone: Annotated[str, Form(max_length=30)] = "",
        name: Annotated[str, Form(max_length=20)] = "",
        for_whom: Annotated[str, Form(max_length=12)] = SELF,
        agreed: Annotated[str, Form()] = "",
        wait: Annotated[str, Form()] = "",
        words: Annotated[str, Form(max_length=2000)] = "",
        ticket: Annotated[str, Form(max_length=12)] = "",
        key: Annotated[str, Form(max_length=64)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Book for the caller; their words are noted with it."""
        member = await pages.taken(request, csrf)
        digits = phone_in(phone)
        typed = {"phone": phone, "name": name, "for_whom": for_whom, "words": words, "agreed": agreed, "wait": wait}
        if digits is None:
            return await _form(parts, request, member, event, ticket, "电话号码不对，请再核对一遍。", typed)
        if for_whom != SELF and not agreed:
            return await _form(parts, request, member, event, ticket, "替别人约，要先问过本人愿不愿意，再打勾。", typed)
        held = await asyncio.to_thread(parts.tickets.by_id, int(ticket)) if ticket.isdigit() else None
        conversation = held.conversation if held else f"phone:{uuid.uuid4().hex}"
        whom = for_whom if for_whom in FOR_WHOM else SELF
        applicant = Applicant(conversation, digits, whom, name.strip() or None, bool(agreed) or whom == SELF)
        try:
            booking = await asyncio.to_thread(_book, parts, member, event, applicant, key, bool(wait), words)
        except BookingError as error:
            return await _form(parts, request, member, event, ticket, _REFUSED[type(error)], typed)
        return go(f"/desk/bookings/{booking.id}?done=1" + (f"&ticket={ticket}" if held else ""))

    return routes


def booking_routes(parts: AppointmentParts) -> APIRouter:
    """Return the routes of one booking: show, move, cancel, note whether somebody came."""
    routes, pages, desk = APIRouter(), parts.pages, parts.booking

    @routes.get("/desk/bookings/{booking_id}", response_class=HTMLResponse)
    async def page(
        request: Request, booking_id: str, done: bool = False, problem: str = "", ticket: str = ""
    ) -> Response:
        """Show a booking, and the times it can be moved to: a look that the audit keeps."""
        member = await pages.member(request)
        booking = await asyncio.to_thread(_one, desk, booking_id)
        await asyncio.to_thread(parts.audit.note, member.actor, "look_booking", booking_id)
        others = await asyncio.to_thread(_offered, desk, booking.event.kind, "")
        text = plain_text(Reply(blocks=[_card(booking)], outcome=Outcome.ANSWERED_BOOKING))
        context = {
            "booking": booking,
            "states": STATES,
            "when": when,
            "begun": booking.event.starts_at <= parts.clock(),
            "others": [each for each in others if each.free > 0 and each.id != booking.event.id][:_SHOWN],
            "text": text,
            "done": done,
            "problem": _REFUSED.get(_NAMES.get(problem, BookingError), ""),
            "ticket": ticket,
        }
        return pages.show(request, "booking.html", member, context)

    @routes.post("/desk/bookings/{booking_id}")
    async def change(
        request: Request,
        booking_id: str,
        act: Annotated[str, Form(max_length=10)] = "",
        event: Annotated[str, Form(max_length=120)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Move, cancel, or note whether the person came. Who booked is told of the first two."""
        member = await pages.taken(request, csrf)
        booking = await asyncio.to_thread(_one, desk, booking_id)
        try:
            await asyncio.to_thread(_change, parts, member, booking, act, event)
        except BookingError as error:
            return go(f"/desk/bookings/{booking_id}?problem={type(error).__name__}")
        return go(f"/desk/bookings/{booking_id}?done=1")

    return routes


def call_routes(parts: AppointmentParts) -> APIRouter:
    """Return the routes of the call list."""
    routes, pages = APIRouter(), parts.pages

    @routes.get("/desk/calls", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """Show who is to be rung: a look that the audit keeps."""
        member = await pages.member(request)
        calls = await asyncio.to_thread(parts.booking.calls.waiting, member.actor)
        queue = await asyncio.to_thread(parts.tickets.queue)
        asked = [ticket for ticket in queue if ticket.phone]
        return pages.show(request, "calls.html", member, {"calls": calls, "asked": asked, "reasons": REASONS})

    @routes.post("/desk/calls")
    async def done(
        request: Request,
        call: Annotated[str, Form(max_length=32)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Take a call off the list."""
        member = await pages.taken(request, csrf)
        try:
            await asyncio.to_thread(parts.booking.calls.done, call, member.actor)
        except NotFound:  # a colleague has rung already
            return go("/desk/calls")
        return go("/desk/calls")

    return routes


REASONS = {
    "day_before": "提醒：明天有约",
    "soon": "提醒：过一会儿有约",
    "offer": "候补轮到了",
    "offer_lapsed": "候补过时了",
    "event_cancelled": "场次取消了",
    "moved": "改了时间",
    "training": "想约照护培训",
    "consultation": "想约顾问",
    "call_back": "说好回电",
}
_NAMES: dict[str, type[BookingError]] = {each.__name__: each for each in _REFUSED}


def _offered(desk: Desk, kind: Kind, district: str) -> list[Event]:
    where = district or None
    return desk.catalogue.trainings(where) if kind is Kind.TRAINING else desk.catalogue.consultations(where)


def _found(staff: Staff, code: str, phone: str | None) -> Sequence[Booking]:
    if phone:
        return staff.of_phone(phone)
    try:
        return [staff.by_code(code)]
    except NotFound:
        return []


def _one(desk: Desk, booking_id: str) -> Booking:
    booking = desk.bookings.by_id(booking_id)
    if booking is None:
        raise HTTPException(404)
    return booking


def _card(booking: Booking) -> BookingBlock:
    return (
        card(booking, say(f"book_listed_{booking.state}"))
        if booking.is_active
        else card(booking, STATES[booking.state])
    )


async def _form(
    parts: AppointmentParts,
    request: Request,
    member: Member,
    event_id: str,
    ticket: str,
    problem: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    """Show the form of a booking; what was typed is in it again."""
    both = [
        *await asyncio.to_thread(_offered, parts.booking, Kind.TRAINING, ""),
        *await asyncio.to_thread(_offered, parts.booking, Kind.CONSULTATION, ""),
    ]
    event = next((each for each in both if each.id == event_id), None)
    context = {"event": event, "event_id": event_id, "when": when, "whom": FOR_WHOM, "ticket": ticket}
    more = {"problem": problem or ("" if event else _REFUSED[Closed]), "typed": typed or {}}
    return parts.pages.show(request, "booking_new.html", member, {**context, **more}, 409 if problem else 200)


def _book(
    parts: AppointmentParts, member: Member, event: str, applicant: Applicant, key: str, wait: bool, words: str
) -> Booking:
    desk = parts.booking
    booking = desk.bookings.book(desk.catalogue.event_id(event), applicant, f"desk:{key}", wait)
    parts.audit.note(member.actor, "book_for", booking.id)
    if words.strip():
        parts.notes.write(member.id, "booked", None, mask_cards(words.strip()), f"book:{key}", applicant.conversation)
    return booking


def _change(parts: AppointmentParts, member: Member, booking: Booking, act: str, event: str) -> None:
    bookings = parts.booking.bookings
    if act == "cancel":
        bookings.cancel(booking, member.actor)
    elif act == "move":
        bookings.move(booking, parts.booking.catalogue.event_id(event), member.actor)
    elif act in ("came", "missed"):
        parts.staff(member).attended(booking.code, act == "came", booking.event.id)

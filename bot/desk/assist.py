"""The clerk types what the caller says; the page shows what fits while the caller is still talking."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from actions.booking.calls import Calls
from bot.desk.assisting import ASPECTS, FACTS, FLAGS, Assisting, facts_of, is_likely, person_in
from bot.desk.handling import CALL_BACK, Handling, NotYours
from bot.desk.pages import DeskPages, go
from bot.desk.talk import described
from bot.messages import mask_cards, phone_in
from knowledge.live import LiveKnowledge
from knowledge.person import Person
from knowledge.phrases import phrase, say
from knowledge.plain_text import plain_text
from knowledge.reply import Outcome, Reply
from storage.audit import Audit
from storage.notes import DISPOSITIONS, CallNotes
from storage.staff import Member
from storage.tickets import Tickets

_NOTES = 100


@dataclass(frozen=True)
class AssistParts:
    """What the assistant works with."""

    pages: DeskPages
    assisting: Assisting
    live: LiveKnowledge
    handling: Handling
    tickets: Tickets
    notes: CallNotes
    calls: Calls
    audit: Audit
    telegram_of: Callable[[str], str | None]  # a phone: the Telegram conversation that booked with it
    clock: Callable[[], datetime]


def assist_routes(parts: AssistParts) -> APIRouter:
    """Return the routes of searching, explaining and sending."""
    routes, pages, assisting = APIRouter(), parts.pages, parts.assisting

    def found(told: Mapping[str, str]) -> dict[str, Any]:
        text = told.get("q", "")
        person = person_in(text, told)
        candidates = assisting.find(text, person)
        pick = told.get("pick") or (candidates[0].service.id if candidates else None)
        ticket = told.get("ticket", "")
        return {
            "q": text,
            "candidates": candidates,
            "likely": is_likely(candidates),
            "detail": assisting.detail(pick, person, text),
            "person": described(person, parts.clock().date()),
            "told": told,
            "ticket": ticket if ticket.isdigit() else "",
            "aspects": ASPECTS,
            "link": _link(told, person),
        }

    async def whole(request: Request, member: Member, told: Mapping[str, str]) -> Response:
        context = await asyncio.to_thread(found, told)
        more = {
            "flags": FLAGS,
            "incomes": phrase("finder_income_answers"),
            "dispositions": DISPOSITIONS,
            "done": told.get("done", ""),
        }
        return pages.show(request, "assist.html", member, {**context, **more})

    @routes.get("/desk", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """Show the box to type in."""
        return await whole(request, await pages.member(request), request.query_params)

    # A caller's words are posted: an address stands in logs and in the browser's history.
    @routes.post("/desk", response_class=HTMLResponse)
    async def search(request: Request) -> Response:
        """Show what fits what is in the box."""
        member, told = await _told(pages, request)
        return await whole(request, member, told)

    @routes.post("/desk/found", response_class=HTMLResponse)
    async def part(request: Request) -> Response:
        """Return the part of the page that a keystroke changes."""
        member, told = await _told(pages, request)
        return pages.show(request, "found_part.html", member, await asyncio.to_thread(found, told))

    @routes.get("/desk/benefits", response_class=HTMLResponse)
    async def benefits(request: Request) -> Response:
        """Show what the caller can have, to read out, to copy or to send."""
        member = await pages.member(request)
        told = request.query_params
        person = person_in("", told)
        block = await asyncio.to_thread(assisting.benefits, person)
        context = {
            "block": block,
            "told": told,
            "text": plain_text(Reply(blocks=[block], outcome=Outcome.ANSWERED_FINDER)),
        }
        back = "/desk?" + _link(told, person)
        return pages.show(request, "benefits.html", member, {**context, "back": back, "ticket": told.get("ticket", "")})

    return routes


def send_routes(parts: AssistParts) -> APIRouter:
    """Return the routes by which an answer leaves the desk, and a call is noted."""
    routes, pages = APIRouter(), parts.pages

    @routes.get("/desk/answers/{service_id}/{aspect}", response_class=HTMLResponse)
    async def answer(request: Request, service_id: str, aspect: str) -> Response:
        """Show one answer as it would be sent, as a text block to copy."""
        member = await pages.member(request)
        reply = _answer(parts, service_id, aspect, request.query_params)
        context = {"reply": reply, "text": plain_text(reply), "service_id": service_id, "aspect": aspect}
        query = request.query_params
        link = _link(query, person_in("", query))
        more = {"back": f"/desk?{link}", "link": link, "problem": query.get("problem", "")}
        return pages.show(request, "send.html", member, {**context, **more})

    @routes.post("/desk/answers/{service_id}/{aspect}")
    async def send(
        request: Request,
        service_id: str,
        aspect: str,
        ticket: Annotated[str, Form(max_length=12)] = "",
        phone: Annotated[str, Form(max_length=30)] = "",
        key: Annotated[str, Form(max_length=64)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Send an answer into the chat of a ticket, or to the Telegram of who booked with a phone."""
        member = await pages.taken(request, csrf)
        query = request.query_params
        reply, link = _answer(parts, service_id, aspect, query), _link(query, person_in("", query))
        try:
            done = await asyncio.to_thread(_sent, parts, member, reply, (ticket, phone, key))
        except NotYours:
            done = False
        if not done:
            problem = "yours" if ticket else "phone"
            return go(f"/desk/answers/{service_id}/{aspect}?{link}&problem={problem}")
        return go(f"/desk/tickets/{ticket}" if ticket else f"/desk?{link}&done=sent")

    @routes.get("/desk/notes", response_class=HTMLResponse)
    async def notes(request: Request) -> Response:
        """Show the latest notes: a look that the audit keeps."""
        member = await pages.member(request)
        await asyncio.to_thread(parts.audit.note, member.actor, "look_notes")
        latest = await asyncio.to_thread(parts.notes.latest, _NOTES)
        services = parts.live.library.services
        return pages.show(
            request, "notes.html", member, {"notes": latest, "dispositions": DISPOSITIONS, "services": services}
        )

    @routes.post("/desk/notes")
    async def note(
        request: Request,
        text: Annotated[str, Form(max_length=2000)] = "",
        disposition: Annotated[str, Form(max_length=20)] = "answered",
        topic: Annotated[str, Form(max_length=40)] = "",
        phone: Annotated[str, Form(max_length=30)] = "",
        key: Annotated[str, Form(max_length=64)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Keep a note of the call, and whom to ring; the box is empty for the next caller."""
        member = await pages.taken(request, csrf)
        kind = disposition if disposition in DISPOSITIONS else "other"
        number = phone_in(phone)
        if kind == CALL_BACK and number:
            whom = (f"phone:{uuid.uuid4().hex}", number, CALL_BACK, say("call_about"), f"call:{key}")
            await asyncio.to_thread(parts.calls.ask, *whom)
        about = topic if parts.live.library.services.get(topic) else None
        await asyncio.to_thread(parts.notes.write, member.id, kind, about, mask_cards(text.strip()), f"call:{key}")
        return go("/desk?done=nophone" if kind == CALL_BACK and not number else "/desk?done=noted")

    return routes


def _answer(parts: AssistParts, service_id: str, aspect: str, told: Mapping[str, str]) -> Reply:
    """Return an answer as a Reply. Raises HTTPException (404) for no such service or aspect."""
    service = parts.live.library.services.get(service_id)
    if service is None or aspect not in ASPECTS:
        raise HTTPException(404)
    block = parts.assisting.answer(service, aspect, person_in("", told))
    return Reply(blocks=[block], outcome=Outcome.ANSWERED_SERVICE)


def _sent(parts: AssistParts, member: Member, reply: Reply, to: tuple[str, str, str]) -> bool:
    """Send to a ticket or a phone; False where that cannot be. Raises NotYours."""
    ticket_id, phone, key = to
    if ticket_id.isdigit():
        ticket = parts.tickets.by_id(int(ticket_id))
        if ticket is None:
            return False
        parts.handling.send(ticket, member, reply, f"desk:{key or uuid.uuid4().hex}")
        return True
    conversation = parts.telegram_of(phone_in(phone) or "")
    if conversation is None:
        return False
    parts.handling.send_unasked(conversation, member, reply, f"desk:{key or uuid.uuid4().hex}")
    return True


async def _told(pages: DeskPages, request: Request) -> tuple[Member, Mapping[str, str]]:
    """Return who posted the form, and its fields. Raises NotLoggedIn, NotAllowed."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    return await pages.taken(request, form.get("csrf", "")), form


def _link(told: Mapping[str, str], person: Person) -> str:
    """Return what is known of the call, without the caller's words, for a link that comes back to it."""
    names = ("pick", "ticket", *FACTS)
    kept = {name: told[name] for name in names if told.get(name)}
    return urlencode(facts_of(person) | kept)

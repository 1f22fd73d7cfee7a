"""Who waits, live; taking somebody; talking with them; handing them back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from bot.desk.handling import CALL_BACK, WRITABLE, Handling, NotYours
from bot.desk.pages import DeskPages, NotAllowed, NotLoggedIn, go
from bot.desk.talk import Known, Line, known_of, lines_of
from bot.pulse import Pulse
from bot.web.pages import wants_part
from knowledge.live import LiveKnowledge
from storage.audit import Audit
from storage.changes import QUEUE
from storage.desk_messages import DeskMessages
from storage.notes import DISPOSITIONS, CallNotes
from storage.staff import Member, StaffBook
from storage.tickets import Ticket, Tickets
from storage.turns import Turns

_STREAM_S = 600.0  # then the browser connects anew
_LOOK_S = 15.0  # the clocks on the page move on, whatever happens
_TURNS = 300
_NOTES = 5
KINDS = {
    "handed_off_requested": "要找真人",
    "handed_off_misses": "两次没答上",
    "guarded_abuse": "说有人受虐待",
    "emergency_self_harm": "说不想活了",
    "emergency_fire": "着火",
    "emergency_gas": "煤气",
    "emergency_unconscious": "昏迷",
    "emergency_breathing": "呼吸困难",
    "emergency_chest": "胸痛",
    "emergency_stroke": "像中风",
    "emergency_bleeding": "出血",
    "emergency_fall": "摔倒",
    "emergency_poison": "中毒",
    "emergency_burn": "烫伤烧伤",
    "emergency_lost": "走失",
    "emergency_violence": "有人动手",
    "emergency_trapped": "被困",
    "emergency_unknown": "急事",
}
CHANNELS = {"web": "网页", "telegram": "Telegram", "signed": "其他消息渠道", "cli": "命令行", "terminal": "命令行"}


@dataclass(frozen=True)
class QueueParts:
    """What the queue works with."""

    pages: DeskPages
    tickets: Tickets
    handling: Handling
    turns: Turns
    messages: DeskMessages
    notes: CallNotes
    staff: StaffBook
    pulse: Pulse
    audit: Audit
    live: LiveKnowledge
    clock: Callable[[], datetime]


@dataclass(frozen=True)
class Shown:
    """A ticket as a line of the queue; minutes are whole, ``late`` where it is past its time."""

    ticket: Ticket
    what: str
    channel: str
    waits: int
    left: int | None
    late: bool
    who: str | None
    mine: bool


class Queue:
    """Reads what the pages show."""

    def __init__(self, parts: QueueParts) -> None:
        self._parts = parts

    def shown(self, member: Member) -> list[Shown]:
        """Return the queue as ``member`` sees it."""
        now = self._parts.clock()
        names = {each.id: each.shown for each in self._parts.staff.all()}
        return [self._line(ticket, member, now, names) for ticket in self._parts.tickets.queue()]

    def ticket(self, ticket_id: int) -> Ticket:
        """Return a ticket. Raises HTTPException (404)."""
        found = self._parts.tickets.by_id(ticket_id)
        if found is None:
            raise HTTPException(404)
        return found

    def talk(self, ticket: Ticket) -> tuple[list[Line], Known]:
        """Return what was said in the conversation, oldest first, and what is known from it."""
        turns = self._parts.turns.last(ticket.conversation, _TURNS)
        return lines_of(turns, self._parts.messages.of(ticket.conversation)), known_of(turns, self._parts.clock())

    @staticmethod
    def _line(ticket: Ticket, member: Member, now: datetime, names: dict[str, str]) -> Shown:
        since = ticket.waits_since or ticket.created_at
        left = int((ticket.due_at - now).total_seconds() // 60) if ticket.due_at else None
        return Shown(
            ticket,
            KINDS.get(ticket.kind, "要人帮忙"),
            CHANNELS.get(ticket.channel, ticket.channel),
            int((now - since).total_seconds() // 60),
            left,
            ticket.state == "open" and left is not None and left < 0,
            names.get(ticket.claimed_by or "", "") if ticket.is_held else None,
            ticket.claimed_by == member.id,
        )


def queue_routes(parts: QueueParts) -> APIRouter:
    """Return the routes of the queue: the list, live, and taking somebody."""
    routes, pages, queue = APIRouter(), parts.pages, Queue(parts)

    @routes.get("/desk/queue", response_class=HTMLResponse)
    async def page(request: Request, late: bool = False) -> Response:
        """Show who waits."""
        member = await pages.member(request)
        shown = await asyncio.to_thread(queue.shown, member)
        return pages.show(request, "queue.html", member, {"queue": shown, "late": late})

    @routes.get("/desk/events", response_class=EventSourceResponse)
    async def events(
        request: Request,
        member: Member = Depends(pages.clerk),  # noqa: B008 (FastAPI's way)
    ) -> AsyncIterator[ServerSentEvent]:
        """Send the queue anew whenever it changes; for every page of the desk."""
        with parts.pulse.watch(QUEUE) as watch:
            async for _ in _while_logged_in(pages, request):
                shown = await asyncio.to_thread(queue.shown, member)
                part = pages.show(request, "queue_part.html", member, {"queue": shown})
                yield ServerSentEvent(event="queue", data=bytes(part.body).decode(), retry=2_000)
                await watch.wait(_LOOK_S)

    @routes.get("/desk/alive")
    async def alive(request: Request) -> Response:
        """Say whether the session still lasts, for a page whose stream has ended."""
        await pages.member(request, touch=False)
        return Response(status_code=204)

    @routes.post("/desk/tickets/{ticket_id}/claim")
    async def claim(request: Request, ticket_id: int, csrf: Annotated[str, Form(max_length=128)] = "") -> Response:
        """Take somebody: exactly one clerk does."""
        member = await pages.taken(request, csrf)
        ticket = await asyncio.to_thread(queue.ticket, ticket_id)
        if ticket.claimed_by == member.id or await asyncio.to_thread(parts.handling.claim, ticket, member):
            return go(f"/desk/tickets/{ticket_id}")
        return go("/desk/queue?late=1")

    return routes


def ticket_routes(parts: QueueParts) -> APIRouter:
    """Return the routes of one ticket: the talk, live, and what the clerk does with it."""
    routes, pages, queue = APIRouter(), parts.pages, Queue(parts)

    async def shown(request: Request, member: Member, ticket: Ticket, problem: str = "", text: str = "") -> Response:
        await asyncio.to_thread(parts.audit.note, member.actor, "look_ticket", str(ticket.id))
        lines, known = await asyncio.to_thread(queue.talk, ticket)
        notes = await asyncio.to_thread(parts.notes.latest, _NOTES, ticket.conversation)
        context = {
            "ticket": ticket,
            "what": KINDS.get(ticket.kind, "要人帮忙"),
            "channel": CHANNELS.get(ticket.channel, ticket.channel),
            "writable": ticket.channel in WRITABLE,
            "mine": ticket.is_held and ticket.claimed_by == member.id,
            "lines": lines,
            "known": known,
            "notes": notes,
            "dispositions": DISPOSITIONS,
            "services": list(parts.live.library.services),
            "problem": problem,
            "text": text,
        }
        return pages.show(request, "ticket.html", member, context, 409 if problem else 200)

    @routes.get("/desk/tickets/{ticket_id}", response_class=HTMLResponse)
    async def page(request: Request, ticket_id: int) -> Response:
        """Show the talk so far: a look that the audit keeps."""
        member = await pages.member(request)
        return await shown(request, member, await asyncio.to_thread(queue.ticket, ticket_id))

    @routes.get("/desk/tickets/{ticket_id}/events", response_class=EventSourceResponse)
    async def events(
        request: Request,
        ticket_id: int,
        member: Member = Depends(pages.clerk),  # noqa: B008 (FastAPI's way)
    ) -> AsyncIterator[ServerSentEvent]:
        """Send the talk anew whenever something is said."""
        ticket = await asyncio.to_thread(queue.ticket, ticket_id)
        await asyncio.to_thread(parts.audit.note, member.actor, "look_ticket", str(ticket_id))
        with parts.pulse.watch(ticket.conversation) as watch:
            async for _ in _while_logged_in(pages, request):
                ticket = await asyncio.to_thread(queue.ticket, ticket_id)
                lines, _ = await asyncio.to_thread(queue.talk, ticket)
                part = pages.show(request, "talk_part.html", member, {"lines": lines, "ticket": ticket})
                yield ServerSentEvent(event="talk", data=bytes(part.body).decode(), retry=2_000)
                await watch.wait(_LOOK_S)

    @routes.post("/desk/tickets/{ticket_id}", response_class=HTMLResponse)
    async def act(
        request: Request,
        ticket_id: int,
        act: Annotated[str, Form(max_length=10)] = "write",
        text: Annotated[str, Form(max_length=2000)] = "",
        disposition: Annotated[str, Form(max_length=20)] = "",
        seen: Annotated[str, Form(max_length=40)] = "",
        topic: Annotated[str, Form(max_length=40)] = "",
        key: Annotated[str, Form(max_length=64)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Write to the person, hand them back to the bot, or give them to a colleague."""
        member = await pages.taken(request, csrf)
        ticket = await asyncio.to_thread(queue.ticket, ticket_id)
        about = topic if parts.live.library.services.get(topic) else None
        problem = await asyncio.to_thread(_refused, queue, ticket, disposition, seen) if act == "back" else ""
        if problem:
            return await shown(request, member, ticket, problem, text)
        try:
            if act == "back":
                await asyncio.to_thread(
                    parts.handling.hand_back, ticket, member, disposition, about, text, f"note:{key}"
                )
                return go("/desk/queue")
            if act == "pass":
                await asyncio.to_thread(parts.handling.put_back, ticket, member, text, f"note:{key}")
                return go("/desk/queue")
            if text.strip():
                await asyncio.to_thread(parts.handling.write, ticket, member, text.strip(), f"desk:{key}")
        except NotYours:
            done = "没有交回" if act == "back" else "没有发出"
            problem = f"{done}：这位现在不在您手上，可能已经回到排队，或者别的同事接了。"
            return await shown(request, member, ticket, problem, text)
        return Response(status_code=204) if wants_part(request) else go(f"/desk/tickets/{ticket_id}#say")

    return routes


def _refused(queue: Queue, ticket: Ticket, disposition: str, seen: str) -> str:
    """Return why a person cannot be handed back yet, or nothing. ``seen`` is the last line on the clerk's page."""
    if disposition not in DISPOSITIONS:
        return "请先选结果，再交回。"
    if disposition == CALL_BACK and not ticket.phone:
        return "要回电，但对方没有留电话。请先问对方的电话。"
    lines, _ = queue.talk(ticket)
    said = [line.at.isoformat() for line in lines if line.who == "person"]
    return "对方刚又写了一句。请先看一看，再交回。" if seen and said and said[-1] > seen else ""


async def _while_logged_in(pages: DeskPages, request: Request) -> AsyncIterator[None]:
    """Yield again and again until the stream has lasted long enough, or its owner is logged out."""
    ends = asyncio.get_running_loop().time() + _STREAM_S
    while asyncio.get_running_loop().time() < ends:
        try:
            await pages.member(request, touch=False)
        except (NotLoggedIn, NotAllowed):
            return
        yield

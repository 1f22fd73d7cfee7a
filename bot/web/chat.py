"""The conversation: a form post and a reload; with a script, the same parts put in place."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Header, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from actions.booking.outbox import Outbox
from bot.errors import CannotStore, apology
from bot.messages import Incoming
from bot.path import MessagePath
from bot.pulse import Pulse
from bot.web.limiting import Limiting
from bot.web.pages import Pages, go, wants_part
from bot.web.session import Visitor
from knowledge.emergency import EmergencyMatcher
from knowledge.normalise import MAX_MESSAGE
from knowledge.phrases import points, say
from knowledge.reply import Block, FormBlock, Outcome, Reply
from storage.desk_messages import DeskMessages
from storage.turns import Turn, Turns

_CHANNEL = "web"
_SHOWN = 20
_LOOK_S = 10.0  # between two looks for a reminder; turns and what staff write are told at once
_STREAM_S = 600.0  # then the browser connects anew
_OVERLAP = timedelta(seconds=10)  # what was shown already the page leaves out
# The cards and links that begin something: what is said, and what it does.
STARTS = {
    "benefits": ("telegram_menu_benefits", "find_benefits"),
    "training": ("telegram_menu_training", "book_training"),
    "consultation": ("telegram_menu_book", "book_consultation"),
    "bookings": ("telegram_menu_mine", "list_bookings"),
    "human": ("button_human", "request_human"),
}


@dataclass(frozen=True)
class Said:
    """One thing on the page: what was asked, if anything was, and the reply; ``id`` is the turn's or notice's."""

    id: str
    at: datetime
    text: str | None
    reply: Reply
    who: str | None = None  # of staff
    kept: bool = True  # can be asked for again


@dataclass(frozen=True)
class ChatParts:
    """What the conversation works with."""

    path: MessagePath
    turns: Turns
    outbox: Outbox
    desk: DeskMessages
    pulse: Pulse
    pages: Pages
    limiting: Limiting
    matcher: EmergencyMatcher
    clock: Callable[[], datetime]


class Chat:
    """Takes a visitor's messages and shows what was said."""

    def __init__(self, parts: ChatParts) -> None:
        self._parts = parts

    async def said(self, visitor: Visitor, since: datetime | None = None) -> list[Said]:
        """Return the last turns, and what was written unasked since the first of them; oldest first."""
        return [] if visitor.is_new else await asyncio.to_thread(self._said, visitor.conversation, since)

    async def take(
        self, request: Request, visitor: Visitor, message: Incoming, before: Sequence[Block] = ()
    ) -> Response:
        """Answer a message: with its part for our script, else with the page."""
        try:
            reply = await self._parts.path.handle(message, before)
        except CannotStore as error:
            return self._alone(request, visitor, message, error.danger or apology(), 503)
        if reply and reply.outcome is Outcome.ANSWERED_ERASURE and not wants_part(request):
            return self._alone(request, visitor, message, reply)  # no conversation is left to go back to
        if not wants_part(request):
            # What only writing answers has the box in focus; else one is taken to the answer.
            answer: Response = go("/chat#say" if reply and _asks(reply) else "/chat#latest")
            self._parts.pages.sessions.remember(answer, visitor)
            return answer
        turn = await asyncio.to_thread(self._parts.turns.turn_of, message.channel, message.external_id)
        if turn is None and reply is None:  # sent twice, and the first one is being answered
            return Response(status_code=202)
        said = _of_turn(turn) if turn else Said(message.inbox_id, message.received_at, message.text, reply or apology())
        return self._parts.pages.show(request, "turn.html", {"each": said}, visitor)

    def incoming(self, visitor: Visitor, message_id: str, text: str, **more: str | dict[str, str] | None) -> Incoming:
        """Return a message of the page; the same ``message_id`` is answered once."""
        return Incoming(
            channel=_CHANNEL,
            conversation=visitor.conversation,
            external_id=f"{visitor.id}:{message_id or uuid.uuid4().hex}",
            text=text[: MAX_MESSAGE * 2],
            received_at=self._parts.clock(),
            **more,  # type: ignore[arg-type]
        )

    def check(self, request: Request, visitor: Visitor, text: str) -> None:
        """Count the message. Raises TooMany, but never for who tells of danger."""
        if self._parts.matcher(text[:MAX_MESSAGE]) is None:
            self._parts.limiting.check(request, visitor, "chat")

    def _alone(
        self, request: Request, visitor: Visitor, message: Incoming, reply: Reply, status: int = 200
    ) -> Response:
        """Show a message that is not in the record, and its reply."""
        said = Said(message.inbox_id, message.received_at, message.text[:200] or None, reply)
        if wants_part(request):
            return self._parts.pages.show(request, "turn.html", {"each": said}, visitor, status)
        return self._parts.pages.show(request, "chat.html", {"said": [said]}, visitor, status)

    def _said(self, conversation: str, since: datetime | None) -> list[Said]:
        shown = [_of_turn(turn) for turn in self._parts.turns.last(conversation, _SHOWN, since)]
        notices = [
            Said(each.id, each.at, None, Reply.model_validate(json.loads(each.reply)))
            for each in self._parts.outbox.shown(conversation)
        ]
        notices += [
            Said(f"d{each.number}", each.at, None, Reply.model_validate_json(each.reply), each.who)
            for each in self._parts.desk.of(conversation, since)
        ]
        first = since or (shown[0].at if len(shown) == _SHOWN else None)  # what is older than the turns is not shown
        return sorted(
            [*shown, *(each for each in notices if first is None or each.at > first)], key=lambda each: each.at
        )


def chat_routes(chat: Chat, parts: ChatParts) -> APIRouter:
    """Return the routes of home and conversation."""
    routes, pages = APIRouter(), parts.pages

    @routes.get("/", response_class=HTMLResponse)
    async def home(request: Request) -> Response:
        """Show the four cards."""
        visitor = pages.sessions.visitor(request)
        spoke = bool(await chat.said(visitor))
        return pages.show(request, "home.html", {"spoke": spoke}, visitor)

    @routes.get("/chat", response_class=HTMLResponse)
    async def conversation(request: Request) -> Response:
        """Show the conversation so far."""
        visitor = pages.sessions.visitor(request)
        said = await chat.said(visitor)
        context = {"said": said, "examples": points("greet_examples"), "asks": _asks(said[-1].reply) if said else None}
        return pages.show(request, "chat.html", context, visitor)

    @routes.post("/chat", response_class=HTMLResponse)
    async def send(
        request: Request,
        message_id: Annotated[str, Form(max_length=64)] = "",
        text: Annotated[str, Form()] = "",
        token: Annotated[str | None, Form(max_length=64)] = None,
        start: Annotated[str, Form(max_length=20)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Take a message, a pressed button (``token``) or a card (``start``)."""
        visitor = pages.taken(request, csrf)
        chat.check(request, visitor, text)
        phrase, intent = STARTS.get(start, ("", ""))
        if phrase:
            message = chat.incoming(visitor, message_id, say(phrase), act={"intent": intent})
        else:
            message = chat.incoming(visitor, message_id, text, token=token)
        return await chat.take(request, visitor, message)

    @routes.get("/chat/events", response_class=EventSourceResponse)
    async def events(
        request: Request, last_event_id: Annotated[str | None, Header()] = None
    ) -> AsyncIterator[ServerSentEvent]:
        """Send each turn or notice that the page has not shown yet, as the part that shows it."""
        visitor = pages.sessions.visitor(request)
        since = _moment(last_event_id) or parts.clock()
        ends = asyncio.get_running_loop().time() + _STREAM_S
        yield ServerSentEvent(event="ready", data="", retry=3_000)
        sent: set[str] = set()
        with parts.pulse.watch(visitor.conversation) as watch:
            while asyncio.get_running_loop().time() < ends:
                # What was written earlier may be stored later: a little is looked at twice.
                for each in await chat.said(visitor, since - _OVERLAP):
                    if each.id in sent:
                        continue
                    sent.add(each.id)
                    since = max(since, each.at)
                    part = pages.show(request, "turn.html", {"each": each}, visitor)
                    yield ServerSentEvent(event="said", id=since.isoformat(), data=bytes(part.body).decode())
                await watch.wait(_LOOK_S)

    return routes


def _asks(reply: Reply) -> str | None:
    """Return the question that only writing answers, where one is open: the box is named by it."""
    block = reply.blocks[-1] if reply.blocks else None
    return block.text if isinstance(block, FormBlock) and block.slot == "phone" else None


def _of_turn(turn: Turn) -> Said:
    return Said(turn.inbox_id, turn.created_at, turn.text, Reply.model_validate(json.loads(turn.reply)))


def _moment(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo else None

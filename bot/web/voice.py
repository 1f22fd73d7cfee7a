"""Voice on the page: what is said becomes text here and is thrown away; answers are read aloud."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, File, Form, HTTPException, Request, UploadFile
from fastapi.responses import HTMLResponse, Response

from bot.messages import mask
from bot.speech.errors import NotAvailable, SpeechError, TooBusy
from bot.speech.hearing import Hearing
from bot.speech.speaking import Speaking
from bot.web.chat import Chat, Said
from bot.web.limiting import Limiting
from bot.web.pages import HEADERS, Pages, wants_part
from knowledge.phrases import say
from knowledge.reply import Outcome, Reply, TextBlock
from storage.clock import now

logger = logging.getLogger(__name__)
_MOST_BYTES = 4_000_000  # a minute as any telephone records it


def voice_routes(
    pages: Pages, chat: Chat, limiting: Limiting, hearing: Hearing | None, speaking: Speaking | None
) -> APIRouter:
    """Return the routes; without ``hearing`` or ``speaking`` the person is told to type, or hears nothing."""
    routes = APIRouter()

    @routes.get("/voice", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """Show how to send a recording without a script."""
        return pages.show(request, "voice.html", {"can_hear": hearing is not None})

    @routes.post("/voice", response_class=HTMLResponse)
    async def hear(
        request: Request,
        sound: Annotated[UploadFile, File()],
        message_id: Annotated[str, Form(max_length=64)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Take a recording, and answer what was heard; the sound itself is kept nowhere."""
        visitor = pages.taken(request, csrf)
        limiting.check(request, visitor, "voice")
        heard = await _heard(hearing, await sound.read(_MOST_BYTES + 1))
        if isinstance(heard, Reply):
            said = Said(message_id, now(), None, heard, kept=False)
            if wants_part(request):
                return pages.show(request, "turn.html", {"each": said}, visitor)
            return pages.show(request, "voice.html", {"can_hear": hearing is not None, "told": heard.blocks}, visitor)
        before = TextBlock(text=say("voice_heard", text=mask(heard)))
        return await chat.take(request, visitor, chat.incoming(visitor, message_id, heard), [before])

    @routes.get("/aloud/{said_id}.mp3")
    async def aloud(request: Request, said_id: str, slow: bool = False) -> Response:
        """Return an answer, or what staff wrote, of the visitor's own conversation as sound."""
        visitor = pages.sessions.visitor(request)
        limiting.check(request, visitor, "aloud")
        text = next((each.reply.speak for each in await chat.said(visitor) if each.id == said_id), "")
        if speaking is None or not text:
            raise HTTPException(404)
        try:
            return Response(await speaking.mp3(text, slow), media_type="audio/mpeg", headers=HEADERS)
        except NotAvailable as error:
            logger.warning("speech: %s", error)
            raise HTTPException(404) from error

    return routes


async def _heard(hearing: Hearing | None, sound: bytes) -> str | Reply:
    """Return what is said, or what to tell where it cannot be made out."""
    if hearing is None:
        return _told("voice_not_here")
    if len(sound) > _MOST_BYTES:
        return _told("voice_too_long")
    try:
        return await hearing.hear(sound)
    except TooBusy:
        return _told("voice_busy")
    except SpeechError as error:
        logger.warning("recording: %s", error or type(error).__name__)
        return _told("voice_not_heard")


def _told(phrase: str) -> Reply:
    return Reply(blocks=[TextBlock(text=say(phrase))], outcome=Outcome.ANSWERED_CONVERSATION, speak=say(phrase))

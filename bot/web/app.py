"""Puts the page together: its routes, and what a person sees where something fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware

from actions.booking_talk.desk import Desk
from bot.dialogue import DialogueClient
from bot.path import MessagePath
from bot.pulse import Pulse
from bot.record_file import RecordFiles
from bot.settings import GatewaySettings
from bot.speech.hearing import Hearing
from bot.speech.speaking import Speaking
from bot.web.benefits import benefit_routes
from bot.web.bookings import booking_routes
from bot.web.chat import Chat, ChatParts, chat_routes
from bot.web.feedback import feedback_routes
from bot.web.fixed import fixed_routes
from bot.web.limiting import Limiting, TooMany
from bot.web.pages import Pages, Refused, look_routes, sorry
from bot.web.places import place_routes
from bot.web.privacy import privacy_routes
from bot.web.services import service_routes
from bot.web.session import Sessions
from bot.web.voice import voice_routes
from knowledge.emergency import EmergencyMatcher
from knowledge.live import LiveKnowledge
from storage.database import Database
from storage.desk_messages import DeskMessages
from storage.erasing import Erasure
from storage.kept_secrets import kept_secret
from storage.thumbs import Thumbs
from storage.turns import Buttons, Turns

_STATIC = Path(__file__).with_name("static")
_GZIP_FROM = 1_000  # bytes


@dataclass(frozen=True)
class WebParts:
    """What the page works with."""

    settings: GatewaySettings
    database: Database
    path: MessagePath
    desk: Desk
    dialogue: DialogueClient
    live: LiveKnowledge
    matcher: EmergencyMatcher
    clock: Callable[[], datetime]
    hearing: Hearing | None
    speaking: Speaking | None
    pulse: Pulse


def add_web(app: FastAPI, parts: WebParts) -> None:
    """Add the page to the app."""
    settings, database, clock = parts.settings, parts.database, parts.clock
    turns, buttons = Turns(database), Buttons(database)
    # One secret on every machine, and the same when the key is changed: nobody shall lose their conversation by that.
    secret = kept_secret(database, "web.session", database.cipher.digest("web", "session"))
    pages = Pages(Sessions(secret, settings.public), parts.speaking is not None)
    limiting = Limiting(settings.visitor_a_minute, settings.address_a_minute, settings.redis_url)
    messages = DeskMessages(database, clock)
    chat_parts = ChatParts(
        parts.path, turns, parts.desk.outbox, messages, parts.pulse, pages, limiting, parts.matcher, clock
    )
    chat = Chat(chat_parts)
    files = RecordFiles(database, settings.tracker_url, clock, settings.record_days)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    for routes in (
        chat_routes(chat, chat_parts),
        look_routes(pages),
        fixed_routes(pages, settings.page_url),
        service_routes(pages, lambda: parts.live.library, limiting, clock, settings.page_url),
        place_routes(pages, lambda: parts.live.places, clock),
        booking_routes(pages, chat, parts.desk, buttons, clock),
        benefit_routes(pages, turns, lambda: parts.live.library, clock),
        privacy_routes(pages, Erasure(database), files, parts.dialogue, clock, settings.record_days),
        feedback_routes(pages, Thumbs(database)),
        voice_routes(pages, chat, limiting, parts.hearing, parts.speaking),
    ):
        app.include_router(routes)
    app.add_middleware(GZipMiddleware, minimum_size=_GZIP_FROM)
    for error in (404, 500, TooMany, Refused):
        app.add_exception_handler(error, sorry)

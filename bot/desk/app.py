"""Puts the desk together: its routes, and where somebody goes who may not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles

from actions.booking_talk.desk import Desk
from bot.alone import Alone
from bot.desk.accounts import Accounts
from bot.desk.appointments import AppointmentParts, appointment_routes, booking_routes, call_routes
from bot.desk.assist import AssistParts, assist_routes, send_routes
from bot.desk.assisting import Assisting
from bot.desk.editing import editing_routes
from bot.desk.editing_list import EditedList
from bot.desk.handling import Handling, HandlingParts
from bot.desk.learning import learning_routes
from bot.desk.login import login_routes, staff_routes
from bot.desk.pages import DeskPages, NotAllowed, NotLoggedIn
from bot.desk.queue import QueueParts, queue_routes, ticket_routes
from bot.desk.sending import DeskSender, SendingParts
from bot.desk.statistics import statistics_routes
from bot.outbox import Channel
from bot.pulse import Pulse
from bot.settings import GatewaySettings, holder
from bot.steps.hand_over import HandOver
from knowledge.hours import parse_hours
from knowledge.live import LiveKnowledge
from knowledge.settings import KnowledgeSettings
from storage.audit import Audit
from storage.database import Database
from storage.desk_messages import DeskMessages
from storage.drafts import Drafts
from storage.leases import Leases
from storage.lessons import Lessons
from storage.notes import CallNotes
from storage.staff import StaffBook
from storage.statistics import Statistics
from storage.tickets import Tickets
from storage.turns import Turns

_COUNTED_BACK = 29  # days
_STATIC = Path(__file__).with_name("static")


@dataclass(frozen=True)
class DeskParts:
    """What the desk works with."""

    settings: GatewaySettings
    database: Database
    booking: Desk
    live: LiveKnowledge
    knowledge: KnowledgeSettings
    pulse: Pulse
    channels: Mapping[str, Channel]
    clock: Callable[[], datetime]


def add_desk(app: FastAPI, parts: DeskParts) -> DeskSender:
    """Add the desk to the app; return what sends its messages, to be run."""
    settings, database, clock = parts.settings, parts.database, parts.clock
    audit = Audit(database, clock)
    accounts = open_accounts(settings, database, clock)
    pages = DeskPages(accounts, database.cipher, settings.public)
    tickets, messages, notes = Tickets(database, clock), DeskMessages(database, clock), CallNotes(database, clock)
    handling = Handling(
        HandlingParts(tickets, messages, notes, parts.booking.calls, audit, lambda: sender.wake(), clock)
    )
    silent = timedelta(minutes=settings.desk_silent_minutes)
    alone = Alone(Leases(database, clock, holder(settings)))
    sender = DeskSender(SendingParts(messages, tickets, alone, parts.channels, silent, handling.tell))
    queue = QueueParts(
        pages,
        tickets,
        handling,
        Turns(database),
        messages,
        notes,
        accounts.book,
        parts.pulse,
        audit,
        parts.live,
        clock,
    )
    assist = AssistParts(
        pages,
        Assisting(lambda: parts.live.library, lambda: clock().date()),
        parts.live,
        handling,
        tickets,
        notes,
        parts.booking.calls,
        audit,
        parts.booking.bookings.telegram_of,
        clock,
    )
    appointments = AppointmentParts(pages, parts.booking, database, tickets, notes, audit, clock)
    app.mount("/desk/static", StaticFiles(directory=_STATIC), name="desk-static")
    for routes in (
        login_routes(pages, accounts),
        staff_routes(pages, accounts, audit),
        assist_routes(assist),
        send_routes(assist),
        appointment_routes(appointments),
        booking_routes(appointments),
        call_routes(appointments),
        statistics_routes(pages, open_statistics(settings, database, clock), parts.live, audit, clock),
        editing_routes(pages, EditedList(parts.knowledge, Drafts(database), parts.live, audit, clock), clock),
        learning_routes(pages, Lessons(database), parts.live, audit, clock),
        queue_routes(queue),
        ticket_routes(queue),
    ):
        app.include_router(routes)
    for error in (NotLoggedIn, NotAllowed):
        app.add_exception_handler(error, pages.refuse)
    app.add_exception_handler(RequestValidationError, pages.unread)
    return sender


def open_accounts(settings: GatewaySettings, database: Database, clock: Callable[[], datetime]) -> Accounts:
    """Return the accounts of the desk over one database."""
    idle, longest = timedelta(minutes=settings.desk_idle_minutes), timedelta(hours=settings.desk_session_hours)
    return Accounts(StaffBook(database), Audit(database, clock), clock, idle, longest)


def open_statistics(settings: GatewaySettings, database: Database, clock: Callable[[], datetime]) -> Statistics:
    """Return the statistics over one database; they count a day while its record is still kept."""
    return Statistics(database, clock, min(_COUNTED_BACK, settings.record_days - 1))


def hand_over(settings: GatewaySettings, database: Database, clock: Callable[[], datetime]) -> HandOver:
    """Return the desk as the path of a message knows it."""
    return HandOver(
        Tickets(database, clock),
        StaffBook(database),
        Turns(database),
        parse_hours(settings.desk_hours),
        settings.desk_on_holidays,
        timedelta(minutes=settings.desk_wait_minutes),
        clock,
    )

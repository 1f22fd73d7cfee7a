"""Puts the desk together: its routes, and where somebody goes who may not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from actions.booking_talk.desk import Desk
from bot.desk.accounts import Accounts
from bot.desk.assist import assist_routes
from bot.desk.login import login_routes, staff_routes
from bot.desk.pages import DeskPages, NotAllowed, NotLoggedIn
from bot.settings import GatewaySettings
from knowledge.live import LiveKnowledge
from storage.audit import Audit
from storage.database import Database
from storage.staff import StaffBook

_STATIC = Path(__file__).with_name("static")


@dataclass(frozen=True)
class DeskParts:
    """What the desk works with."""

    settings: GatewaySettings
    database: Database
    booking: Desk
    live: LiveKnowledge
    clock: Callable[[], datetime]


def add_desk(app: FastAPI, parts: DeskParts) -> None:
    """Add the desk to the app."""
    settings, database, clock = parts.settings, parts.database, parts.clock
    audit = Audit(database, clock)
    accounts = open_accounts(settings, database, clock)
    pages = DeskPages(accounts, database.cipher, settings.public)
    app.mount("/desk/static", StaticFiles(directory=_STATIC), name="desk-static")
    for routes in (
        login_routes(pages, accounts),
        staff_routes(pages, accounts, audit),
        assist_routes(pages),
    ):
        app.include_router(routes)
    for error in (NotLoggedIn, NotAllowed):
        app.add_exception_handler(error, pages.refuse)


def open_accounts(settings: GatewaySettings, database: Database, clock: Callable[[], datetime]) -> Accounts:
    """Return the accounts of the desk over one database."""
    idle, longest = timedelta(minutes=settings.desk_idle_minutes), timedelta(hours=settings.desk_session_hours)
    return Accounts(StaffBook(database), Audit(database, clock), clock, idle, longest)

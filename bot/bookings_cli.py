"""``advisor bookings``: what can be booked, what is, and whom to ring. Every act is in the audit."""

from __future__ import annotations

import csv
import getpass
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import openpyxl
import typer

from actions.booking.bookings import Bookings
from actions.booking.calls import Calls
from actions.booking.catalogue import Catalogue
from actions.booking.errors import BookingError
from actions.booking.model import STAFF, Booking, Event
from actions.booking.staff import Staff
from actions.booking.timetable import DATE_COLUMNS, POINT_COLUMNS, import_timetable, write_template
from actions.booking_talk.words import when
from bot.settings import GatewaySettings
from knowledge.errors import TableError
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database

bookings_app = typer.Typer(no_args_is_help=True, help="Carer training and talks with an advisor.")
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
By = Annotated[str, typer.Option(help="Who does it, for the audit.")]
ME = getpass.getuser()
_SHORT = 8
_HEADINGS = ("号码", "状态", "时间", "内容", "地点", "为谁", "姓名", "电话", "评价")


@dataclass(frozen=True)
class Office:
    """What the commands work with."""

    catalogue: Catalogue
    bookings: Bookings
    calls: Calls
    staff: Staff


def office(by: str) -> Office:
    """Open the database of the settings."""
    settings = GatewaySettings()
    database = Database(settings.database, Cipher(settings.encryption_key()))
    database.migrate()
    actor = f"{STAFF}{by}"
    catalogue = Catalogue(database, now, demo=True)  # staff see the samples, marked
    return Office(catalogue, Bookings(database, now), Calls(database, now), Staff(database, now, actor))


@bookings_app.command()
def sessions(as_json: Json = False, limit: int = 50) -> None:
    """List the coming times: id, seats taken and seats, when, what, where."""
    here = office(ME)
    events = [*here.catalogue.trainings(), *here.catalogue.consultations()][:limit]
    if as_json:
        print(json.dumps({"sessions": [_event(event) for event in events]}, ensure_ascii=False))
        return
    for event in events:
        sample = "  示例" if event.sample else ""
        print(f"{event.id}  {event.taken:3}/{event.seats:<3} {when(event):24} {event.title}  {event.place}{sample}")
    if not events:
        print("nothing can be booked; begin from: advisor bookings template FILE.xlsx")


@bookings_app.command("list")
def list_(session: str = "", as_json: Json = False, by: By = ME) -> None:
    """List the bookings from today on, or all of one session."""
    found = _bookings(session, by)
    if as_json:
        print(json.dumps({"bookings": [_row(each) for each in found]}, ensure_ascii=False))
        return
    for each in found:
        print("  ".join(str(value) for value in _row(each).values() if value))
    print(f"{len(found)} bookings")


@bookings_app.command()
def export(file: Path, session: str = "", by: By = ME) -> None:
    """Write the bookings from today on, or all of one session, as .csv or .xlsx."""
    rows = [list(_row(each).values()) for each in _bookings(session, by)]
    if file.suffix.lower() == ".xlsx":
        book = openpyxl.Workbook()
        for row in ([*_HEADINGS], *rows):
            book.worksheets[0].append(row)
        book.save(file)
    else:
        with file.open("w", newline="", encoding="utf-8-sig") as handle:  # Excel reads it as UTF-8 then
            csv.writer(handle).writerows([_HEADINGS, *rows])
    print(f"{len(rows)} bookings written to {file}; it holds names and phones: keep it safe")


@bookings_app.command()
def template(file: Path, points: Annotated[bool, typer.Option(help="For advisor points.")] = False) -> None:
    """Write an empty table of course dates, or of advisor points, to fill in and import."""
    write_template(file, POINT_COLUMNS if points else DATE_COLUMNS)
    print(f"{file} written")


@bookings_app.command("import")
def import_(file: Path, by: By = ME) -> None:
    """Take in course dates or advisor points (.csv, .xlsx); one bad row changes nothing."""
    here = office(by)
    try:
        taken = import_timetable(file, here.catalogue, here.staff, now)
    except TableError as error:
        _fail([*error.problems, f"nothing was changed: {len(error.problems)} problems"])
    print(f"{taken.dates} course dates and {taken.points} advisor points taken in")


@bookings_app.command("cancel-session")
def cancel_session(session: str, by: By = ME, yes: Annotated[bool, typer.Option("--yes")] = False) -> None:
    """Cancel a session; everybody booked or waiting is told and offered another."""
    here = office(by)
    session = _session(here, session)
    people = [each for each in here.staff.bookings(session) if each.is_active]
    if not yes:
        typer.confirm(f"{len(people)} people will be told. Cancel it?", abort=True)
    try:
        print(f"cancelled; {here.staff.cancel_event(session)} people will be told")
    except BookingError:
        _fail([f"there is no session {session}; see: advisor bookings sessions"])


@bookings_app.command("set-seats")
def set_seats(session: str, seats: int, by: By = ME) -> None:
    """Change the seats of a session; new ones are offered to who waits."""
    here = office(by)
    try:
        here.staff.set_seats(_session(here, session), seats)
    except BookingError as error:
        _fail([f"not changed: {type(error).__name__.lower()} (more are booked, or there is no such session)"])
    print(f"{session} has {seats} seats")


@bookings_app.command()
def cancel(code: str, by: By = ME) -> None:
    """Cancel a booking by its code."""
    here = office(by)
    booking = _by_code(here, code)
    here.bookings.cancel(booking, f"{STAFF}{by}")
    print(f"cancelled: {when(booking.event)} {booking.event.title}")


@bookings_app.command()
def move(code: str, session: str, by: By = ME) -> None:
    """Move a booking to another session."""
    here = office(by)
    try:
        moved = here.bookings.move(_by_code(here, code), here.catalogue.event_id(session), f"{STAFF}{by}")
    except (BookingError, ValueError) as error:
        _fail([f"not moved: {type(error).__name__.lower()}; see: advisor bookings sessions"])
    print(f"moved to {when(moved.event)} {moved.event.title}")


@bookings_app.command()
def attendance(
    codes: list[str], missed: Annotated[bool, typer.Option(help="They did not come.")] = False, by: By = ME
) -> None:
    """Note that those with these codes came, or with --missed that they did not."""
    here, unknown = office(by), []
    for code in codes:
        try:
            here.staff.attended(code.replace(" ", ""), not missed)
        except BookingError:
            unknown.append(code)
    print(f"{len(codes) - len(unknown)} noted")
    if unknown:
        _fail([f"no booking that has begun: {', '.join(unknown)}"])


@bookings_app.command()
def calls(as_json: Json = False, by: By = ME) -> None:
    """List whom to ring: no channel reaches them, or they asked for it."""
    waiting = office(by).calls.waiting(f"{STAFF}{by}")
    rows = [
        {"id": call.id[:_SHORT], "since": f"{call.created_at:%m-%d %H:%M}", "phone": call.phone, "about": call.about}
        for call in waiting
    ]
    print(json.dumps({"calls": rows}, ensure_ascii=False) if as_json else _lines(rows) or "nobody is to be rung")


@bookings_app.command()
def called(call: str, by: By = ME) -> None:
    """Take somebody off the call list."""
    try:
        office(by).calls.done(call, f"{STAFF}{by}")
    except BookingError:
        _fail([f"there is no call {call}; see: advisor bookings calls"])
    print("done")


def _bookings(session: str, by: str) -> list[Booking]:
    here = office(by)
    if session:
        return here.staff.bookings(_session(here, session))
    return here.staff.bookings(since=now().replace(hour=0, minute=0, second=0, microsecond=0))


def _session(here: Office, session: str) -> str:
    """Return the id in the database: a slot that nobody has booked yet is made now."""
    try:
        return here.catalogue.event_id(session)
    except (BookingError, ValueError):
        _fail([f"there is no session {session}; see: advisor bookings sessions"])


def _by_code(here: Office, code: str) -> Booking:
    try:
        return here.staff.by_code(code.replace(" ", ""))
    except BookingError:
        _fail([f"there is no booking with the code {code}"])


def _row(booking: Booking) -> dict[str, Any]:
    event = booking.event
    cells = (
        booking.code,
        booking.state.value,
        f"{event.starts_at:%Y-%m-%d %H:%M}",
        event.title,
        event.place,
        booking.for_whom,
        booking.name or "",
        booking.phone,
        booking.rating or "",
    )
    return dict(zip(_HEADINGS, cells, strict=True))


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": event.kind.value,
        "title": event.title,
        "starts_at": event.starts_at.isoformat(),
        "place": event.place,
        "seats": event.seats,
        "taken": event.taken,
        "sample": event.sample,
    }


def _lines(rows: Sequence[dict[str, Any]]) -> str:
    return "\n".join("  ".join(str(value) for value in row.values()) for row in rows)


def _fail(sentences: Sequence[str]) -> NoReturn:
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    raise typer.Exit(1)

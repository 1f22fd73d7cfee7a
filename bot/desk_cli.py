"""``advisor desk-user``: who may log in at the desk. What it prints of a new member is shown once."""

from __future__ import annotations

import getpass
import re
import sys
from typing import Annotated, NoReturn

import segno
import typer

from bot.desk.accounts import Accounts, Credentials
from bot.desk.app import open_accounts
from bot.settings import GatewaySettings
from storage.audit import Audit
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.staff import ROLES, NameTaken, NoSuchStaff

desk_app = typer.Typer(no_args_is_help=True, help="Who may log in at the desk.")
_NAME = re.compile(r"[a-z0-9._-]{2,40}")


@desk_app.command()
def add(
    name: str,
    role: Annotated[str, typer.Option(help="clerk, editor or admin.")] = "clerk",
    called: Annotated[str, typer.Option(help="What people are told, as 王顾问.")] = "",
) -> None:
    """Add a member of staff, and print the password and the second factor."""
    if role not in ROLES:
        _fail(f"{role} is no role; one of: {', '.join(ROLES)}")
    if not _NAME.fullmatch(name):
        _fail(f"«{name}» cannot be a name to log in with: 2 to 40 of a-z, 0-9, dot, dash, underscore")
    accounts, _ = _open()
    try:
        made = accounts.add(name, called or name, role, _actor())
    except NameTaken:
        _fail(f"there is a {name} already; `advisor desk-user renew {name}` gives new credentials")
    _hand_over(name, made)


@desk_app.command()
def renew(name: str) -> None:
    """Give new credentials to somebody who lost theirs; every session of theirs ends."""
    accounts, _ = _open()
    try:
        made = accounts.renew(name, _actor())
    except NoSuchStaff:
        _fail(f"there is no {name}; see: advisor desk-user list")
    _hand_over(name, made)


@desk_app.command()
def disable(name: str) -> None:
    """Shut somebody out at once."""
    _set(name, "disabled")


@desk_app.command()
def enable(name: str) -> None:
    """Let somebody in again."""
    _set(name, "active")


@desk_app.command(name="list")
def list_() -> None:
    """List who may log in."""
    accounts, _ = _open()
    for member in accounts.book.all():
        print(f"{member.name:20} {member.role:8} {member.state:9} {member.shown}")


def _set(name: str, state: str) -> None:
    accounts, audit = _open()
    try:
        accounts.book.set_state(name, state)
    except NoSuchStaff:
        _fail(f"there is no {name}; see: advisor desk-user list")
    audit.note(_actor(), f"staff_{state}", name)
    print(f"{name} is {state}")


def _hand_over(name: str, made: Credentials) -> None:
    print(f"name: {name}\npassword: {made.password}\nsecond factor: {made.totp}")
    print("hand these over in person; they are not shown again. For the authenticator app, scan:")
    segno.make(made.address(name), micro=False).terminal(out=sys.stdout, compact=True)


def _open() -> tuple[Accounts, Audit]:
    settings = GatewaySettings()
    settings.var.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database, Cipher(settings.encryption_key()))
    database.migrate()
    return open_accounts(settings, database, now), Audit(database, now)


def _actor() -> str:
    return f"staff:{getpass.getuser()}"


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)

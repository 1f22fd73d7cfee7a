"""What is stored: the key, the database, and who works at the desk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import make_url

from bot.doctor.finding import Finding, Here, bad, ok, warning
from storage.crypto import CannotDecrypt, Cipher, RotationUnfinished, key_bytes
from storage.database import Database
from storage.readable import unreadable
from storage.staff import StaffBook


def key(here: Here) -> Iterable[Finding]:
    """Look whether there is a key, and whether it is one."""
    try:
        given = _key(here)
        if given is None and _file(here) is not None:
            yield bad(
                "key", f"{here.settings.var}/key is gone, what is stored cannot be read", "put it back from the backup"
            )
        elif given is None:
            yield warning("key", "none is made yet", "the first start makes it; then keep a copy in a safe place")
        else:
            key_bytes(given)
            yield ok("key")
    except RotationUnfinished:
        yield bad("key", "a change of the key was interrupted", "finish it: advisor key rotate")
    except ValueError:
        yield bad("key", "it is not 32 bytes in base64", "put the right one back from the backup")


def database(here: Here) -> Iterable[Finding]:
    """Look whether the database answers, is up to date, and can be read with our key."""
    opened = open_(here)
    if opened is None:
        yield warning("database", "none is made yet", "run: advisor prepare")
        return
    try:
        yield from _inside(opened)
    finally:
        opened.engine.dispose()


def _inside(opened: Database) -> Iterable[Finding]:
    shown = make_url(opened.url).render_as_string(hide_password=True)
    if not opened.is_up():
        yield bad("database", f"{shown} does not answer", "does it run, and does ADVISOR_DATABASE_URL hold?")
        return
    if not opened.is_current():
        yield bad("database", "it is not at the newest migration", "run: advisor prepare")
        return
    yield ok("database", shown)
    columns = unreadable(opened)
    if columns:
        yield bad(
            "what is stored",
            f"it was written with another key: {', '.join(columns)}",
            "put the right key back from the backup",
        )
    else:
        yield ok("what is stored", "can be read with the key")
    yield from _desk(StaffBook(opened))


def _desk(book: StaffBook) -> Iterable[Finding]:
    active = [member for member in book.all() if member.state == "active"]
    if not active:
        yield warning(
            "desk", "it has no account, so nobody can be handed over", "run: advisor desk-user add NAME --role admin"
        )
        return
    admins = [member for member in active if member.role == "admin"]
    if not admins:
        yield warning("desk", "nobody there is an administrator", "run: advisor desk-user add NAME --role admin")
    for member in admins:
        try:
            secrets = book.secrets(member.name)
            has_factor = bool(secrets and secrets.totp)
        except CannotDecrypt:
            has_factor = False
        if not has_factor:
            yield bad(
                "desk",
                f"the second factor of {member.name} cannot be read",
                f"run: advisor desk-user renew {member.name}",
            )
            return
    yield ok("desk", f"{len(active)} accounts, {len(admins)} administrators")


def open_(here: Here) -> Database | None:
    """Return the database; None where there is none yet, or no key: looking must not make either."""
    file, given = _file(here), _key(here)
    if given is None or (not here.settings.is_shared and file is None):
        return None
    return Database(here.settings.database, Cipher(given))


def _key(here: Here) -> str | None:
    if here.settings.key:
        return here.settings.key
    return here.settings.encryption_key() if (here.settings.var / "key").exists() else None


def _file(here: Here) -> Path | None:
    """Return SQLite's file where it is there."""
    url = make_url(here.settings.database)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database) if Path(url.database).exists() else None


CHECKS = (key, database)

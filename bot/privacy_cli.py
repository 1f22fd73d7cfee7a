"""``advisor privacy``: what is kept about somebody, given out or deleted at their written request.

Staff see to it first that who asks is who they say (docs/privacy.md). Each is in the audit, under the
request's own number, without the person's. A telephone number gives what is kept beside it and no more:
a conversation in which it was written may be another's, and is named to be asked for by itself.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bot.messages import phone_in
from bot.record_file import RecordFiles
from bot.settings import GatewaySettings
from storage.audit import Audit
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.erasing import Erasure
from storage.records import Records
from storage.trackers import Trackers

privacy_app = typer.Typer(no_args_is_help=True, help="What is kept about somebody: give it out, delete it.")
Phone = Annotated[str, typer.Option(help="What is kept beside this telephone number.")]
Conversation = Annotated[str, typer.Option(help="All that is kept of this conversation, as web:… or telegram:….")]
Request = Annotated[str, typer.Option(help="The number of the written request, for the audit.")]
By = Annotated[str, typer.Option(help="Who does it, for the audit.")]
ME = getpass.getuser()


@dataclass(frozen=True)
class Office:
    """What the commands work with."""

    database: Database
    trackers: Trackers
    files: RecordFiles


@privacy_app.command()
def export(file: Path, request: Request, phone: Phone = "", conversation: Conversation = "", by: By = ME) -> None:
    """Write what is kept to FILE: .json for another program, else to be read."""
    number = _one_of(phone, conversation)
    with _office() as here:
        record = here.files.of_phone(number) if number else here.files.of_conversation(conversation)
        content = here.files.data(record) if file.suffix.lower() == ".json" else here.files.text(record)
        try:
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
                handle.write(content)
        except OSError as error:
            _fail(f"{file} cannot be written ({error.strerror}); nothing was given out")
        Audit(here.database, now).note(f"staff:{by}", "privacy_export", request)
        print(f"{sum(map(len, record.rows.values()))} rows written to {file}; it holds names and phones: keep it safe")
        _name_conversations(here.database, number)


@privacy_app.command()
def erase(
    request: Request,
    phone: Phone = "",
    conversation: Conversation = "",
    by: By = ME,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
) -> None:
    """Delete what is kept; a booking still to come stays until its day is over."""
    number = _one_of(phone, conversation)
    with _office() as here:
        record = here.files.of_phone(number) if number else here.files.of_conversation(conversation)
        if not yes:
            typer.confirm(f"{sum(map(len, record.rows.values()))} rows. Delete them?", abort=True)
        erasure = Erasure(here.database)
        if number:
            kept, events = erasure.erase_phone(number, now()), 0
        else:
            events = here.trackers.forget(conversation)
            kept = erasure.erase(conversation, now())
        Audit(here.database, now).note(f"staff:{by}", "privacy_erase", request)
        print(f"deleted, with {events} events of the dialogue; {kept} bookings still to come stay until their day")
        if kept:
            print("to cancel one too: advisor bookings cancel CODE")
        _name_conversations(here.database, number)


def _one_of(phone: str, conversation: str) -> str | None:
    """Return the telephone number asked for, or None where it is a conversation."""
    if bool(phone) == bool(conversation):
        _fail("give --phone or --conversation, one of them")
    number = phone_in(phone) if phone else None
    if phone and number is None:
        _fail(f"{phone} is no telephone number")
    return number


def _name_conversations(database: Database, number: str | None) -> None:
    found = Records(database).conversations_of(number) if number else {}
    if not found:
        return
    print("the number was given in these conversations; ask for one with --conversation once it is sure whose it is:")
    for name, messages in found.items():
        print(f"  {name}  {messages} messages")


@contextmanager
def _office() -> Iterator[Office]:
    settings = GatewaySettings()
    database = Database(settings.database, Cipher(settings.encryption_key()))
    trackers = Trackers(settings.tracker_url, database.cipher)
    try:
        database.migrate()
        yield Office(database, trackers, RecordFiles(database, settings.tracker_url, now, settings.record_days))
    finally:
        trackers.close()
        database.engine.dispose()


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)

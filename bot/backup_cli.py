"""``advisor backup`` and ``advisor restore``: everything that was stored, as one file; never the key."""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
import time
import zlib
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from sqlalchemy.exc import SQLAlchemyError

from bot.client import NotRunning, running
from bot.settings import GatewaySettings
from knowledge.settings import KnowledgeSettings
from storage.backup import NotEmpty, dump, load
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.tables import Base
from storage.trackers import TRACKER_TABLES, Trackers

_MANIFEST, _OURS, _TRACKERS, _LIST = "manifest.json", "rows", "trackers", "services"


def add_backup(app: typer.Typer) -> None:
    """Add both commands."""
    app.command()(backup)
    app.command()(restore)


def backup(file: Path) -> None:
    """Write all that is stored, and the service list, into FILE. The system may run."""
    settings = GatewaySettings()
    database = _database(settings)
    if not database.is_current():
        _fail("the database does not answer, or is not up to date; run: advisor prepare")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=file.resolve().parent) as name:
        folder = Path(name)
        rows = dump(database.engine, Base.metadata, folder / _OURS)
        trackers = Trackers(settings.tracker_url, database.cipher)
        events = dump(trackers.engine, TRACKER_TABLES, folder / _TRACKERS) if trackers.exist() else {}
        manifest = {"made_at": now().isoformat(), "revision": database.revision(), "key": _mark(database)}
        (folder / _MANIFEST).write_text(json.dumps({**manifest, "rows": rows, "trackers": events}, indent=1))
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz") as archive:
            archive.add(folder, ".")
            archive.add(KnowledgeSettings().services, _LIST)
    _say(rows, events, f"into {file}", began)
    print("The key is not in it: keep var/key (or ADVISOR_KEY) in another place. Without it nobody can read this.")


def restore(file: Path, replace: Annotated[bool, typer.Option(help="Delete what is stored now.")] = False) -> None:
    """Put back what ``advisor backup`` wrote, all or nothing. The system must not run."""
    settings = GatewaySettings()
    _refuse_while_it_runs(settings)
    began = time.monotonic()
    database = _database(settings)
    database.migrate()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = _unpacked(file, folder)
        if manifest["revision"] != database.revision():
            _fail(f"{file} was written by another release ({manifest['revision']}): restore it with that, then update")
        if manifest["key"] != _mark(database):
            _fail(f"{file} was written with another key; put that one into {settings.var / 'key'} or ADVISOR_KEY")
        try:
            if manifest["trackers"]:  # first: without our tables a tracker harms nobody
                trackers = Trackers(settings.tracker_url, database.cipher)
                trackers.make()
                load(trackers.engine, TRACKER_TABLES, folder / _TRACKERS, manifest["trackers"], replace)
            load(database.engine, Base.metadata, folder / _OURS, manifest["rows"], replace)
        except NotEmpty as error:
            _fail(f"the table {error} is not empty; with --replace what is stored now is deleted first")
        except (SQLAlchemyError, OSError, ValueError, KeyError) as error:
            _fail(f"{file} cannot be put back ({type(error).__name__}: {error}); what was stored is as it was")
    _say(manifest["rows"], manifest["trackers"], "put back", began)
    print(f"The service list of that day is in {file} as {_LIST}/; it is not put back by itself.")


def _unpacked(file: Path, folder: Path) -> dict[str, Any]:
    try:
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text())
    except (OSError, tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        _fail(f"{file} is no backup of ours, or is damaged ({type(error).__name__}); nothing was changed")
    return manifest


def _refuse_while_it_runs(settings: GatewaySettings) -> None:
    try:
        running(settings)
    except NotRunning:
        return
    _fail("the advisor runs; stop it first, on every machine")


def _database(settings: GatewaySettings) -> Database:
    return Database(settings.database, Cipher(settings.encryption_key()))


def _mark(database: Database) -> str:
    """Return what tells one key from another, and nothing else of it."""
    return database.cipher.digest("backup", "key")[:16]


def _say(rows: dict[str, int], events: dict[str, int], done: str, began: float) -> None:
    whole = sum(rows.values()) + sum(events.values())
    print(f"{whole} rows, of them {rows['bookings']} bookings, {done} in {time.monotonic() - began:.1f} s")


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)

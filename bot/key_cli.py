"""``advisor key``: a new encryption key in the place of the old one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn

from bot.client import NotRunning, running
from bot.settings import GatewaySettings
from storage.crypto import (
    CannotDecrypt,
    Cipher,
    key_bytes,
    new_key,
    next_key_file,
    sync_folder,
    write_key,
)
from storage.database import Database
from storage.rotation import in_use, renew, wipe
from storage.trackers import Trackers

NEW_KEY = "ADVISOR_NEW_KEY"
key_app = typer.Typer(no_args_is_help=True, help="The key that names, phones and words are encrypted with.")


@key_app.callback()
def _key() -> None:
    """Keep ``rotate`` a command of its own, although it is the only one."""


@dataclass(frozen=True)
class Keys:
    """The key to come and the one before; ``file`` is where the key lies, None where it is in the settings."""

    new: str
    old: str
    file: Path | None
    begun: bool = False  # a change that was interrupted


class InUse(Exception):
    """Others work on the database: so many."""


@key_app.command()
def rotate(
    new_key_file: Annotated[
        Path | None, typer.Option(help="Holds the new key (32 bytes in base64); without it one is made.")
    ] = None,
    save_old: Annotated[
        Path | None, typer.Option(help="Write the old key there: a backup made until now opens with nothing else.")
    ] = None,
) -> None:
    """Encrypt everything with a new key, the trackers too. Stop the system first; interrupted, run it again."""
    settings = GatewaySettings()
    _refuse_while_it_runs(settings)
    try:
        keys = _keys(settings, new_key_file)
        if save_old:
            write_key(save_old, keys.old)
        changed = change_key(settings, keys)
    except InUse as error:
        _fail(f"{error.args[0]} others are connected to the database: stop the system on every machine first")
    except FileExistsError as error:
        _fail(f"{error.filename} is there already; nothing was changed")
    except (OSError, ValueError) as error:
        _fail(f"{error}; nothing was changed")
    except CannotDecrypt as error:
        _fail(f"{error}; nothing was changed. Set the key that it was written with, or restore a backup")
    print(f"{changed} rows are encrypted with the new key")
    if keys.file is None:
        print("now set ADVISOR_KEY to the new key on every machine, then start the system")
    print(f"a backup made before needs the old key{f': it is in {save_old}' if save_old else ', which is gone'}")


def change_key(settings: GatewaySettings, keys: Keys) -> int:
    """Write everything with the new key, then put it in the old one's place; return how many rows were changed.

    Raises InUse and CannotDecrypt: then nothing is changed.
    """
    database = Database(settings.database, Cipher(keys.new, [keys.old]))
    trackers = Trackers(settings.tracker_url, database.cipher)
    columns = TextColumn("{task.completed} rows looked at")
    try:
        database.migrate()
        others = in_use(database)
        if others:
            raise InUse(others)
        _begin(keys)
        with Progress(columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=None)
            changed = renew(database, trackers, lambda done: bar.advance(task, done))
        wipe(database)
    except CannotDecrypt:
        if keys.file and not keys.begun:  # nothing was written with it
            next_key_file(keys.file).unlink()
        raise
    finally:
        trackers.close()
        database.engine.dispose()
    if keys.file:
        os.replace(next_key_file(keys.file), keys.file)
        sync_folder(keys.file.parent)
    return changed


def _keys(settings: GatewaySettings, new_key_file: Path | None) -> Keys:
    """Return the keys; with one that was begun with before, it is gone on with. Raises ValueError."""
    given = new_key_file.read_text(encoding="ascii").strip() if new_key_file else os.environ.get(NEW_KEY, "")
    if settings.key:
        if not given:
            raise ValueError(f"the key is in ADVISOR_KEY: give the new one with --new-key-file or in {NEW_KEY}")
        keys = Keys(given, settings.key, None)
    else:
        file = settings.var / "key"
        if not file.is_file():
            raise ValueError(f"there is no {file} yet: nothing is encrypted")
        coming = next_key_file(file)
        begun = coming.read_text(encoding="ascii").strip() if coming.exists() else ""
        if given and begun and given != begun:
            raise ValueError("a change to another key was interrupted: finish it first, without a key given")
        keys = Keys(begun or given or new_key(), file.read_text(encoding="ascii").strip(), file, bool(begun))
    if key_bytes(keys.new) == key_bytes(keys.old):
        raise ValueError("the new key is the old one")
    return keys


def _begin(keys: Keys) -> None:
    """Have a new key of ours on the disk before anything is written with it."""
    if keys.file and not keys.begun:
        write_key(next_key_file(keys.file), keys.new)


def _refuse_while_it_runs(settings: GatewaySettings) -> None:
    try:
        running(settings)
    except NotRunning:
        return
    _fail("the system runs, and would go on writing with the old key: stop it first, then run this again")


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)

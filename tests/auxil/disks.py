"""Databases in trouble: locked by somebody, without a byte left, on a disk that nobody may write."""

from __future__ import annotations

import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.database import Database


def file_of(database: Database) -> Path:
    """Return the SQLite file."""
    return Path(str(database.engine.url.database))


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the database's one write lock, as a backup tool or a hung process does."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def locked_for(file: Path, seconds: float) -> Iterator[None]:
    """Hold the lock for some seconds from now, while the block runs."""
    held, ends = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(file):
            held.set()
            ends.wait(seconds)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    try:
        yield
    finally:
        ends.set()
        thread.join()


@contextmanager
def full() -> Iterator[None]:
    """Let this process write no byte more into any file: the system refuses it, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def read_only(database: Database) -> Database:
    """Return the same database as from a disk that is mounted read-only."""
    database.engine.dispose()
    return Database(f"sqlite:///file:{file_of(database)}?mode=ro&uri=true", database.cipher)

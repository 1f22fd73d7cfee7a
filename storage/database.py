"""The engine and its transactions: commit or roll back in one place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from storage.crypto import Cipher

_MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK_WAIT_S = 5
TRACKERS = "trackers"  # the schema in PostgreSQL


class Database:
    """One engine and one cipher, passed to the repositories. Safe to share by threads."""

    def __init__(self, url: str, cipher: Cipher) -> None:
        """Open ``url`` (SQLite or PostgreSQL); no connection is made yet."""
        self.url = url
        self.cipher = cipher
        self.engine = _engine(url)
        self._writer = self.engine.execution_options(writes=True)
        self._writing = threading.Lock() if self.engine.name == "sqlite" else nullcontext()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session; commit at the end, roll back on any error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session that may write from its start; commit at the end, roll back on any error.

        SQLite has one writer: it is taken at once, so that no transaction reads first and
        then finds that it may not write. Threads queue here, other processes in SQLite.
        """
        with self._writing, Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def migrate(self) -> None:
        """Bring the schema up to date, and make room for Rasa's trackers where they are in the same database."""
        if self.engine.name == "postgresql":
            with self.engine.begin() as connection:
                connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {TRACKERS}"))
        command.upgrade(alembic_config(self.url), "head")

    def is_current(self) -> bool:
        """Return whether the schema is the newest; False also where the database does not answer."""
        newest = ScriptDirectory.from_config(alembic_config(self.url)).get_current_head()
        try:
            return self.revision() == newest
        except SQLAlchemyError:
            return False

    def revision(self) -> str | None:
        """Return which migration the schema is at; None where it is empty. Raises SQLAlchemyError."""
        with self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def is_up(self) -> bool:
        """Return whether the database answers."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for ``url``."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def _engine(url: str) -> Engine:
    # An error shows the statement, never its parameters: they are what people said.
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    connecting = {"timeout": _LOCK_WAIT_S, "check_same_thread": False}
    engine = create_engine(url, connect_args=connecting, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, record: Any) -> None:
        # WAL lets readers go on while one writes; NORMAL is safe with it against a crash
        # of the process, which is what promise 2 asks.
        connection.isolation_level = None  # BEGIN is ours, below
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine

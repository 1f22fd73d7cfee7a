"""Empty databases with their tables, quickly: migrations run once, then what they made is copied or emptied."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from sqlalchemy import MetaData, text

from storage.crypto import Cipher, new_key
from storage.database import Database


def emptied(database: Database) -> Database:
    """Return the database (SQLite, not there yet, or PostgreSQL) with all tables, and nothing in them."""
    if database.engine.name == "sqlite":
        Path(str(database.engine.url.database)).write_bytes(_migrated())
        return database
    with database.engine.begin() as connection:
        tables = MetaData()
        tables.reflect(connection)
        there = [table.name for table in tables.sorted_tables if table.name != "alembic_version"]
        if there and "alembic_version" in tables.tables:
            connection.execute(text(f"TRUNCATE {', '.join(there)} RESTART IDENTITY CASCADE"))
            return database
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    database.migrate()
    return database


@functools.cache
def _migrated() -> bytes:
    """Return the file of an empty SQLite database after all migrations."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.db"
        database = Database(f"sqlite:///{file}", Cipher(new_key()))
        database.migrate()
        database.engine.dispose()  # the last connection puts the write-ahead log into the file
        return file.read_bytes()

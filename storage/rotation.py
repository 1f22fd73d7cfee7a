"""A new key: everything that is encrypted is written anew, and what is found by a digest gets a new digest.

One transaction a database. What is kept can be read with either key until the last of them is
written, so that whoever is interrupted begins again and loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, bindparam, select, text, update
from sqlalchemy.orm import Session

from storage import booking_tables, desk_tables  # noqa: F401 (they add their tables)
from storage.crypto import CannotDecrypt, Cipher
from storage.database import Database
from storage.digests import person_digest, phone_digest
from storage.tables import Base
from storage.trackers import Trackers

_BATCH = 500
_ENDING_S = (0.2, 0.5, 0)  # a connection that was closed just now is still seen for a moment
Digest = Callable[[Cipher, Mapping[str, Any]], str]
# What is reckoned with the key from a row's other columns, decrypted.
DIGESTS: Mapping[str, Mapping[str, Digest]] = MappingProxyType(
    {
        "bookings": {
            "phone_digest": lambda cipher, row: phone_digest(cipher, row["phone"]) if row["phone"] else "",
            "person": lambda cipher, row: (
                person_digest(cipher, row["phone"], row["for_whom"]) if row["phone"] else row["person"]
            ),
        }
    }
)


def encrypted() -> dict[Table, list[Column[Any]]]:
    """Return the encrypted columns of every table that has some: bytes are nothing else here."""
    found = {
        table: [column for column in table.columns if isinstance(column.type, LargeBinary)]
        for table in Base.metadata.sorted_tables
    }
    return {table: columns for table, columns in found.items() if columns}


def renew(database: Database, trackers: Trackers, told: Callable[[int], None] = lambda done: None) -> int:
    """Write everything with the key of the database's cipher; return how many rows were not yet.

    ``told`` hears how many rows were looked at. Raises CannotDecrypt where something was written with
    neither key: then nothing is changed.
    """
    with database.write() as session:
        changed = sum(_renew(session, database.cipher, table, columns, told) for table, columns in encrypted().items())
        return changed + trackers.renew(told)


def in_use(database: Database) -> int:
    """Return how many others are connected to a PostgreSQL database; 0 for SQLite, where nobody can tell."""
    if database.engine.name == "sqlite":
        return 0
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    for wait in _ENDING_S:
        with database.transaction() as session:
            count = int(session.scalar(others) or 0)
        if not count:
            break
        time.sleep(wait)
    return count


def wipe(database: Database) -> None:
    """Have SQLite write its file anew: without the pages that were written with the key before."""
    if database.engine.name != "sqlite":
        return
    connection = database.engine.raw_connection()
    try:
        for order in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
            connection.cursor().execute(order)
    finally:
        connection.close()


def _renew(
    session: Session, cipher: Cipher, table: Table, columns: list[Column[Any]], told: Callable[[int], None]
) -> int:
    (key,) = table.primary_key.columns
    digests = DIGESTS.get(table.name, {})
    own, changed, last = cipher.only_current(), 0, None
    setting = update(table).where(key == bindparam("at"))
    while True:
        query = select(table).order_by(key).limit(_BATCH)
        rows = session.execute(query if last is None else query.where(key > last)).mappings().all()
        if not rows:
            return changed
        for row in rows:
            old = {column.name: row[column.name] for column in columns if row[column.name] is not None}
            if all(_reads(own, data, f"{table.name}.{name}") for name, data in old.items()):
                continue
            plain = {
                name: _decrypted(cipher, data, f"{table.name}.{name}", row[key.name]) for name, data in old.items()
            }
            new: dict[str, Any] = {name: cipher.encrypt(value, f"{table.name}.{name}") for name, value in plain.items()}
            new |= {name: digest(cipher, {**row, **plain}) for name, digest in digests.items()}
            session.execute(setting.values(**new), {"at": row[key.name]})
            changed += 1
        last = rows[-1][key.name]
        told(len(rows))


def _reads(cipher: Cipher, data: bytes, column: str) -> bool:
    try:
        cipher.decrypt(data, column)
    except CannotDecrypt:
        return False
    return True


def _decrypted(cipher: Cipher, data: bytes, column: str, row: object) -> str:
    try:
        return cipher.decrypt(data, column)
    except CannotDecrypt as error:
        raise CannotDecrypt(f"{column} of row {row} was written with neither key") from error

"""Whether what is stored can be read with the key we have."""

from __future__ import annotations

from sqlalchemy import LargeBinary, select

from storage import booking_tables, desk_tables  # noqa: F401 (they add their tables)
from storage.crypto import CannotDecrypt
from storage.database import Database
from storage.tables import Base

_LOOKED_AT = 3  # values of each column: whoever lost the key has lost them all


def unreadable(database: Database) -> list[str]:
    """Return the encrypted columns with a value that our key does not open. Nothing of the values is kept."""
    found = []
    with database.transaction() as session:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if not isinstance(column.type, LargeBinary):  # bytes are nothing else here
                    continue
                values = session.scalars(select(column).where(column.is_not(None)).limit(_LOOKED_AT)).all()
                if not all(_opens(database, value, f"{table.name}.{column.name}") for value in values):
                    found.append(f"{table.name}.{column.name}")
    return found


def _opens(database: Database, value: bytes, column: str) -> bool:
    try:
        database.cipher.decrypt(value, column)
    except CannotDecrypt:
        return False
    return True

"""Secrets of ours that must outlive a change of the key."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from storage.crypto import CannotDecrypt
from storage.database import Database
from storage.tables import KeptSecretRow

_VALUE = "kept_secrets.value"


def kept_secret(database: Database, name: str, first: str) -> str:
    """Return the secret of that name, ``first`` where none is kept yet: the same on every machine, for ever.

    Raises CannotDecrypt where the database was written with another key: then nothing else can be read either.
    """
    row = _read(database, name)
    if row is None:
        try:
            with database.write() as session:
                session.add(KeptSecretRow(name=name, value=database.cipher.encrypt(first, _VALUE)))
        except IntegrityError:  # another machine was first
            row = _read(database, name)
    try:
        return database.cipher.decrypt(row.value, _VALUE) if row else first
    except CannotDecrypt as error:
        raise CannotDecrypt(
            "the database was written with another key than ADVISOR_KEY or var/key: set the one it was written with"
        ) from error


def _read(database: Database, name: str) -> KeptSecretRow | None:
    with database.transaction() as session:
        return session.get(KeptSecretRow, name)

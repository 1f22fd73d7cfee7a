"""What stands around a change of the key: our own secrets, who else is connected, what the file still holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from storage.crypto import CannotDecrypt, Cipher, new_key
from storage.database import Database
from storage.kept_secrets import kept_secret
from storage.rotation import in_use, renew, wipe
from storage.tables import Base
from storage.trackers import Trackers


def test_the_secret_of_the_cookies_is_the_same_after_it(database: Database, tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    before = Database(database.url, Cipher(old))
    secret = kept_secret(before, "web.session", "the first")
    assert kept_secret(before, "web.session", "another") == secret == "the first"
    renew(Database(database.url, Cipher(new, [old])), Trackers(f"sqlite:///{tmp_path / 'none.db'}", Cipher(new)))
    assert kept_secret(Database(database.url, Cipher(new)), "web.session", "another") == secret
    with pytest.raises(CannotDecrypt, match="another key"):
        kept_secret(before, "web.session", "x")


def test_who_is_connected_to_the_database_is_seen(database: Database) -> None:
    database.engine.dispose()
    before = in_use(database)
    other = Database(database.url, database.cipher)
    with other.engine.connect():
        assert in_use(database) == (before + 1 if database.engine.name == "postgresql" else 0)
    other.engine.dispose()


def test_the_file_holds_nothing_of_before(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}", Cipher(new_key()))
    database.migrate()
    for number in range(1, 200):
        kept_secret(database, f"s{number}", "x" * 100)
    with database.transaction() as session:
        old = session.scalars(select(Base.metadata.tables["kept_secrets"].c.value)).all()
    database.engine.dispose()
    new = Database(database.url, Cipher(new_key(), [database_key(database)]))
    renew(new, Trackers("sqlite:///none.db", new.cipher))
    wipe(new)
    new.engine.dispose()
    data = b"".join(file.read_bytes() for file in tmp_path.glob("a.db*"))
    assert [value for value in old if value in data] == []


def database_key(database: Database) -> str:
    return database.cipher._key

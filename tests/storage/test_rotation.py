"""A new key: everything can be read with it and nothing without, however often it is interrupted."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Date, Float, Integer, LargeBinary, String, Table, insert, select, text

from actions.booking.bookings import Bookings
from storage.clock import SHANGHAI
from storage.crypto import CannotDecrypt, Cipher, new_key
from storage.database import Database
from storage.digests import person_digest, phone_digest
from storage.rotation import DIGESTS, encrypted, renew
from storage.tables import Base, Moment
from storage.trackers import SEALED_INSIDE, Trackers
from tests.auxil.booking import Clock

AT = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)
PHONE = "13764920583"
# Columns as long as a digest that hold no digest made with the key.
NOT_KEYED = {
    "staff_sessions.digest": "SHA-256 of a random cookie",
    "list_drafts.base": "SHA-256 of the service list",
    "buttons.title": "words on a button",
}


@dataclass
class Kept:
    """A database and trackers, everywhere written with ``old``."""

    database: Database
    tracker_url: str
    old: str
    new: str

    def renew(self) -> int:
        """Do it as the command does."""
        database = Database(self.database.url, Cipher(self.new, [self.old]))
        trackers = Trackers(self.tracker_url, database.cipher)
        try:
            return renew(database, trackers)
        finally:
            trackers.close()
            database.engine.dispose()


@pytest.fixture
def kept(database: Database, tmp_path: Path) -> Iterator[Kept]:
    old = new_key()
    written = Database(database.url, Cipher(old))
    for number in range(1, 8):
        fill(written, number)
    url = f"sqlite:///{tmp_path / 'tracker.db'}"
    if written.engine.name == "postgresql":  # as the dialogue server names it, in a schema of its own
        with written.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA IF EXISTS rasa CASCADE"))
            connection.execute(text("CREATE SCHEMA rasa"))
        url = written.url.replace("+psycopg:", "+psycopg2:") + "?options=-csearch_path%3Drasa"
    plant_events(url, written.cipher)
    yield Kept(written, url, old, new_key())
    written.engine.dispose()


def fill(database: Database, number: int) -> None:
    """Put a row into every table, each encrypted column with a text of its own."""
    with database.write() as session:
        for table in Base.metadata.sorted_tables:
            values = {column.name: value(database.cipher, table, column, number) for column in table.columns}
            for name, digest in DIGESTS.get(table.name, {}).items():
                values[name] = digest(database.cipher, {**values, "phone": plain(table, "phone", number)})
            session.execute(insert(table).values(**values))


def plain(table: Table, column: str, number: int) -> str:
    text = f"{table.name}.{column} {number}"
    return {"phone": f"1380000{number:04}", "reply": json.dumps(text)}.get(column, text)


def value(cipher: Cipher, table: Table, column: Column[Any], number: int) -> Any:
    if isinstance(column.type, LargeBinary):
        return cipher.encrypt(plain(table, column.name, number), f"{table.name}.{column.name}")
    if column.foreign_keys:
        (key,) = column.foreign_keys
        return value(cipher, key.column.table, key.column, number)
    if isinstance(column.type, String):
        return f"{number:0>{min(column.type.length or 8, 8)}}" if column.type.length != 6 else f"{number:06}"
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, Integer):
        return {"taken": 0}.get(column.name, number)
    if isinstance(column.type, Float):
        return 1.0
    if isinstance(column.type, Date):
        return date(2026, 1, number)
    assert isinstance(column.type, Moment)
    return AT


def plant_events(url: str, cipher: Cipher) -> None:
    trackers = Trackers(url, cipher)
    events: list[dict[str, Any]] = [
        {"event": "user", "text": "我要约", "metadata": {"phone": cipher.seal(PHONE, "message.phone")}},
        {"event": "slot", "name": "talk", "value": {"booking": {"phone": cipher.seal(PHONE, "booking.phone")}}},
        {"event": "bot", "data": {"custom": {"blocks": [{"contact": [{"name": "热线", "phone": "12345"}]}]}}},
    ]
    trackers.make()
    with trackers.engine.begin() as connection:
        for number, event in enumerate(events * 300, 1):
            connection.execute(
                text("INSERT INTO events (id, sender_id, type_name, data) VALUES (:id, 'web:1', :type, :data)"),
                {"id": number, "type": event["event"], "data": cipher.seal(json.dumps(event), "tracker")},
            )
    trackers.close()


def unreadable(kept: Kept, key: str) -> list[str]:
    """Return what cannot be read with one key alone."""
    cipher, found = Cipher(key), []
    with kept.database.transaction() as session:
        for table, columns in encrypted().items():
            for row in session.execute(select(table)).mappings():
                for column in columns:
                    try:
                        cipher.decrypt(row[column.name], f"{table.name}.{column.name}")
                    except CannotDecrypt:
                        found.append(f"{table.name}.{column.name}")
    trackers = Trackers(kept.tracker_url, cipher)
    with trackers.engine.connect() as connection:
        for (data,) in connection.execute(text("SELECT data FROM events")):
            try:
                event = json.loads(cipher.unseal(data, "tracker"))
                if event["event"] == "user":
                    assert cipher.unseal(event["metadata"]["phone"], "message.phone") == PHONE
                if event["event"] == "slot":
                    assert cipher.unseal(event["value"]["booking"]["phone"], "booking.phone") == PHONE
                if event["event"] == "bot":
                    assert event["data"]["custom"]["blocks"][0]["contact"][0]["phone"] == "12345"
            except CannotDecrypt:
                found.append("events")
    trackers.close()
    return found


def test_everything_can_be_read_with_the_new_key_and_nothing_with_the_old(kept: Kept) -> None:
    everything = sum(len(columns) for columns in encrypted().values()) * 7 + 900
    assert len(unreadable(kept, kept.new)) == everything
    kept.renew()
    assert unreadable(kept, kept.new) == []
    assert len(unreadable(kept, kept.old)) == everything


def test_the_words_are_the_same_as_before(kept: Kept) -> None:
    kept.renew()
    cipher = Cipher(kept.new)
    with kept.database.transaction() as session:
        for table, columns in encrypted().items():
            (key,) = table.primary_key.columns
            for number, row in enumerate(session.execute(select(table).order_by(key)).mappings(), 1):
                for column in columns:
                    was = cipher.decrypt(row[column.name], f"{table.name}.{column.name}")
                    assert was == plain(table, column.name, number)


def test_a_booking_is_found_by_its_phone_after_it(kept: Kept, clock: Clock) -> None:
    kept.renew()
    cipher = Cipher(kept.new)
    table = Base.metadata.tables["bookings"]
    with kept.database.transaction() as session:
        for row in session.execute(select(table)).mappings():
            phone = cipher.decrypt(row["phone"], "bookings.phone")
            assert row["phone_digest"] == phone_digest(cipher, phone)
            assert row["person"] == person_digest(cipher, phone, row["for_whom"])
    found = Bookings(Database(kept.database.url, cipher), clock)
    with kept.database.write() as session:
        session.execute(table.update().values(conversation="telegram:7"))
    assert found.telegram_of("13800000003") == "telegram:7"
    assert found.telegram_of("13800009999") is None


def test_a_second_time_there_is_nothing_to_do(kept: Kept) -> None:
    assert kept.renew() > 900
    assert kept.renew() == 0


@pytest.mark.parametrize("seed", range(6))
def test_interrupted_anywhere_nothing_is_lost_and_it_ends_when_run_again(
    kept: Kept, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(seed)
    for _ in range(3):
        left = dice.randrange(1, 1_400)
        real = Cipher.encrypt

        def breaks(self: Cipher, text: str, column: str, real: Any = real) -> bytes:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            return bytes(real(self, text, column))

        with monkeypatch.context() as broken:
            broken.setattr(Cipher, "encrypt", breaks)
            with suppress(KeyboardInterrupt):
                kept.renew()
        both = Cipher(kept.new, [kept.old])
        with kept.database.transaction() as session:
            for table, columns in encrypted().items():
                for row in session.execute(select(table)).mappings():
                    for column in columns:  # raises where one is lost
                        both.decrypt(row[column.name], f"{table.name}.{column.name}")
    kept.renew()
    assert unreadable(kept, kept.new) == []


def test_one_database_written_and_the_other_not_is_gone_on_with(kept: Kept) -> None:
    database = Database(kept.database.url, Cipher(kept.new, [kept.old]))
    trackers = Trackers(kept.tracker_url, database.cipher)
    assert trackers.renew() == 900
    trackers.close()
    database.engine.dispose()
    kept.renew()
    assert unreadable(kept, kept.new) == []


def test_what_neither_key_reads_stops_it_and_nothing_is_changed(kept: Kept) -> None:
    table = Base.metadata.tables["turns"]
    foreign = Cipher(new_key()).encrypt("?", "turns.text")
    with kept.database.write() as session:
        session.execute(table.update().where(table.c.number == 7).values(text=foreign))
    before = len(unreadable(kept, kept.old))
    with pytest.raises(CannotDecrypt, match=r"turns\.text of row 7"):
        kept.renew()
    assert len(unreadable(kept, kept.old)) == before


def test_every_column_that_may_hold_a_digest_is_known() -> None:
    keyed = {f"{table}.{column}" for table, columns in DIGESTS.items() for column in columns}
    long = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, String) and column.type.length == 64
    }
    assert long == keyed | NOT_KEYED.keys()


def test_every_encrypted_column_has_a_table_that_can_be_walked_and_is_written_with_its_own_name() -> None:
    names = {f"{table.name}.{column.name}" for table, columns in encrypted().items() for column in columns}
    assert all(len(table.primary_key.columns) == 1 for table in encrypted())
    written = set()
    for file in [*Path("storage").glob("*.py"), *Path("actions/booking").glob("*.py")]:
        written |= set(
            re.findall(r'"([a-z_]+\.(?:name|phone|text|reply|totp|value))"', file.read_text(encoding="utf-8"))
        )
    assert names == written - set(SEALED_INSIDE)


def test_every_sealed_thing_that_travels_is_known() -> None:
    purposes = set()
    for folder in ("bot", "actions"):
        for file in Path(folder).rglob("*.py"):
            purposes |= set(re.findall(r"\.seal\([^,]+, ([A-Za-z_\".]+)\)", file.read_text(encoding="utf-8")))
    assert purposes == {"PHONE", '"message.phone"'}  # PHONE is booking.phone, of actions/booking_talk/form.py
    assert set(SEALED_INSIDE) == {"booking.phone", "message.phone"}

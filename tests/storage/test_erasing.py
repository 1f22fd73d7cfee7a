"""An erasure goes through every table that knows of the conversation, and no other's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Integer, func, insert, select

from storage.booking_tables import AuditRow, BookingRow, CallRow, OutboxRow
from storage.database import Database
from storage.digests import phone_digest
from storage.erasing import Erasure, nobody
from storage.records import OURS, Records, conversation_tables
from storage.retention import AUDIT_KEPT, Retention
from storage.tables import Base, InboxRow
from tests.storage.test_rotation import AT, value

MINE, OTHERS = "telegram:77", "telegram:78"
PHONE = "13764920583"


def plant(database: Database, number: int, conversation: str, **given: Any) -> None:
    """Put a row into every table; those that know of a conversation are this one's."""
    with database.write() as session:
        for table in Base.metadata.sorted_tables:
            row = {
                column.name: value(database.cipher, table, column, number)
                for column in table.columns
                if not (column.primary_key and isinstance(column.type, Integer))  # the database's own numbers
            }
            for name in ("conversation", "actor"):
                if name in row:
                    row[name] = conversation
            if table.name == "bookings":
                row |= {"person": f"p{number}", "state": "booked"}
            if "state" in row and table.name == "inbox":
                row["state"] = "done"
            row |= {name: each for name, each in given.items() if name in row}
            session.execute(insert(table).values(**row))


def left(database: Database, conversation: str) -> set[str]:
    with database.transaction() as session:
        return {
            table.name
            for table in conversation_tables()
            if session.scalar(select(func.count()).select_from(table).where(table.c.conversation == conversation))
        }


def test_nothing_is_left_in_any_table_that_has_conversations(database: Database) -> None:
    plant(database, 1, MINE)
    plant(database, 2, OTHERS)
    everywhere = {table.name for table in conversation_tables()}
    assert left(database, MINE) == everywhere
    assert Erasure(database).erase(MINE, AT + timedelta(days=1)) == 0
    assert left(database, MINE) == set()
    assert left(database, OTHERS) == everywhere
    with database.transaction() as session:
        actors = set(session.scalars(select(AuditRow.actor)))
    assert actors == {nobody(MINE), OTHERS}


def test_no_text_column_of_any_table_names_the_conversation_afterwards(database: Database) -> None:
    plant(database, 1, MINE)
    Erasure(database).erase(MINE, AT + timedelta(days=1))
    with database.transaction() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                assert MINE not in [str(cell) for cell in row], table.name


def test_a_booking_to_come_goes_once_its_day_is_over(database: Database) -> None:
    plant(database, 1, MINE)
    before = AT - timedelta(days=3)  # the booking's time is AT
    assert Erasure(database).erase(MINE, before) == 1
    assert left(database, MINE) == {"bookings", "outbox", "calls", "no_reminders"}
    retention, long_ago = Retention(database), AT - timedelta(days=40)
    assert retention.forget_bookings(long_ago, AT + timedelta(hours=3)) == 0  # the same day
    midnight = AT.replace(hour=0) + timedelta(days=1)
    assert retention.forget_bookings(long_ago, midnight - timedelta(seconds=1)) == 0
    assert retention.forget_bookings(long_ago, midnight) == 1
    retention.forget(long_ago)
    assert left(database, MINE) == set()


def test_what_came_behind_the_wish_stays(database: Database) -> None:
    plant(database, 1, MINE)
    with database.write() as session:
        for name in ("asks", "later"):
            row = session.scalars(select(InboxRow)).first()
            assert row
            session.add(
                InboxRow(
                    id=name,
                    channel="web",
                    external_id=name,
                    conversation=MINE,
                    text=row.text,
                    state="received",
                    received_at=AT,
                    sequence=1,
                )
            )
    Erasure(database).erase(MINE, AT + timedelta(days=1), asked_in="asks")
    with database.transaction() as session:
        assert list(session.scalars(select(InboxRow.id))) == ["later"]


def test_the_record_holds_every_table_and_no_other_persons_row(database: Database) -> None:
    plant(database, 1, MINE)
    plant(database, 2, OTHERS)
    rows = Records(database).of_conversation(MINE)
    assert set(rows) == {table.name for table in conversation_tables()} | {"audit", "events"}
    assert all(len(each) == 1 for each in rows.values())
    assert OTHERS not in str(rows)
    assert rows["turns"][0]["text"] == "turns.text 1"
    for each in rows.values():
        assert not set(each[0]) & OURS
        assert not any(isinstance(cell, bytes) for cell in each[0].values())


def give_phones(database: Database) -> None:
    """Two people with a booking, a call and a message each; one number is PHONE."""
    for number, conversation, phone in ((1, MINE, PHONE), (2, OTHERS, "13800000002")):
        cipher = database.cipher
        plant(database, number, conversation, phone_digest=phone_digest(cipher, phone))
        with database.write() as session:
            for name in ("bookings", "calls", "inbox", "tickets"):
                table = Base.metadata.tables[name]
                sealed = cipher.encrypt(phone, f"{name}.phone")
                session.execute(table.update().where(table.c.conversation == conversation).values(phone=sealed))


def test_by_a_phone_only_what_stands_beside_it_is_given(database: Database) -> None:
    give_phones(database)
    records = Records(database)
    rows = records.of_phone(PHONE)
    assert set(rows) == {"bookings", "outbox", "calls", "events"}
    assert all(len(each) == 1 for each in rows.values())
    assert rows["bookings"][0]["phone"] == PHONE
    assert "13800000002" not in str(rows)
    assert "turns.text" not in str(rows)  # what was said may be another's
    assert records.conversations_of(PHONE) == {MINE: 1}
    assert records.of_phone("13900000000") == {}


@pytest.mark.parametrize("to_come", [False, True])
def test_by_a_phone_only_what_stands_beside_it_is_deleted(database: Database, to_come: bool) -> None:
    give_phones(database)
    now = AT + timedelta(days=-1 if to_come else 1)
    assert Erasure(database).erase_phone(PHONE, now) == int(to_come)
    everything = {table.name for table in conversation_tables()}
    assert left(database, OTHERS) == everything
    assert left(database, MINE) == everything - (set() if to_come else {"bookings", "outbox", "calls"})
    assert set(Records(database).conversations_of(PHONE)) == ({MINE} if to_come else set())


def test_everything_is_kept_to_the_last_second_of_its_days_and_no_longer(database: Database) -> None:
    plant(database, 1, MINE, state="closed", due_at=AT, until=AT)
    with database.write() as session:
        session.execute(Base.metadata.tables["inbox"].update().values(state="done"))
        session.execute(Base.metadata.tables["bookings"].update().values(state="booked"))
        session.execute(Base.metadata.tables["outbox"].update().values(state="sent"))
        session.execute(Base.metadata.tables["calls"].update().values(state="done"))
    retention = Retention(database)
    everywhere = {table.name for table in conversation_tables()}
    for before, stays in ((AT, everywhere), (AT + timedelta(seconds=1), set[str]())):
        retention.forget(before)
        retention.forget_bookings(before, before + timedelta(days=30))
        retention.forget(before)  # settings go with the last that hangs on them
        assert left(database, MINE) == stays
    with database.transaction() as session:
        booking = session.scalars(select(BookingRow)).one()
        assert (booking.name, booking.phone_digest, booking.conversation) == (None, "", "telegram:erased")
        assert database.cipher.decrypt(booking.phone, "bookings.phone") == ""
        assert session.scalar(select(func.count()).select_from(OutboxRow)) == 0
        assert session.scalar(select(func.count()).select_from(CallRow)) == 0
        assert session.scalar(select(func.count()).select_from(Base.metadata.tables["leases"])) == 0
        assert session.scalar(select(func.count()).select_from(AuditRow)) == 1
    retention.forget(AT + AUDIT_KEPT)
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(AuditRow)) == 1
    retention.forget(AT + AUDIT_KEPT + timedelta(seconds=1))
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(AuditRow)) == 0


def test_what_waits_for_staff_or_is_still_to_be_sent_is_not_forgotten(database: Database) -> None:
    plant(database, 1, MINE, state="open")
    with database.write() as session:
        session.execute(Base.metadata.tables["inbox"].update().values(state="done"))
        session.execute(Base.metadata.tables["calls"].update().values(state="open", done_at=None))
        session.execute(Base.metadata.tables["outbox"].update().values(state="pending"))
    retention = Retention(database)
    retention.forget(AT + timedelta(days=1))
    retention.forget_bookings(AT + timedelta(days=1), AT + timedelta(days=31))
    assert {"tickets", "inbox", "turns", "calls", "outbox", "desk_messages"} <= left(database, MINE)

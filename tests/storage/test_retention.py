from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from storage.clock import SHANGHAI
from storage.database import Database
from storage.inbox import Inbox, Received
from storage.retention import Retention
from storage.tickets import NewTicket
from storage.turns import Turn, Turns

AT = datetime(2026, 11, 25, 9, 30, tzinfo=SHANGHAI)
LATER = timedelta(days=31)


def message(number: int) -> Received:
    return Received(f"id{number}", "web", f"x{number}", "web:abc", "我住在延安路", None, AT)


def turn(number: int) -> Turn:
    return Turn(f"id{number}", "web:abc", "问", '{"a": 1}', "answered_service", "ask_service", "respite", 12.0, AT)


def test_what_was_said_is_forgotten_and_nothing_younger(database: Database) -> None:
    inbox, turns = Inbox(database), Turns(database)
    for number in (1, 2):
        said = replace(message(number), received_at=AT - LATER if number == 1 else AT)
        assert inbox.store(said)
        turns.record(turn(number))
    assert Retention(database).forget(AT - timedelta(days=30)) == 1
    assert [each.inbox_id for each in turns.last(turn(2).conversation, 9)] == [turn(2).inbox_id]


def test_an_open_ticket_keeps_its_message_and_nobody_keeps_one_that_was_never_answered(database: Database) -> None:
    inbox, turns = Inbox(database), Turns(database)
    inbox.store(message(1))
    turns.record(turn(1), ticket=NewTicket("emergency_fall", 3))
    assert Retention(database).forget(AT + LATER) == 0
    inbox.store(message(2))  # and the server died: after so long nobody answers it any more
    assert Retention(database).forget(AT) == 0
    assert Retention(database).forget(AT + LATER) == 1


def test_many_are_forgotten_and_a_second_time_none(database: Database) -> None:
    inbox, turns = Inbox(database), Turns(database)
    for number in range(1, 1203):
        inbox.store(message(number))
        turns.record(turn(number))
    assert Retention(database).forget(AT + LATER) == 1202
    assert Retention(database).forget(AT + LATER) == 0

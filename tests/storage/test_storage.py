from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from storage.clock import SHANGHAI
from storage.crypto import CannotDecrypt, Cipher, read_or_make_key
from storage.database import Database
from storage.inbox import Inbox, Received
from storage.tables import Base
from storage.tickets import NewTicket
from storage.turns import Buttons, Turn, Turns
from tests.auxil.databases import emptied

AT = datetime(2026, 11, 25, 9, 30, tzinfo=SHANGHAI)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path / 'a.db'}", Cipher(read_or_make_key(tmp_path / "key")))
    emptied(made)
    return made


def message(number: int = 1, text: str = "我住在延安路") -> Received:
    return Received(f"id{number}", "web", f"x{number}", "web:abc", text, None, AT)


def turn(number: int = 1) -> Turn:
    return Turn(f"id{number}", "web:abc", "问", '{"a": 1}', "answered_service", "ask_service", "respite", 12.0, AT)


def test_the_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_message_is_stored_once(database: Database) -> None:
    inbox = Inbox(database)
    assert inbox.store(message())
    assert not inbox.store(Received("other", "web", "x1", "web:abc", "又一次", None, AT))


def test_a_message_sent_twenty_times_at_once_is_stored_once(database: Database) -> None:
    inbox, stored = Inbox(database), []

    def send(number: int) -> None:
        stored.append(inbox.store(Received(f"i{number}", "web", "same", "web:abc", "喂", None, AT)))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(stored) == [False] * 19 + [True]


def test_what_nobody_answered_is_found_again_with_its_time(database: Database) -> None:
    inbox = Inbox(database)
    inbox.store(message(1))
    inbox.store(message(2))
    Turns(database).record(turn(1))
    left = inbox.undone(AT - timedelta(minutes=1))
    assert [(row.id, row.text, row.received_at) for row in left] == [("id2", "我住在延安路", AT)]
    assert inbox.undone(AT + timedelta(minutes=1)) == []


def test_no_text_can_be_read_in_the_file(database: Database, tmp_path: Path) -> None:
    Inbox(database).store(message(text="王秀英的腿断了"))
    Turns(database).record(turn(), unanswered="unanswered_unknown")
    database.engine.dispose()
    data = b"".join(file.read_bytes() for file in tmp_path.glob("a.db*"))
    assert "王秀英".encode() not in data
    assert b'{"a": 1}' not in data


def test_a_turn_comes_back_whole_and_in_order(database: Database) -> None:
    inbox, turns = Inbox(database), Turns(database)
    for number in (1, 2, 3):
        inbox.store(message(number))
        turns.record(turn(number))
    assert [each.inbox_id for each in turns.last("web:abc", 2)] == ["id2", "id3"]
    assert turns.last("web:abc", 3)[0] == turn(1)
    assert turns.last("web:other", 5) == []


def test_an_emergency_becomes_one_open_ticket(database: Database) -> None:
    Inbox(database).store(message())
    Turns(database).record(turn(), ticket=NewTicket("emergency_fall", 3))
    assert Turns(database).open_tickets() == [("emergency_fall", "web:abc")]


def test_a_button_works_only_for_whom_it_was_made(database: Database) -> None:
    buttons = Buttons(database)
    (token,) = buttons.issue("web:abc", [("怎么办理", '{"intent":"ask_how_to_apply"}')], AT)
    assert len(token.encode()) <= 64  # Telegram's limit
    pressed = buttons.pressed(token, "web:abc")
    assert pressed is not None
    assert pressed.title == "怎么办理"
    assert buttons.pressed(token, "web:somebody-else") is None
    assert buttons.pressed("made-up", "web:abc") is None


def test_another_key_reads_nothing(tmp_path: Path) -> None:
    first, second = (Cipher(read_or_make_key(tmp_path / name)) for name in ("a", "b"))
    sealed = first.encrypt("秘密", "turns.text")
    assert first.decrypt(sealed, "turns.text") == "秘密"
    with pytest.raises(CannotDecrypt):
        second.decrypt(sealed, "turns.text")
    with pytest.raises(CannotDecrypt):
        first.decrypt(sealed, "inbox.text")


def test_the_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    read_or_make_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0

"""The clock jumps a day forward or back, as after a flat battery or a wrong setting: nothing is done twice or lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from actions.booking.bookings import Bookings
from actions.booking.errors import BookingError
from bot.desk.accounts import Accounts
from knowledge.library import Library
from storage.database import Database
from storage.retention import Retention
from storage.turns import Turns
from tests.auxil.booking import Clock, who
from tests.bot.test_outbox import Sending, sending  # noqa: F401
from tests.bot.test_path import Dialogue, fine, library, message, path_with  # noqa: F401
from tests.desk.conftest import accounts, code  # noqa: F401

Make = Callable[..., str]
JUMPS = [timedelta(days=1), timedelta(days=-1)]
MONTH = timedelta(days=30)


@pytest.mark.parametrize("jump", JUMPS, ids=["forward", "back"])
async def test_a_conversation_goes_on_in_its_order(
    database: Database, library: Library, clock: Clock, jump: timedelta
) -> None:
    dialogue = Dialogue(fine)
    path = path_with(database, library, dialogue, clock)
    for number in range(6):
        if number == 3:
            clock.at += jump
        assert await path.handle(message(f"第{number}句", str(number)))
    said = [turn.text for turn in Turns(database).last("web:a", 9)]
    assert said == [f"第{number}句" for number in range(6)]
    assert len(dialogue.asked) == 6


async def test_a_reminder_is_sent_once_though_the_clock_goes_back_behind_it(sending: Sending, an_event: Make) -> None:
    sending.bookings.book(an_event(hours=53), who(), "k1")  # 27 November, 14:00
    sending.clock.forward(hours=25)
    assert await sending.sender.once() == 1
    sending.clock.forward(days=-1)
    assert await sending.sender.once() == 0
    sending.clock.forward(days=1)
    assert await sending.sender.once() == 0
    assert len(sending.push.sent) == 1


async def test_a_reminder_that_a_jump_has_passed_over_is_sent_while_it_is_still_true_and_never_after(
    sending: Sending, an_event: Make
) -> None:
    sending.bookings.book(an_event(hours=53), who(1), "k1")
    sending.bookings.book(an_event(hours=20), who(2), "k2")
    sending.clock.forward(days=1)  # the second one's time is past
    await sending.sender.once()
    assert "web:2" not in [conversation for conversation, _ in sending.push.sent]
    sending.clock.forward(hours=2)
    await sending.sender.once()
    assert [conversation for conversation, _ in sending.push.sent] == ["web:1"]


@pytest.mark.parametrize("jump", JUMPS, ids=["forward", "back"])
def test_the_same_request_books_once_over_a_jump(
    bookings: Bookings, clock: Clock, an_event: Make, jump: timedelta
) -> None:
    event = an_event(seats=2)
    first = bookings.book(event, who(), "k1")
    clock.at += jump
    assert bookings.book(event, who(), "k1").code == first.code


def test_what_a_jump_made_past_cannot_be_booked_and_can_when_the_clock_is_right_again(
    bookings: Bookings, clock: Clock, an_event: Make
) -> None:
    event = an_event(hours=5)
    clock.forward(days=1)
    with pytest.raises(BookingError):
        bookings.book(event, who(), "k1")
    clock.forward(days=-1)
    assert bookings.book(event, who(), "k1").code


def test_a_staff_session_outlives_a_step_back_but_not_its_longest_time(accounts: Accounts, clock: Clock) -> None:
    made = accounts.add("wang", "王顾问", "clerk", "staff:test")
    token = accounts.log_in("wang", made.password, code(made, clock()))
    clock.forward(days=1)
    assert accounts.member(token) is None  # a jump forward ends it
    token = accounts.log_in("wang", made.password, code(made, clock()))
    clock.forward(days=-1)
    assert accounts.member(token)
    clock.forward(days=1, hours=13)
    assert accounts.member(token) is None


async def test_a_jump_forgets_nothing_more_than_a_day_early(database: Database, library: Library, clock: Clock) -> None:
    path = path_with(database, library, Dialogue(fine), clock)
    for day in range(3):
        await path.handle(message_of(clock, day))
        clock.forward(days=1)
    clock.at += MONTH - timedelta(days=3)  # the first message is 30 days old, to the hour
    clock.forward(days=1, seconds=1)  # and then the clock jumps
    Retention(database).forget(clock() - MONTH)
    assert [turn.text for turn in Turns(database).last("web:a", 9)] == ["第2天"]
    clock.forward(days=-1)
    assert Retention(database).forget(clock() - MONTH) == 0


def message_of(clock: Clock, day: int):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(message(f"第{day}天", str(day)), received_at=clock())

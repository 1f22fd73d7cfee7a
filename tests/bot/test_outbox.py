"""What is due is sent once, tried again, and at last left to staff."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from actions.booking.bookings import Bookings
from actions.booking.calls import Calls
from actions.booking.outbox import LEASE, Outbox
from actions.booking.staff import Staff
from bot.errors import CannotSend
from bot.outbox import OutboxSender
from knowledge.plain_text import plain_text
from knowledge.reply import Reply
from storage.booking_tables import BookingRow, OutboxRow
from storage.database import Database
from storage.turns import Buttons
from tests.auxil.booking import Clock, who

Make = Callable[..., str]


class Push:
    """A channel that keeps what it is given, and fails as often as it is told."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Reply]] = []
        self.fails = 0
        self.permanent = False

    async def notify(self, conversation: str, reply: Reply) -> None:
        if self.fails:
            self.fails -= 1
            raise CannotSend("no answer", self.permanent)
        self.sent.append((conversation, reply))


class Sending:
    """A sender over a real database with one channel, ``web`` (as if it could push)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock
        self.push = Push()
        self.bookings = Bookings(database, clock)
        self.outbox = Outbox(database, clock)
        self.calls = Calls(database, clock)
        self.sender = self.another({"web": self.push})

    def another(self, channels: dict[str, Push]) -> OutboxSender:
        return OutboxSender(self.outbox, self.bookings, Buttons(self.database), channels, self.clock)

    def states(self) -> dict[str, str]:
        with self.database.transaction() as session:
            return {row.kind: row.state for row in session.scalars(select(OutboxRow))}


@pytest.fixture
def sending(database: Database, clock: Clock) -> Sending:
    return Sending(database, clock)


async def test_reminders_come_the_day_before_at_ten_and_two_hours_before(sending: Sending, an_event: Make) -> None:
    sending.bookings.book(an_event(hours=53), who(), "k1")  # 27 November, 14:00
    assert await sending.sender.once() == 0
    sending.clock.forward(hours=25)  # the 26th, 10:00
    assert await sending.sender.once() == 1
    (conversation, reply) = sending.push.sent[0]
    assert conversation == "web:1"
    assert plain_text(reply).startswith("提醒您：明天11月27日（周五）下午2点")
    assert [button.title for button in reply.blocks[0].buttons] == ["知道了", "改时间", "取消预约"]  # type: ignore[union-attr]
    assert all(button.token and not button.act for button in reply.blocks[0].buttons)  # type: ignore[union-attr]
    assert await sending.sender.once() == 0
    sending.clock.forward(hours=26)  # the 27th, 12:00
    assert await sending.sender.once() == 1
    assert "今天11月27日" in plain_text(sending.push.sent[1][1])


async def test_what_was_claimed_by_a_sender_that_died_is_sent_by_the_next(sending: Sending, an_event: Make) -> None:
    sending.bookings.book(an_event(hours=53), who(), "k1")
    sending.clock.forward(hours=25)
    assert len(sending.outbox.claim()) == 1  # and then it is killed
    assert await sending.sender.once() == 0
    sending.clock.at += LEASE
    assert await sending.sender.once() == 1
    assert len(sending.push.sent) == 1


async def test_a_commit_without_a_send_is_sent_after_the_restart(sending: Sending, an_event: Make) -> None:
    sending.bookings.book(an_event(hours=53), who(), "k1")
    sending.clock.forward(hours=30)  # down when it was due
    fresh = sending.another({"web": sending.push})
    assert await fresh.once() == 1


async def test_two_senders_send_once(sending: Sending, an_event: Make) -> None:
    for number in range(1, 11):
        sending.bookings.book(an_event(hours=53), who(number), f"k{number}")
    sending.clock.forward(hours=25)
    other = sending.another({"web": sending.push})
    await asyncio.gather(*(each.once() for each in (sending.sender, other) * 3))
    assert sorted(conversation for conversation, _ in sending.push.sent) == sorted(f"web:{n}" for n in range(1, 11))


async def test_a_failed_send_is_tried_again_later_each_time_and_ends_at_staff(sending: Sending, an_event: Make) -> None:
    sending.bookings.book(an_event(hours=53), who(), "k1")
    sending.clock.forward(hours=25)
    sending.push.fails = 100
    tried: list[datetime] = []
    while not sending.calls.waiting("t") and len(tried) < 10:
        if await sending.sender.once():
            tried.append(sending.clock.at)
        sending.clock.forward(seconds=30)
    waits = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert len(tried) == 5
    assert waits == sorted(waits)
    assert sum(waits, timedelta()) < timedelta(hours=1)
    (call,) = sending.calls.waiting("staff:a")
    assert call.phone == "13800000001"
    assert call.about.startswith("提醒您")
    assert sending.states()["day_before"] == "staff"


async def test_who_blocked_us_is_rung_at_once(sending: Sending, an_event: Make) -> None:
    sending.bookings.book(an_event(hours=53), who(), "k1")
    sending.clock.forward(hours=25)
    sending.push.fails, sending.push.permanent = 1, True
    await sending.sender.once()
    assert len(sending.calls.waiting("staff:a")) == 1


async def test_who_has_no_channel_that_pushes_is_rung_and_sees_it_on_the_page(sending: Sending, an_event: Make) -> None:
    sending.bookings.book(an_event(hours=53), who(), "k1")
    sending.clock.forward(hours=25)
    await sending.another({}).once()
    (call,) = sending.calls.waiting("staff:a")
    (shown,) = sending.outbox.shown("web:1")
    assert "提醒您" in shown.reply
    assert sending.outbox.shown("web:2") == []
    reply = Reply.model_validate(json.loads(shown.reply))
    pressed = Buttons(sending.database).pressed(reply.blocks[0].buttons[0].token or "", "web:1")  # type: ignore[union-attr]
    assert pressed
    notice = json.loads(pressed.act)["value"]
    assert not sending.outbox.seen(notice, "web:2")
    assert sending.outbox.seen(notice, "web:1")
    assert sending.calls.waiting("staff:a") == []
    assert call.reason == "day_before"


async def test_the_day_after_it_is_asked_how_it_was_and_nobody_is_rung_for_that(
    sending: Sending, an_event: Make, staff: Staff
) -> None:
    came = sending.bookings.book(an_event(hours=5), who(1), "k1")
    missed = sending.bookings.book(an_event(hours=5), who(2), "k2")
    sending.clock.forward(hours=6)
    staff.attended(came.code, True)
    staff.attended(missed.code, False)
    sending.clock.forward(hours=19)  # the next day, 10:00
    await sending.another({}).once()
    assert sending.calls.waiting("staff:a") == []
    (shown,) = sending.outbox.shown("web:1")
    assert "觉得怎么样" in shown.reply
    assert sending.outbox.shown("web:2") == []


async def test_a_reminder_of_what_was_cancelled_is_never_sent(sending: Sending, an_event: Make) -> None:
    booking = sending.bookings.book(an_event(hours=53), who(), "k1")
    sending.bookings.cancel(booking, "web:1")
    sending.clock.forward(hours=25)
    assert await sending.sender.once() == 0
    assert set(sending.states().values()) == {"dropped"}


async def test_a_cancelled_time_is_told_to_all_and_another_offered(
    sending: Sending, an_event: Make, staff: Staff
) -> None:
    event = an_event(seats=1)
    sending.bookings.book(event, who(1), "k1")
    sending.bookings.book(event, who(2), "k2", wait=True)
    staff.cancel_event(event)
    assert await sending.sender.once() == 2
    for _, reply in sending.push.sent:
        assert "取消了，请不要去" in plain_text(reply)
        assert reply.blocks[0].buttons[0].title == "另选时间"  # type: ignore[union-attr]


async def test_an_offer_made_at_night_is_written_in_the_morning(sending: Sending, an_event: Make) -> None:
    event = an_event(seats=1, hours=72)
    first = sending.bookings.book(event, who(1), "k1")
    sending.bookings.book(event, who(2), "k2", wait=True)
    sending.clock.forward(hours=14)  # 23:00
    sending.bookings.cancel(first, "web:1")
    assert await sending.sender.once() == 0
    sending.clock.forward(hours=9)  # 8:00
    assert await sending.sender.once() == 1
    text = plain_text(sending.push.sent[0][1])
    assert "有空位了" in text
    assert "给您留到11月26日（周四）晚上8点" in text


async def test_a_lapsed_offer_goes_to_the_next_in_line(sending: Sending, an_event: Make) -> None:
    event = an_event(seats=1, hours=96)
    first = sending.bookings.book(event, who(1), "k1")
    sending.bookings.book(event, who(2), "k2", wait=True)
    sending.bookings.book(event, who(3), "k3", wait=True)
    sending.bookings.cancel(first, "web:1")
    await sending.sender.once()
    sending.clock.forward(hours=25)
    await sending.sender.once()
    told = [(conversation, plain_text(reply)[:12]) for conversation, reply in sending.push.sent[1:]]
    assert sorted(conversation for conversation, _ in told) == ["web:2", "web:3"]
    assert sending.bookings.mine("web:3")[0].state == "offered"


async def test_what_staff_cancel_or_move_is_told(sending: Sending, an_event: Make) -> None:
    new = an_event(hours=60)
    moved = sending.bookings.book(an_event(), who(1), "k1")
    cancelled = sending.bookings.book(an_event(hours=50), who(2), "k2")
    own = sending.bookings.book(an_event(hours=51), who(3), "k3")
    sending.bookings.move(moved, new, "staff:a")
    sending.bookings.cancel(cancelled, "staff:a")
    sending.bookings.cancel(own, "web:3")
    assert await sending.sender.once() == 2
    told = {conversation: plain_text(reply) for conversation, reply in sending.push.sent}
    assert "改时间了：11月27日（周五）晚上9点" in told["web:1"]
    assert "取消了，请不要去" in told["web:2"]


async def test_a_booking_of_another_key_holds_up_nobody(sending: Sending, an_event: Make) -> None:
    event = an_event(hours=53)
    sending.bookings.book(event, who(1), "k1")
    sending.bookings.book(event, who(2), "k2")
    with sending.database.write() as session:
        session.execute(update(BookingRow).where(BookingRow.conversation == "web:1").values(phone=b"0" * 40))
    sending.clock.forward(hours=25)
    assert await sending.sender.once() == 1
    assert [conversation for conversation, _ in sending.push.sent] == ["web:2"]

"""Booking through the two real processes: by code, by the waiting list, by the page, and what is sent after it."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from actions.booking.model import Event, State
from actions.booking.staff import Staff
from actions.booking_talk.desk import Desk, open_desk
from bot.client import AdvisorClient, Where
from bot.settings import GatewaySettings
from knowledge.plain_text import plain_text
from knowledge.reply import BookingBlock, Reply
from storage.booking_tables import OutboxRow
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database

pytestmark = pytest.mark.processes
System = tuple[Where, int, Path]


@pytest.fixture
def database(system: System) -> Database:
    settings = GatewaySettings(var=system[2])
    return Database(settings.database, Cipher(settings.encryption_key()))


@pytest.fixture
def desk(database: Database) -> Desk:
    return open_desk(database, now, demo=True)


class Person:
    """Somebody with a conversation of their own."""

    def __init__(self, client: AdvisorClient) -> None:
        self._client = client
        self.name = f"test:{uuid.uuid4().hex}"
        self.last: Reply | None = None

    async def say(self, text: str) -> str:
        self.last = await self._client.send(self.name, text)
        return plain_text(self.last)

    async def press(self, title: str) -> str:
        assert self.last
        buttons = [button for block in self.last.blocks for button in getattr(block, "buttons", [])]
        button = next(button for button in buttons if title in button.title)
        self.last = await self._client.send(self.name, button.title, button.token)
        return plain_text(self.last)

    @property
    def code(self) -> str:
        assert self.last
        (card,) = [block for block in self.last.blocks if isinstance(block, BookingBlock)]
        return card.code


@pytest.fixture
async def client(system: System) -> AsyncIterator[AdvisorClient]:
    made = AdvisorClient(system[0])
    yield made
    await made.close()


async def test_code_and_phone_from_elsewhere(client: AdvisorClient, desk: Desk) -> None:
    first, second = Person(client), Person(client)
    await first.say("杨浦养老顾问，下下周三上午九点半，13900139001")
    assert "约好了" in await first.press("对，就这样")
    assert "没有您的预约" in await second.say("我约了什么")
    shown = await second.say(f"{first.code[:3]} {first.code[3:]}，13900139001")
    assert first.code == second.code
    assert "上午9点半" in shown
    assert "要取消" in await second.press("取消预约")
    assert "已经取消" in await second.press("取消")
    assert desk.bookings.mine(first.name) == []


async def test_a_button_works_for_who_was_given_it_only(client: AdvisorClient, desk: Desk) -> None:
    first, thief = Person(client), Person(client)
    await first.say("杨浦养老顾问，下下周四上午九点半，13900139002")
    await first.press("对，就这样")
    thief.last = first.last  # as if the token had been seen
    await thief.press("取消预约")
    await thief.say("对")
    assert [each.state for each in desk.bookings.mine(first.name)] == [State.BOOKED]


async def test_the_waiting_list_to_its_end(client: AdvisorClient, database: Database, desk: Desk) -> None:
    staff = Staff(database, now, "staff:test")
    event = full_but_one(desk, staff)
    day = f"{event.starts_at.month}月{event.starts_at.day}日"
    first, second = Person(client), Person(client)
    assert "给您读一遍" in await first.say(f"报名{day}的照护课，13900139003")
    assert "约好了" in await first.press("对，就这样")
    assert "约满了" in await second.say(f"报名{day}的照护课，13900139004")
    assert "排队等" in await second.press("排队等")
    assert "排上队了" in await second.press("对，就这样")
    await first.say("取消预约")
    await first.press("取消")
    assert "有空位" in await second.say("我的预约")
    assert "约好了" in await second.press("要这个位子")
    assert desk.bookings.mine(second.name)[0].state is State.BOOKED
    staff.set_seats(event.id, event.seats)  # the other tests book there too


def full_but_one(desk: Desk, staff: Staff) -> Event:
    """Leave one seat in the last of the sample dates."""
    event = desk.catalogue.trainings()[-1]
    staff.set_seats(event.id, event.taken + 1)
    return event


async def test_the_page_books_without_a_script_and_shows_the_reminder(
    system: System, database: Database, desk: Desk
) -> None:
    url = system[0].url
    here = {"Origin": url}
    async with httpx.AsyncClient(base_url=url, headers=here, follow_redirects=True, timeout=20) as page:

        async def send(**fields: str) -> str:
            shown = (await page.get("/chat")).text
            csrf = re.findall(r'name="csrf" value="([^"]+)"', shown)[0]
            return (await page.post("/chat", data={"message_id": uuid.uuid4().hex, "csrf": csrf, **fields})).text

        text = await send(text="杨浦养老顾问，下下周五上午十点半，13900139005")
        assert "给您读一遍" in text
        token = re.findall(r'<button name="token" value="([^"]+)">对，就这样', text)[-1]
        text = await send(token=token)
        assert 'class="code"' in text
        calendar = re.findall(r'href="(/calendar/[0-9a-f]+\.ics)"', text)[-1]
        assert "BEGIN:VEVENT" in (await page.get(calendar)).text
        conversation = f"web:{page.cookies['advisor'].split('.')[0]}"
        (booking,) = desk.bookings.mine(conversation)
        with database.write() as session:  # the day before has come
            due = now() - timedelta(minutes=1)
            session.execute(
                update(OutboxRow)
                .where(OutboxRow.booking_id == booking.id, OutboxRow.kind == "day_before")
                .values(due_at=due)
            )
        for _ in range(60):
            text = (await page.get("/chat")).text
            if "提醒您" in text:
                break
            await asyncio.sleep(0.5)
        assert "提醒您" in text
        call = next(call for call in desk.calls.waiting("staff:test") if call.phone == "13900139005")
        assert call.about.startswith("提醒您")
        token = re.findall(r'<button name="token" value="([^"]+)">知道了', text)[-1]
        assert "好的" in await send(token=token)
        assert not any(call.phone == "13900139005" for call in desk.calls.waiting("staff:test"))


async def test_nobody_is_told_another_persons_phone(client: AdvisorClient) -> None:
    first = Person(client)
    told = await first.say("杨浦养老顾问，下下周一上午九点，13900139006")
    assert "13900139006" not in told
    assert "13900139006" not in await first.press("对，就这样")
    assert "13900139006" not in await first.say("我的预约")

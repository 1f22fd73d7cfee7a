"""Promise 2: kill -9 loses nothing, doubles nothing.

A hundred people book through the real system while both processes are killed at random. Each
sends a message again, with its id, until it is answered, as a phone that lost its network does.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from actions.booking_talk.desk import open_desk
from bot.cli import prepare
from bot.client import Where
from bot.settings import GatewaySettings
from bot.started import free_port, own_system
from storage.booking_tables import CourseRow, EventRow
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database

pytestmark = pytest.mark.processes
PEOPLE = 100
AT_ONCE = 4
SOAK = bool(os.environ.get("ADVISOR_SOAK"))
_READS_S = 1.0
KILLS = {"advisor": 100, "dialogue": 30} if SOAK else {"advisor": 6, "dialogue": 2}
ANSWER_WITHIN_S = 240
CODE = re.compile(r"号码：(\d{3}) (\d{3})")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[tuple[Where, int, GatewaySettings]]:
    trained = GatewaySettings()
    prepare(trained)
    for part in ("models", "index", "encoder"):
        (tmp_path / part).symlink_to((trained.var / part).resolve())
    env = {
        "ADVISOR_VAR": str(tmp_path),
        "ADVISOR_PORT": str(free_port()),
        "ADVISOR_DIALOGUE_PORT": str(free_port()),
        "ADVISOR_RESTART_WAIT_MAX_S": "1",
    }
    settings = GatewaySettings(var=tmp_path)
    database = Database(settings.database, Cipher(settings.encryption_key()))
    database.migrate()
    put_dates(database)
    with own_system(env, tmp_path / "run.log") as (where, pid):
        yield where, pid, settings


def put_dates(database: Database) -> None:
    """Put three dates of a course into the list, with room for all but a few."""
    starts = now().replace(hour=14, minute=0, second=0, microsecond=0) + timedelta(days=5)
    course = CourseRow(id="c", title="家庭照护课", about="-", sample=False)
    dates = [
        EventRow(
            id=f"e{day}",
            kind="training",
            course_id="c",
            title="家庭照护课",
            district="徐汇区",
            place="路1号",
            starts_at=starts + timedelta(days=day),
            ends_at=starts + timedelta(days=day, hours=2),
            seats=30,
            taken=0,
            state="open",
            sample=False,
        )
        for day in range(3)
    ]
    open_desk(database, now).catalogue.put_courses([course], dates)


class Person:
    """Books a place, and sends again whatever is not answered."""

    def __init__(self, http: httpx.AsyncClient, number: int) -> None:
        self._http = http
        self._name = f"test:crash{number}"
        self._phone = f"138{number:08}"
        self.code: str | None = None

    async def book(self) -> None:
        choice = random.choice(["第一个", "第二个"])
        text = await self._send(f"我要报名家庭照护培训，电话{self._phone}")
        for turn in range(60):
            found = CODE.search(text)
            await asyncio.sleep(random.uniform(0, _READS_S))
            if found:
                self.code = found[1] + found[2]
                return
            if "选一个" in text or "排队" in text.split("给您读一遍")[0] or "约满" in text:
                text = await self._send(choice if turn < 5 else "第一个")
            elif "对吗" in text:
                text = await self._send("对")
            else:  # while the dialogue was down
                await asyncio.sleep(0.5)
                text = await self._send(f"我要报名家庭照护培训，电话{self._phone}")
        raise AssertionError(f"{self._name} cannot book: {text}")

    async def _send(self, text: str) -> str:
        body = {"conversation": self._name, "text": text, "external_id": uuid.uuid4().hex}
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ANSWER_WITHIN_S
        while loop.time() < deadline:
            with suppress(httpx.HTTPError):
                answer = await self._http.post("/api/messages", json=body)
                if answer.status_code == 200:
                    return str(answer.json()["text"])
            await asyncio.sleep(0.3)
        raise AssertionError(f"no answer to «{text}» within {ANSWER_WITHIN_S} s")


def process_of(supervisor: int, name: str) -> int | None:
    """Return the process id of one of the supervisor's children."""
    mark = {"advisor": "uvicorn", "dialogue": "rasa"}[name]
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    for child in children:
        with suppress(OSError):
            if mark in Path(f"/proc/{child}/cmdline").read_text():
                return int(child)
    return None


async def kill_at_random(supervisor: int, http: httpx.AsyncClient, busy: asyncio.Event) -> dict[str, int]:
    """Kill both processes as often as ``KILLS`` says while people book; each kill hits a system that is up."""
    done = dict.fromkeys(KILLS, 0)
    more = [name for name, count in KILLS.items() for _ in range(count - 1)]
    # Each once before all others: people may be done before the last.
    names = [*random.sample(list(KILLS), len(KILLS)), *random.sample(more, len(more))]
    for name in names:
        while busy.is_set():
            with suppress(httpx.HTTPError, ValueError):
                if (await http.get("/healthz")).json()["status"] == "ok":
                    break
            await asyncio.sleep(0.2)
        await asyncio.sleep(random.uniform(0.3, 2.5))
        pid = process_of(supervisor, name)
        if pid and busy.is_set():
            os.kill(pid, signal.SIGKILL)
            done[name] += 1
    return done


async def test_a_hundred_people_book_while_both_processes_are_killed(
    system: tuple[Where, int, GatewaySettings],
) -> None:
    where, supervisor, settings = system
    headers = {"Authorization": f"Bearer {where.secret}"}
    busy, turn = asyncio.Event(), asyncio.Semaphore(AT_ONCE)
    busy.set()
    async with httpx.AsyncClient(base_url=where.url, headers=headers, timeout=20, trust_env=False) as http:
        people = [Person(http, number) for number in range(PEOPLE)]

        async def one(person: Person) -> None:
            async with turn:
                await person.book()

        killer = asyncio.create_task(kill_at_random(supervisor, http, busy))
        await asyncio.gather(*(one(person) for person in people))
        busy.clear()
        kills = await killer
    assert all(kills.values()), kills
    check(settings, people)


def check(settings: GatewaySettings, people: list[Person]) -> None:
    """Check the database against what people were told."""
    with sqlite3.connect(settings.database.removeprefix("sqlite:///")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute("SELECT id, code, conversation, state, event_id FROM bookings").fetchall()
        told = {person._name: person.code for person in people}
        assert {conversation: code for _, code, conversation, _, _ in rows} == told  # each is there, with its code
        assert len(rows) == PEOPLE  # and none twice
        assert len({code for _, code, *_ in rows}) == PEOPLE
        for event, seats, taken in database.execute("SELECT id, seats, taken FROM events"):
            booked = sum(row[4] == event and row[3] == "booked" for row in rows)
            assert booked == taken <= seats
        assert {row[3] for row in rows} == {"booked", "waiting"}
        for booking, _, _, state, _ in rows:
            kinds = [kind for (kind,) in database.execute("SELECT kind FROM outbox WHERE booking_id = ?", [booking])]
            expected = ["day_before", "rating", "soon"] if state == "booked" else []
            assert sorted(kinds) == expected  # one row each
        acts = database.execute("SELECT booking_id, count(*) FROM audit GROUP BY booking_id").fetchall()
        assert all(count == 1 for booking, count in acts if booking)

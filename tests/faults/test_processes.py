"""The real system with each of its processes killed, stopped or without its files, while people talk to it."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from bot.cli import prepare
from bot.client import Where
from bot.settings import GatewaySettings
from bot.started import free_port, own_system
from knowledge.phrases import say
from tests.auxil.disks import locked

pytestmark = pytest.mark.processes
PEOPLE = 20
GOES_ON_S = 10.0
ANSWERED_S = 3.0
SAID = ("喘息服务是什么", "那要多少钱", "长护险怎么申请", "我妈83岁能拿多少钱", "敬老卡在哪里办")
MARKS = {"advisor": "uvicorn", "dialogue": "rasa"}


@dataclass
class System:
    where: Where
    supervisor: int
    var: Path

    def process(self, name: str) -> int | None:
        """Return the process id of one of the two."""
        for child in Path(f"/proc/{self.supervisor}/task/{self.supervisor}/children").read_text().split():
            with suppress(OSError):
                if MARKS[name] in Path(f"/proc/{child}/cmdline").read_text():
                    return int(child)
        return None

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        pid = self.process(name)
        assert pid
        os.kill(pid, number)
        return pid

    def http(self, **more: object) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.where.secret}"}
        return httpx.AsyncClient(base_url=self.where.url, headers=headers, timeout=20, trust_env=False, **more)  # type: ignore[arg-type]

    async def until(self, status: str, within_s: float = 90) -> None:
        async with self.http() as http:
            ends = time.monotonic() + within_s
            while time.monotonic() < ends:
                with suppress(httpx.HTTPError, ValueError):
                    if (await http.get("/healthz", timeout=3)).json()["status"] == status:
                        return
                await asyncio.sleep(0.1)
        raise AssertionError(f"not {status} within {within_s} s")

    async def ask(self, text: str, conversation: str = "test:one") -> tuple[httpx.Response, float]:
        async with self.http() as http:
            began = time.monotonic()
            answer = await http.post("/api/messages", json={"conversation": conversation, "text": text})
            return answer, time.monotonic() - began


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    trained = GatewaySettings()
    prepare(trained)
    var = tmp_path_factory.mktemp("faults")
    for part in ("models", "index", "encoder"):
        (var / part).symlink_to((trained.var / part).resolve())
    env = {
        "ADVISOR_VAR": str(var),
        "ADVISOR_PORT": str(free_port()),
        "ADVISOR_DIALOGUE_PORT": str(free_port()),
        "ADVISOR_DEMO": "1",
        "ADVISOR_RESTART_WAIT_MAX_S": "1",
    }
    with own_system(env, var / "run.log") as (where, pid):
        yield System(where, pid, var)


@dataclass
class Talker:
    """Talks without a pause, and sends a message again, with its id, until it is answered."""

    number: int
    sent: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    longest_s: float = 0.0

    async def talk(self, http: httpx.AsyncClient, ends: asyncio.Event) -> None:
        while not ends.is_set():
            text = SAID[len(self.sent) % len(SAID)]
            external_id = uuid.uuid4().hex
            self.sent.append(external_id)
            began = time.monotonic()
            self.answers.append(await self._answer(http, text, external_id))
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            await asyncio.sleep(0.5)
        human = uuid.uuid4().hex
        self.sent.append(human)
        self.answers.append(await self._answer(http, "转人工", human))

    async def _answer(self, http: httpx.AsyncClient, text: str, external_id: str) -> str:
        body = {"conversation": f"test:t{self.number}", "text": text, "external_id": external_id}
        while True:
            with suppress(httpx.HTTPError):
                answer = await http.post("/api/messages", json=body)
                if answer.status_code == 200:
                    return str(answer.json()["text"])
            await asyncio.sleep(0.2)


async def test_each_process_is_killed_while_twenty_people_talk_and_each_goes_on(system: System) -> None:
    ends, talkers = asyncio.Event(), [Talker(number) for number in range(PEOPLE)]
    async with system.http() as http:
        talks = [asyncio.create_task(talker.talk(http, ends)) for talker in talkers]
        await asyncio.sleep(3)
        for name in MARKS:
            system.kill(name)
            await asyncio.sleep(GOES_ON_S)
            await system.until("ok")
        ends.set()
        await asyncio.wait_for(asyncio.gather(*talks), 60)
    slow = {talker.number: round(talker.longest_s, 1) for talker in talkers if talker.longest_s > GOES_ON_S}
    assert not slow
    assert all(all(talker.answers) for talker in talkers)
    nothing_lost_nothing_twice(system, talkers)


def nothing_lost_nothing_twice(system: System, talkers: list[Talker]) -> None:
    with sqlite3.connect(system.var / "advisor.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute(
            "SELECT i.external_id, i.state, count(t.number) FROM inbox i "
            "LEFT JOIN turns t ON t.inbox_id = i.id WHERE i.conversation LIKE 'test:t%' GROUP BY i.id"
        ).fetchall()
        tickets = database.execute("SELECT conversation FROM tickets WHERE conversation LIKE 'test:t%'").fetchall()
    assert Counter(external for external, _, _ in rows) == Counter(each for t in talkers for each in t.sent)
    assert {(state, turns) for _, state, turns in rows} == {("done", 1)}
    asked = Counter(conversation for (conversation,) in tickets)
    assert asked == Counter(f"test:t{talker.number}" for talker in talkers)  # each asked for a person, once


async def test_a_dialogue_server_that_hangs_leaves_the_search_to_answer_and_goes_on_after_it(system: System) -> None:
    await system.until("ok")
    pid = system.kill("dialogue", signal.SIGSTOP)
    try:
        for number in range(3):
            answer, took = await system.ask("喘息服务怎么申请", f"test:hang{number}")
            assert answer.status_code == 200
            assert took < ANSWERED_S
            assert say("degraded") in answer.json()["text"]
            assert "喘息" in answer.json()["text"].replace(say("degraded"), "")
        answer, took = await system.ask("救命，我爸昏倒了叫不醒", "test:hang9")
        assert "120" in answer.json()["text"]
        assert took < 1.0
    finally:
        os.kill(pid, signal.SIGCONT)
    await system.until("ok")
    answer, _ = await system.ask("喘息服务怎么申请", "test:hang0")
    assert say("degraded") not in answer.json()["text"]


async def test_a_database_that_stays_locked_is_told_and_danger_is_answered(system: System) -> None:
    with locked(system.var / "advisor.db"):
        plain, danger = await asyncio.gather(
            system.ask("喘息服务怎么申请", "test:lock1"), system.ask("救命，我爸昏倒了叫不醒", "test:lock2")
        )
        assert plain[0].status_code == 503
        assert danger[0].status_code == 200
        assert "120" in danger[0].json()["text"]
    answer, _ = await system.ask("喘息服务怎么申请", "test:lock1")
    assert "喘息" in answer.json()["text"]
    assert "the inbox cannot be written" in (system.var / "run.log").read_text()


async def test_an_action_that_fails_gets_a_kind_answer_and_the_next_message_goes_on(system: System) -> None:
    """What bookings are made of is gone for a while: the action breaks in its middle."""
    file = system.var / "advisor.db"
    rename(file, "events", "events_gone")
    try:
        answer, _ = await system.ask("我要报名家庭照护培训", "test:act")
        assert answer.status_code == 200
        assert say("degraded") in answer.json()["text"]
        assert "12345" in answer.json()["text"]
    finally:
        rename(file, "events_gone", "events")
    answer, _ = await system.ask("我要报名家庭照护培训", "test:act")
    assert "选一个" in answer.json()["text"]


def rename(file: Path, name: str, to: str) -> None:
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA legacy_alter_table=ON")
        database.execute(f"ALTER TABLE {name} RENAME TO {to}")


async def test_without_its_model_the_search_answers_and_all_is_well_when_it_is_back(system: System) -> None:
    await system.until("ok")
    models = system.var / "models"
    place = models.resolve()
    models.unlink()
    try:
        system.kill("dialogue")
        await asyncio.sleep(1.5)
        answer, took = await system.ask("喘息服务怎么申请", "test:model")
        assert say("degraded") in answer.json()["text"]
        assert took < ANSWERED_S
    finally:
        models.symlink_to(place)
    with suppress(AssertionError):
        system.kill("dialogue")  # where it runs without a model
    await system.until("ok")
    answer, _ = await system.ask("喘息服务怎么申请", "test:model")
    assert say("degraded") not in answer.json()["text"]

"""Two dialogue servers and two advisor servers behind nginx, with PostgreSQL and Redis; one of each is killed under load."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import redis
from sqlalchemy import create_engine, func, select, text

from bot.cli import prepare
from bot.processes import ROOT
from bot.settings import GatewaySettings
from bot.started import free_port
from storage.booking_tables import BookingRow, EventRow
from storage.crypto import Cipher
from storage.database import Database
from storage.tables import InboxRow, TurnRow
from tests.auxil.servers import nginx, redis_server
from tests.promises.test_02_kill import Person, put_dates

pytestmark = pytest.mark.processes
START_WITHIN_S = 150
PEOPLE, EACH, BOOKERS = 20, 6, 10
GOES_ON_WITHIN_S = 10
ASKED = ("长护险怎么申请", "那要多少钱", "敬老卡丢了去哪里补", "没人给老人烧饭怎么办", "附近有没有老年食堂", "谢谢")


@dataclass
class Machines:
    """Everything that runs."""

    outside: str
    inside: str
    secret: str
    settings: GatewaySettings
    redis: str
    env: dict[str, str]
    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, port: int, command: list[str]) -> None:
        key = "ADVISOR_DIALOGUE_PORT" if name.startswith("dialogue") else "ADVISOR_PORT"
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "bot", *command],
                env={**os.environ, **self.env, key: str(port)},
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def turns(self, name: str) -> int:
        """Return how many turns a dialogue server has told of in its log."""
        return (self.folder / f"{name}.log").read_text().count('"event": "turn"')

    def kill(self, name: str) -> None:
        """As when a machine is gone: nothing is said to anybody."""
        os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running[name].wait(10)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Machines]:
    trained = GatewaySettings()
    prepare(trained)
    folder = tmp_path_factory.mktemp("machines")
    for part in ("models", "index", "encoder"):
        (folder / part).symlink_to((trained.var / part).resolve())
    advisors, dialogues = [free_port(), free_port()], [free_port(), free_port()]
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    with ExitStack() as stack:
        outside, inside = stack.enter_context(nginx(folder, advisors))
        env = {
            "ADVISOR_DATABASE_URL": server,
            "ADVISOR_REDIS_URL": stack.enter_context(redis_server(folder)),
            "ADVISOR_KEY": key,
            "ADVISOR_VAR": str(folder),
            "ADVISOR_DIALOGUE_SECRET": secrets.token_urlsafe(),
            "ADVISOR_ACTION_SECRET": secrets.token_urlsafe(),
            "ADVISOR_DIALOGUE_URLS": ",".join(f"http://127.0.0.1:{port}" for port in dialogues),
            "ADVISOR_ACTION_URL": f"{inside}/actions/webhook",
            "ADVISOR_DIALOGUE_TIMEOUT_S": "8",  # four servers on two cores
        }
        settings = GatewaySettings(database_url=server, key=key, var=folder)
        database = Database(server, Cipher(key))
        with database.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
            connection.execute(text("DROP SCHEMA IF EXISTS trackers CASCADE"))
        database.migrate()
        put_dates(database)
        made = Machines(outside, inside, env["ADVISOR_ACTION_SECRET"], settings, env["ADVISOR_REDIS_URL"], env, folder)
        try:
            made.start("advisor1", advisors[0], ["serve", "--roles", "web,actions,outbox"])
            made.start("advisor2", advisors[1], ["serve", "--roles", "web,actions,desk,telegram"])
            for number, port in enumerate(dialogues, 1):
                made.start(f"dialogue{number}", port, ["dialogue"])
            _until_up(made, [f"http://127.0.0.1:{port}/webhooks/advisor/" for port in dialogues])
            _until_up(made, [f"http://127.0.0.1:{port}/healthz" for port in advisors])
            yield made
        finally:
            for process in made.running.values():
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
            database.engine.dispose()


def _until_up(machines: Machines, urls: list[str]) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    for url in urls:
        while True:
            with suppress(httpx.HTTPError):
                if httpx.get(url, timeout=3, trust_env=False).status_code == 200:
                    break
            if time.monotonic() > deadline:
                logs = {file.name: file.read_text()[-500:] for file in machines.folder.glob("*.log")}
                raise RuntimeError(f"{url} does not come up: {logs}")
            time.sleep(0.3)


class Talker:
    """Asks one thing after another, and sends again what got no answer, as a phone does."""

    def __init__(self, http: httpx.AsyncClient, number: int) -> None:
        self._http = http
        self.name = f"test:talker{number}"
        self.outcomes: list[str] = []
        self.slowest = 0.0

    async def talk(self) -> None:
        for number in range(EACH):
            body = {"conversation": self.name, "text": ASKED[number], "external_id": f"{self.name}.{number}"}
            began = time.monotonic()
            while True:
                with suppress(httpx.HTTPError):
                    answer = await self._http.post("/api/messages", json=body)
                    if answer.status_code == 200:
                        break
                assert time.monotonic() - began < 60, f"no answer to {body}"
                await asyncio.sleep(0.2)
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.outcomes.append(answer.json()["reply"]["outcome"])
            await asyncio.sleep(0.3)


def test_one_of_each_is_killed_and_nothing_is_lost_doubled_or_out_of_order(machines: Machines) -> None:
    asyncio.run(_load_and_kill(machines))


async def _load_and_kill(machines: Machines) -> None:
    headers = {"Authorization": f"Bearer {machines.secret}"}
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(
        base_url=machines.inside, headers=headers, timeout=20, trust_env=False, limits=limits
    ) as http:
        warm = Talker(http, 999)
        await warm.talk()
        talkers = [Talker(http, number) for number in range(PEOPLE)]
        bookers = [Person(http, number) for number in range(BOOKERS)]
        load = asyncio.gather(*(each.talk() for each in talkers), *(each.book() for each in bookers))

        async def answered(count: int) -> None:
            while sum(len(each.outcomes) for each in talkers) < count:
                assert not load.done(), "the load was over before a server was killed"
                await asyncio.sleep(0.05)

        await answered(PEOPLE)
        assert all(machines.turns(name) for name in ("dialogue1", "dialogue2")), "one had nothing to do"
        machines.kill("dialogue1")
        await answered(3 * PEOPLE)
        machines.kill("advisor2")
        await load
    database = Database(machines.settings.database, Cipher(machines.settings.key))
    _check_turns(database)
    _check_bookings(database, bookers)
    _check_trackers(machines)
    slowest = max(each.slowest for each in talkers)
    assert slowest < GOES_ON_WITHIN_S, f"somebody waited {slowest:.1f} s"
    down = [outcome for each in talkers for outcome in each.outcomes if outcome.startswith("error")]
    assert len(down) <= 2, down  # the other server had the conversation


def _check_turns(database: Database) -> None:
    """Every message has one turn, and a conversation's turns stand in the order in which it spoke."""
    with database.transaction() as session:
        assert session.scalar(select(func.count()).where(InboxRow.state != "done")) == 0
        rows = session.execute(
            select(InboxRow.conversation, InboxRow.external_id)
            .join(TurnRow, TurnRow.inbox_id == InboxRow.id)
            .where(InboxRow.conversation.startswith("test:talker"))
            .order_by(TurnRow.number)
        ).all()
    said: dict[str, list[str]] = defaultdict(list)
    for conversation, external_id in rows:
        said[conversation].append(external_id)
    assert len(said) == PEOPLE + 1
    for conversation, order in said.items():
        assert order == [f"{conversation}.{number}" for number in range(EACH)]


def _check_bookings(database: Database, bookers: list[Person]) -> None:
    with database.transaction() as session:
        codes = dict(session.execute(select(BookingRow.conversation, BookingRow.code)).tuples().all())
        assert codes == {each._name: each.code for each in bookers}
        assert session.scalar(select(func.count()).select_from(BookingRow)) == len(bookers)
        assert session.scalar(select(func.sum(EventRow.taken))) == len(bookers)


def _check_trackers(machines: Machines) -> None:
    """Both dialogue servers wrote into one tracker, each message of a conversation once and in order."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher = AESGCM(base64.urlsafe_b64decode(machines.settings.key))
    with create_engine(machines.settings.database).connect() as connection:
        rows = connection.execute(
            text(
                "SELECT sender_id, data FROM trackers.events WHERE type_name = 'user' AND sender_id LIKE 'test:talker%' ORDER BY id"
            )
        ).all()
    heard: dict[str, list[str]] = defaultdict(list)
    for sender, data in rows:
        raw = base64.b64decode(data)
        heard[sender].append(json.loads(cipher.decrypt(raw[:12], raw[12:], b"tracker"))["text"])
    assert len(heard) == PEOPLE + 1
    for sender, texts in heard.items():
        in_order = [given for number, given in enumerate(texts) if number == 0 or given != texts[number - 1]]
        assert in_order == list(ASKED), sender  # a turn that broke may stand there twice, with one answer


def test_what_is_ours_alone_is_not_passed_on(machines: Machines) -> None:
    for path in ("/actions/webhook", "/api/messages", "/metrics"):
        assert httpx.post(f"{machines.outside}{path}", json={}, trust_env=False).status_code == 404
    assert httpx.get(f"{machines.outside}/", trust_env=False).status_code == 200


def test_visitors_are_counted_in_redis(machines: Machines) -> None:
    with httpx.Client(base_url=machines.outside, trust_env=False, follow_redirects=True) as http:
        page = http.get("/chat").text
        csrf = page.split('name="csrf" value="')[1].split('"')[0]
        sent = http.post(
            "/chat",
            data={"text": "您好", "csrf": csrf, "message_id": uuid.uuid4().hex},
            headers={"origin": machines.outside},
        )
        assert "小助手" in sent.text
    assert any(b"chat" in key for key in redis.Redis.from_url(machines.redis).keys("LIMITS*"))

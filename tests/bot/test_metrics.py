"""What is counted while messages are answered, what is looked up, and who may read it."""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from bot.errors import CannotStore
from bot.messages import Incoming
from bot.metrics import Metrics
from bot.path import MessagePath
from bot.scrape import CountRequests, Watched, metrics_routes
from knowledge.library import Library
from knowledge.live import LiveKnowledge
from knowledge.reply import Evidence, Outcome, Reply, TextBlock
from knowledge.settings import KnowledgeSettings
from storage.database import Database
from storage.inbox import Inbox, Received
from storage.queues import Queues
from tests.bot.test_path import AT, Dialogue, database, down, fine, library, path_with  # noqa: F401 (fixtures)

HERE = ("127.0.0.1", 50000)


async def _up() -> bool:
    return True


@pytest.fixture
def path(database: Database, library: Library) -> MessagePath:
    return path_with(database, library, Dialogue(fine))


@pytest.fixture
def made(database: Database, library: Library, tmp_path: Path) -> Callable[..., TestClient]:
    """Return a function that makes a server with /metrics, as somebody at ``client`` sees it."""

    def make(metrics: Metrics, client: tuple[str, int] = HERE, secret: str = "") -> TestClient:
        app = FastAPI()
        queues = Queues(database, lambda: AT, timedelta(minutes=10))
        live = LiveKnowledge(library, KnowledgeSettings(var=tmp_path))
        app.include_router(metrics_routes(metrics, Watched(queues, live, _up, tmp_path), secret))
        app.add_middleware(CountRequests, metrics=metrics)
        app.include_router(_ways())
        return TestClient(app, client=client)

    return make


def _ways() -> APIRouter:
    routes = APIRouter()

    @routes.get("/services/{service_id}")
    async def service(service_id: str) -> str:
        return service_id

    return routes


def read(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def message(text: str, number: str = "1", **more: Any) -> Incoming:
    return Incoming("web", "web:a", number, text, AT, **more)


async def test_an_answer_is_counted_by_outcome_and_intent_and_timed_by_step(path: MessagePath) -> None:
    await path.handle(message("长护险"))
    metrics = path._parts.metrics
    assert value(metrics, "advisor_turns_total", channel="web", outcome="answered_service") == 1
    assert value(metrics, "advisor_intents_total", intent="none") == 1
    assert value(metrics, "advisor_answer_seconds_count", channel="web") == 1
    for step in ("receive", "guard", "hand_over", "understand", "record"):
        assert value(metrics, "advisor_step_seconds_count", step=step) == 1, step


async def test_danger_and_a_silent_dialogue_server_are_counted(database: Database, library: Library) -> None:
    path = path_with(database, library, Dialogue(down))
    await path.handle(message("我爸晕倒了"))
    await path.handle(message("老年综合津贴", "2"))
    assert value(path._parts.metrics, "advisor_emergencies_total", danger="unconscious") == 1
    assert value(path._parts.metrics, "advisor_degraded_total") == 1
    assert value(path._parts.metrics, "advisor_step_seconds_count", step="understand") == 1


async def test_what_breaks_is_counted_where_it_broke(database: Database, library: Library) -> None:
    def broken(text: str, metadata: dict[str, Any]) -> Reply:
        raise RuntimeError

    path = path_with(database, library, Dialogue(broken))
    await path.handle(message("喂"))
    with database.write() as session:
        session.execute(text("DROP TABLE turns"))
    await path.handle(message("喂", "2"))
    with database.write() as session:
        session.execute(text("DROP TABLE inbox"))
    with pytest.raises(CannotStore):
        await path.handle(message("喂", "3"))
    found = [value(path._parts.metrics, "advisor_errors_total", at=at) for at in ("answer", "record", "store")]
    assert found == [2, 1, 1]


async def test_who_is_put_into_the_queue_is_counted(database: Database, library: Library) -> None:
    def wants(text: str, metadata: dict[str, Any]) -> Reply:
        return Reply(blocks=[TextBlock(text="好的")], outcome=Outcome.HANDED_OFF_REQUESTED)

    path = path_with(database, library, Dialogue(wants))
    await path.handle(message("人工"))
    assert value(path._parts.metrics, "advisor_handoffs_total") == 1


def test_a_label_never_holds_what_somebody_wrote() -> None:
    metrics = Metrics()
    for intent in (
        "ask_amount",
        "我叫欧阳",
        "13764920583",
        "x" * 50,
        *(f"made_up_{n}".translate(_LETTERS) for n in range(300)),
    ):
        reply = Reply(blocks=[], outcome=Outcome.ANSWERED_SERVICE, evidence=Evidence(intent=intent))
        metrics.answered("欧阳:channel", reply, 0.1)
    seen = {sample.labels["intent"] for sample in _samples(metrics, "advisor_intents")}
    assert len(seen) <= 102
    assert {"ask_amount", "other"} <= seen
    assert not any("欧阳" in each or "137" in each for each in seen)
    assert value(metrics, "advisor_turns_total", channel="other", outcome="answered_service") == 304


_LETTERS = str.maketrans("0123456789", "abcdefghij")


def _samples(metrics: Metrics, name: str) -> Iterator[Any]:
    for family in metrics.registry.collect():
        if family.name == name:
            yield from (sample for sample in family.samples if sample.name.endswith("_total"))


def test_queues_are_read_from_the_database(database: Database, made: Callable[..., TestClient]) -> None:
    inbox = Inbox(database)
    inbox.store(Received("i1", "web", "1", "web:a", "长护险", None, AT - timedelta(minutes=2)))
    inbox.store(Received("i2", "web", "2", "web:b", "太久以前", None, AT - timedelta(hours=2)))
    found = read(made(Metrics()).get("/metrics").text)
    queue = {
        name: found["advisor_queue_length", frozenset({("queue", name)})] for name in ("inbox", "abandoned", "calls")
    }
    assert queue == {"inbox": 1, "abandoned": 1, "calls": 0}
    assert found["advisor_queue_oldest_seconds", frozenset({("queue", "inbox")})] == 120
    assert found["advisor_database_up", frozenset()] == 1
    assert found["advisor_dialogue_up", frozenset()] == 1
    assert found["advisor_index_passages", frozenset()] > 1000


def test_a_database_that_does_not_answer_is_a_figure_not_an_error(
    database: Database,
    made: Callable[..., TestClient],
) -> None:
    with database.write() as session:
        session.execute(text("DROP TABLE inbox"))
    answer = made(Metrics()).get("/metrics")
    assert answer.status_code == 200
    found = read(answer.text)
    assert found["advisor_database_up", frozenset()] == 0
    assert not any(name == "advisor_queue_length" for name, _ in found)


def test_a_second_scrape_within_seconds_asks_the_database_nothing(
    database: Database,
    made: Callable[..., TestClient],
) -> None:
    server = made(Metrics())
    server.get("/metrics")
    with database.write() as session:
        session.execute(text("DROP TABLE inbox"))
    assert read(server.get("/metrics").text)["advisor_database_up", frozenset()] == 1


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_call_through_a_proxy_of_this_machine_is_refused(made: Callable[..., TestClient], header: str) -> None:
    assert made(Metrics()).get("/metrics", headers={header: "127.0.0.1"}).status_code == 403


def test_elsewhere_only_the_secret_opens(made: Callable[..., TestClient]) -> None:
    elsewhere = made(Metrics(), ("192.0.2.7", 5), secret="s3cret")
    assert elsewhere.get("/metrics").status_code == 403
    assert elsewhere.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    behind = {"Authorization": "Bearer s3cret", "X-Forwarded-For": "192.0.2.9"}
    assert elsewhere.get("/metrics", headers=behind).status_code == 200
    without = made(Metrics(), ("192.0.2.7", 5))
    assert without.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403


def test_requests_are_counted_by_the_routes_pattern_never_by_the_address(made: Callable[..., TestClient]) -> None:
    metrics = Metrics()
    server = made(metrics)
    server.get("/services/欧阳慕云霄")
    server.get("/nowhere/13764920583")
    server.request("BREW", "/services/a")
    found = {
        (name, *(labels[key] for key in ("method", "route", "status")))
        for name, labels in ((sample.name, sample.labels) for sample in _samples(metrics, "advisor_http_requests"))
    }
    assert found == {
        ("advisor_http_requests_total", "GET", "/services/{service_id}", "200"),
        ("advisor_http_requests_total", "GET", "other", "404"),
        ("advisor_http_requests_total", "other", "/services/{service_id}", "405"),
    }


def test_counting_a_message_costs_less_than_a_fifth_of_a_millisecond() -> None:
    metrics = Metrics()
    reply = Reply(blocks=[], outcome=Outcome.ANSWERED_SERVICE, evidence=Evidence(intent="ask_amount"))

    def one() -> None:
        for step in ("receive", "guard", "hand_over", "understand", "record"):
            with metrics.step(step):
                pass
        metrics.answered("web", reply, 0.05)
        metrics.requested("POST", "/chat", 200)

    assert min(timeit.repeat(one, number=200, repeat=5)) / 200 < 0.0002

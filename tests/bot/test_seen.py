"""One message through the real system, followed by its id through the log of both processes and found in the figures."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from bot.client import Where
from bot.doctor import findings, machine, outside
from bot.doctor.finding import Here
from bot.settings import GatewaySettings
from knowledge.settings import KnowledgeSettings
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.tables import InboxRow

pytestmark = pytest.mark.processes
Whole = tuple[Where, int, Path]
NAME = "欧阳慕云霄"


@pytest.fixture
def settings(whole: Whole) -> GatewaySettings:
    where, _, var = whole
    return GatewaySettings(var=var, port=int(where.url.rsplit(":", 1)[1]))


@pytest.fixture
def request_id(whole: Whole, settings: GatewaySettings) -> Iterator[str]:
    """Send a message, and yield the id it was stored under."""
    where, conversation = whole[0], f"cli:{uuid.uuid4().hex}"
    headers = {"Authorization": f"Bearer {where.secret}"}
    body = {"conversation": conversation, "text": f"我叫{NAME}，长护险怎么申请"}
    httpx.post(f"{where.url}/api/messages", json=body, headers=headers, trust_env=False, timeout=20).raise_for_status()
    database = Database(settings.database, Cipher(settings.encryption_key()))
    with database.transaction() as session:
        yield session.scalars(select(InboxRow.id).where(InboxRow.conversation == conversation)).one()
    database.engine.dispose()


def lines(whole: Whole) -> list[dict[str, object]]:
    return [json.loads(line) for line in (whole[2] / "run.log").read_text().splitlines() if line.startswith("{")]


def figures(where: Where) -> dict[str, float]:
    page = httpx.get(f"{where.url}/metrics", trust_env=False, timeout=20).raise_for_status().text
    assert NAME not in page
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_a_message_is_followed_by_its_id_through_both_processes(whole: Whole, request_id: str) -> None:
    found: list[dict[str, object]] = []
    deadline = time.monotonic() + 5  # the supervisor passes the lines on
    while len(found) < 2 and time.monotonic() < deadline:
        found = [line for line in lines(whole) if line.get("request_id") == request_id]
        time.sleep(0.1)
    told = {line["process"]: line for line in found}
    assert told.keys() == {"advisor", "dialogue"}
    assert (told["dialogue"]["event"], told["dialogue"]["status"]) == ("turn", "complete")
    assert (told["advisor"]["event"], told["advisor"]["channel"]) == ("answered", "cli")
    assert str(told["advisor"]["outcome"]).startswith("answered_")


def test_every_line_once_it_runs_is_an_event_and_none_holds_a_name(whole: Whole, request_id: str) -> None:
    log = (whole[2] / "run.log").read_text()
    assert NAME not in log
    ready = next(number for number, line in enumerate(log.splitlines()) if "is ready" in line)
    for line in log.splitlines()[ready:]:
        assert {"time", "level", "process", "event"} <= json.loads(line).keys(), line


def test_a_message_is_found_in_the_figures(
    whole: Whole, settings: GatewaySettings, request: pytest.FixtureRequest
) -> None:
    before = figures(whole[0])
    request.getfixturevalue("request_id")
    after = figures(whole[0])
    more = {name: after[name] - before.get(name, 0) for name in after}
    assert sum(value for name, value in more.items() if name.startswith("advisor_turns_total['answered_")) == 1
    assert more["advisor_answer_seconds_count['cli']"] == 1
    assert more["advisor_step_seconds_count['understand']"] == 1
    assert more["advisor_http_requests_total['/actions/webhook', '200', 'POST']"] >= 1
    assert after["advisor_database_up[]"] == after["advisor_dialogue_up[]"] == 1


def test_the_figures_are_not_for_who_comes_through_a_proxy(whole: Whole) -> None:
    answer = httpx.get(f"{whole[0].url}/metrics", headers={"X-Forwarded-For": "127.0.0.1"}, trust_env=False)
    assert answer.status_code == 403


def test_the_doctor_finds_the_running_system_well(whole: Whole, settings: GatewaySettings) -> None:
    here = Here(settings, KnowledgeSettings(var=settings.var), now)
    found = list(findings(here, [machine.ports, machine.permissions, outside.system]))
    assert [each.line() for each in found if each.level != "ok"] == []
    assert found[0].problem == "ours"

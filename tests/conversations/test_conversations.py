"""Drives the two real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bot.client import AdvisorClient, Where
from bot.started import free_port, own_system
from knowledge.plain_text import plain_text
from knowledge.reply import Reply

pytestmark = pytest.mark.processes
System = tuple[Where, int, Path]
CONVERSATIONS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("conversations.yaml").read_text())


def check(turn: dict[str, Any], reply: Reply) -> None:
    text = plain_text(reply)
    where = f"{turn['user']} → {reply.outcome.value} {reply.evidence}\n{text}"
    if "outcome" in turn:
        assert reply.outcome.value == turn["outcome"], where
    if "service" in turn:
        assert turn["service"] in reply.service_ids(), where
    for words in turn.get("says", ()):
        assert words in text, where
    for words in turn.get("never", ()):
        assert words not in text, where


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda conversation: conversation["name"])
async def test_conversation(system: System, conversation: dict[str, Any]) -> None:
    client, name = AdvisorClient(system[0]), f"test:{uuid.uuid4().hex}"
    try:
        for turn in conversation["turns"]:
            check(turn, await client.send(name, turn["user"]))
    finally:
        await client.close()


async def test_two_close_services_are_asked_about_and_a_button_answers(system: System) -> None:
    client, name = AdvisorClient(system[0]), f"test:{uuid.uuid4().hex}"
    try:
        reply = await client.send(name, "老人能享受什么")
        (choice,) = [block for block in reply.blocks if block.kind == "choice"]
        assert 2 <= len(choice.buttons) <= 3
        answer = await client.send(name, choice.buttons[1].title, choice.buttons[1].token)
        assert answer.blocks[0].title == choice.buttons[1].title  # type: ignore[union-attr]
        again = await client.send(name, "第一个")
        assert again.outcome.value.startswith(("answered", "asked"))
    finally:
        await client.close()


async def test_the_same_message_sent_at_once_is_answered_once(system: System) -> None:
    where = system[0]
    body = {"conversation": f"test:{uuid.uuid4().hex}", "text": "长护险是什么", "external_id": uuid.uuid4().hex}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {where.secret}"}, timeout=20) as http:
        answers = await asyncio.gather(*(http.post(f"{where.url}/api/messages", json=body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9


def test_no_message_can_be_read_in_any_file(system: System) -> None:
    var = system[2]
    asyncio.run(_say(system[0], "我叫欧阳锦绣，电话13812345678，身份证310101194001011234，长护险怎么申请"))
    with sqlite3.connect(var / "tracker.db") as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone()[0] > 0
    for file in var.glob("*"):
        if file.is_file():
            data = file.read_bytes()
            for secret in ("欧阳锦绣", "13812345678", "310101194001011234"):
                assert secret.encode() not in data, file


def test_the_inside_routes_are_closed_to_strangers(system: System) -> None:
    url = system[0].url
    for path, body in (("/actions/webhook", {"next_action": "action_answer"}), ("/api/messages", {})):
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            assert httpx.post(url + path, json=body, headers=headers).status_code == 403


async def _say(where: Where, text: str) -> Reply:
    client = AdvisorClient(where)
    try:
        return await client.send(f"test:{uuid.uuid4().hex}", text)
    finally:
        await client.close()


def _dialogue_process(supervisor: int) -> int:
    (process,) = (child for child in _children(supervisor) if "rasa" in Path(f"/proc/{child}/cmdline").read_text())
    return process


def test_a_hanging_dialogue_server_still_leaves_answers_within_three_seconds(system: System) -> None:
    where, supervisor, _ = system
    process = _dialogue_process(supervisor)
    os.kill(process, signal.SIGSTOP)
    try:
        began = time.monotonic()
        reply = asyncio.run(_say(where, "老年综合津贴怎么领"))
        assert time.monotonic() - began < 3.0
        assert reply.outcome.value == "error_dialogue_down"
        assert "sh_comprehensive_allowance" in reply.service_ids()
        began = time.monotonic()
        assert asyncio.run(_say(where, "家里着火了")).outcome.value == "guarded_emergency"
        assert time.monotonic() - began < 1.0
        health = httpx.get(f"{where.url}/healthz", timeout=5).json()
        assert health["status"] == "degraded"
        assert not health["dialogue"]
        page = httpx.get(where.url, timeout=5)
        assert page.status_code == 200
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_killed_dialogue_server_is_started_again(system: System) -> None:
    where, supervisor, _ = system
    os.kill(_dialogue_process(supervisor), signal.SIGKILL)
    assert "12345" in plain_text(asyncio.run(_say(where, "帮我算一卦")))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if httpx.get(f"{where.url}/healthz", timeout=5).json()["status"] == "ok":
            break
        time.sleep(0.5)
    reply = asyncio.run(_say(where, "长护险怎么申请"))
    assert reply.outcome.value == "answered_service"


def test_ctrl_c_leaves_no_process_behind(system: System, tmp_path: Path) -> None:
    for name in ("models", "index"):
        (tmp_path / name).symlink_to((system[2] / name).resolve())
    env = {
        "ADVISOR_VAR": str(tmp_path),
        "ADVISOR_PORT": str(free_port()),
        "ADVISOR_DIALOGUE_PORT": str(free_port()),
    }
    with own_system(env, tmp_path / "run.log") as (_, pid):
        family = {pid, *_children(pid)}
        assert len(family) == 3
    assert not any(Path(f"/proc/{member}").exists() for member in family)
    assert not (tmp_path / "run.json").exists()


def _children(parent: int) -> list[int]:
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                found.append(int(entry))
        except OSError:
            continue
    return found

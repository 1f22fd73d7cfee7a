"""Measures the whole path: speed at 1 and 16 users, start time, memory of all processes."""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from pathlib import Path

from bot.client import AdvisorClient, Where
from bot.settings import GatewaySettings
from bot.started import free_port, own_system

_QUESTIONS = (
    "老年综合津贴七十岁能拿多少",
    "没人给老人烧饭怎么办",
    "长护险怎么申请",
    "敬老卡丢了去哪里补",
    "我想学怎么照顾卧床的老人",
    "养老院一个月要多少钱",
    "附近有没有老年食堂",
    "老伴记性越来越差，去哪里测",
    "残疾人护理补贴谁能领",
    "推轮椅上下楼太难了，能不能租",
    "有人叫我投钱养老，靠谱吗",
    "家庭医生能上门换药吗",
)
_ALONE, _TOGETHER, _EACH = 60, 16, 12


def measure(settings: GatewaySettings) -> dict[str, float]:
    """Start a system of its own and return the figures named in section 10 of the design."""
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        for name in ("models", "index", "key"):
            (var / name).symlink_to((settings.var / name).resolve())
        env = {
            "ADVISOR_VAR": str(var),
            "ADVISOR_PORT": str(free_port()),
            "ADVISOR_DIALOGUE_PORT": str(free_port()),
        }
        began = time.monotonic()
        with own_system(env, var / "bench.log") as (where, pid):
            figures = {"start_s": round(time.monotonic() - began, 1)}
            figures |= asyncio.run(_speed(where))
            memory = _memory(pid)
            figures["rss_mib"] = round(sum(memory.values()), 0)
            return figures | {f"rss_mib_{name}": round(value, 0) for name, value in memory.items()}


async def _speed(where: Where) -> dict[str, float]:
    client = AdvisorClient(where)
    try:
        await _user(client, len(_QUESTIONS), offset=0)  # warm up
        alone = await _user(client, _ALONE, offset=0)
        began = time.perf_counter()
        many = await asyncio.gather(*(_user(client, _EACH, offset=user) for user in range(_TOGETHER)))
        took = time.perf_counter() - began
    finally:
        await client.close()
    together = [each for times in many for each in times]
    return {
        "answer_p50_ms": _percentile(alone, 50),
        "answer_p95_ms": _percentile(alone, 95),
        "messages_per_second_16": round(len(together) / took, 1),
        "p50_ms_16": _percentile(together, 50),
        "p95_ms_16": _percentile(together, 95),
    }


async def _user(client: AdvisorClient, count: int, offset: int) -> list[float]:
    """Ask ``count`` questions one after another; return milliseconds for each."""
    conversation, times = f"bench:{uuid.uuid4().hex}", []
    for number in range(count):
        if number % len(_QUESTIONS) == 0:
            conversation = f"bench:{uuid.uuid4().hex}"  # a person does not ask sixty things at once
        began = time.perf_counter()
        await client.send(conversation, _QUESTIONS[(number + offset) % len(_QUESTIONS)])
        times.append((time.perf_counter() - began) * 1000)
    return times


def _percentile(values: list[float], share: int) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 1)


def _memory(supervisor: int) -> dict[str, float]:
    """Return MiB resident of the supervisor and its children, by what they are."""
    sizes = {"supervisor": _rss(supervisor), "advisor": 0.0, "dialogue": 0.0}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (entry / "cmdline").read_text()
        except (OSError, IndexError):
            continue
        if parent == supervisor:
            sizes["dialogue" if "rasa" in command else "advisor"] += _rss(int(entry.name))
    return sizes


def _rss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def table(figures: dict[str, float]) -> str:
    """Return the figures for reading."""
    return "\n".join(f"{name:28} {value}" for name, value in figures.items())

"""Measures the whole path at 1, 16 and 64 users, its parts, and a stock Rasa bot beside it in the same run."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import aiohttp

from bot import bench_parts
from bot.bench_load import Send, Waited, converse
from bot.bench_stock import stock_bot
from bot.bench_talk import Talk, enough, kept_share, talks
from bot.client import Where
from bot.settings import GatewaySettings
from bot.started import free_port, own_system
from knowledge.library import Library

USERS = (1, 16, 64)
_MESSAGES = {1: 100, 16: 500, 64: 600}
_WARM_UP, _PARTS = 60, 100
_TIMEOUT_S = 120.0  # of a stock bot with 64 users; ours answers long before
_CONNECTIONS = 128
Figures = dict[str, float]


def measure(settings: GatewaySettings, library: Library) -> Figures:
    """Return the figures named in section 10 of the design, and those beside them; ours first, the same talk for both."""
    questions = [question for service in library.services for question in service.questions]
    stream = talks(questions)
    warm = enough(stream, _WARM_UP)
    said = {users: enough(stream, _MESSAGES[users]) for users in USERS}
    figures = _parts(settings, library, [text for talk in said[16] for text in talk.texts][:_PARTS])
    figures |= _kept(warm, said)
    figures |= _ours(settings, warm, said)
    stock = _stock(settings, warm, said)
    return figures | stock | ratios(figures | stock)


def ratios(figures: Figures) -> Figures:
    """Return how many times ours is the stock bot's, for what both have."""
    names = [name.removeprefix("stock_") for name in figures if name.startswith("stock_")]
    both = [name for name in names if name in figures and figures[f"stock_{name}"]]
    return {f"ratio_{name}": round(figures[name] / figures[f"stock_{name}"], 2) for name in both}


def _parts(settings: GatewaySettings, library: Library, texts: Sequence[str]) -> Figures:
    texts = list(dict.fromkeys(texts))
    figures = {"nlu_p50_ms": bench_parts.nlu_p50_ms(settings, texts)}
    figures |= bench_parts.search_and_compose(library, texts)
    return figures | {"booking_p50_ms": bench_parts.booking_p50_ms()}


def _kept(warm: Sequence[Talk], said: dict[int, list[Talk]]) -> Figures:
    before, shares = list(warm), {}
    for users, conversations in said.items():
        shares[f"cached_encodings_share_{users}"] = kept_share(conversations, before)
        before += conversations
    return {"cached_encodings_share": kept_share(before[len(warm) :], warm), **shares}


def _ours(settings: GatewaySettings, warm: Sequence[Talk], said: dict[int, list[Talk]]) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        for name in ("models", "index", "encoder"):
            (var / name).symlink_to((settings.var / name).resolve())
        env = {
            "ADVISOR_VAR": str(var),
            "ADVISOR_PORT": str(free_port()),
            "ADVISOR_DIALOGUE_PORT": str(free_port()),
            "ADVISOR_DEMO": "1",
        }
        began = time.monotonic()
        with own_system(env, var / "bench.log") as (where, pid):
            figures: Figures = {"start_s": round(time.monotonic() - began, 1)}
            figures |= asyncio.run(_speed(where, warm, said))
            memory = memory_of(pid)
            figures["rss_mib"] = round(sum(memory.values()))
            return figures | {f"rss_mib_{name}": round(value) for name, value in memory.items()}


async def _speed(where: Where, warm: Sequence[Talk], said: dict[int, list[Talk]]) -> Figures:
    outcomes: list[str] = []
    async with _client(where.url, {"Authorization": f"Bearer {where.secret}"}) as http:

        async def send(conversation: str, text: str) -> None:
            body = {"conversation": conversation, "text": text}
            async with http.post("/api/messages", json=body) as answer:
                answer.raise_for_status()
                outcomes.append((await answer.json())["reply"]["outcome"])

        figures = await _all(send, warm, said)
    failed = sum(outcome.startswith("error_") for outcome in outcomes)
    return figures | {"messages": len(outcomes), "errors": failed}


def _stock(settings: GatewaySettings, warm: Sequence[Talk], said: dict[int, list[Talk]]) -> Figures:
    with stock_bot(settings) as stock:

        async def speed() -> Figures:
            async with _client(stock.url, {}) as http:

                async def send(conversation: str, text: str) -> None:
                    body = {"sender": conversation, "message": text}
                    async with http.post("/webhooks/rest/webhook", json=body) as answer:
                        answer.raise_for_status()
                        await answer.json()

                return await _all(send, warm, said)

        figures = {"start_s": stock.start_s} | asyncio.run(speed())
        figures["rss_mib"] = round(sum(map(_rss, stock.processes)))
    return {f"stock_{name}": value for name, value in figures.items()}


async def _all(send: Send, warm: Sequence[Talk], said: dict[int, list[Talk]]) -> Figures:
    await converse(send, warm, users=4)
    figures: Figures = {}
    for users, conversations in said.items():
        figures |= named(users, await converse(send, conversations, users))
    return figures


def named(users: int, waited: Waited) -> Figures:
    """Return the figures of a number of users; those of one user have names of their own."""
    p50, p95 = waited.percentile(50), waited.percentile(95)
    if users == 1:
        return {"answer_p50_ms": p50, "answer_p95_ms": p95}
    per_second = {f"messages_per_second_{users}": waited.per_second}
    return per_second | {f"p50_ms_{users}": p50, f"p95_ms_{users}": p95}


def _client(url: str, headers: dict[str, str]) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    return aiohttp.ClientSession(
        url, headers=headers, timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), connector=connector
    )


def memory_of(supervisor: int) -> dict[str, float]:
    """Return MiB resident of the supervisor and its children, by what they are."""
    sizes = {"supervisor": _rss(supervisor), "advisor": 0.0, "dialogue": 0.0}
    for pid, command in children_of(supervisor):
        sizes["dialogue" if "rasa" in command else "advisor"] += _rss(pid)
    return sizes


def children_of(parent: int) -> Iterable[tuple[int, str]]:
    """Yield the process id and the command of each child."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            above = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (entry / "cmdline").read_text()
        except (OSError, IndexError):  # it ended while we looked
            continue
        if above == parent:
            yield int(entry.name), command


def _rss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def table(figures: Figures) -> str:
    """Return the figures for reading, the stock bot's beside ours."""
    lines = [f"{'':28} {'ours':>10} {'stock Rasa':>12} {'ours/stock':>11}"]
    for name, value in figures.items():
        if name.startswith(("stock_", "ratio_")):
            continue
        beside = [figures.get(f"{kind}_{name}", "") for kind in ("stock", "ratio")]
        lines.append(f"{name:28} {value:>10} {beside[0]:>12} {beside[1]:>11}")
    return "\n".join(lines)

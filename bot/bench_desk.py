"""How long a clerk waits for the page at each pause, with many typing at once."""

from __future__ import annotations

import asyncio
import random
import re
import secrets
import statistics
import time
from collections.abc import Sequence

import httpx

from bot.desk.accounts import digest
from bot.desk.pages import COOKIE
from bot.settings import GatewaySettings
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.staff import Member, NameTaken, StaffBook

_NAME = "bench"
# An input method gives a word at a time; a good clerk types about four characters a second.
_WORD = (2, 4)
_PAUSE_S = (0.6, 1.2)
_WHO = ("我妈", "我爸", "阿婆", "老伴", "邻居", "公公", "对门的老人", "我自己")
_WHAT = (
    "上海户口，一个人住，没人烧饭怎么办",
    "中风以后躺在床上，想请人上门帮忙揩身，要多少钱",
    "听说有个津贴七十岁就能领，怎么申请，要带什么",
    "失智了，白天没人看，有没有地方可以托",
    "外地户口，能不能坐公交车免费",
    "想学怎么照顾卧床的老人，哪里有培训",
    "家里想装扶手，政府补贴吗",
    "走丢了好几次，有没有手环",
    "想住养老院，怎么排队，一个月多少钱",
    "长护险等级评了三级，一周来几次",
)


def measure(settings: GatewaySettings, url: str, clerks: int, seconds: float) -> dict[str, float]:
    """Return searches a second and milliseconds of waiting, on the system at ``url`` that uses our database."""
    database = Database(settings.database, Cipher(settings.encryption_key()))
    book = StaffBook(database)
    member = _member(book)
    try:
        waits = asyncio.run(_type(book, member, url, clerks, seconds))
    finally:
        book.set_state(_NAME, "disabled")  # ends its sessions too
    cuts = statistics.quantiles(waits, n=100)
    return {
        "clerks": clerks,
        "searches": len(waits),
        "searches_per_second": round(len(waits) / seconds, 1),
        "p50_ms": round(cuts[49], 1),
        "p95_ms": round(cuts[94], 1),
        "p99_ms": round(cuts[98], 1),
    }


def table(figures: dict[str, float]) -> str:
    """Return the figures as a line."""
    return (
        f"{figures['clerks']:.0f} clerks typing: {figures['searches_per_second']} searches a second, "
        f"p50 {figures['p50_ms']} ms, p95 {figures['p95_ms']} ms, p99 {figures['p99_ms']} ms"
    )


def _member(book: StaffBook) -> Member:
    """Return the member that is measured with: nobody can log in as it, for it has no password."""
    try:
        return book.add(_NAME, _NAME, "clerk", "!", "!", now())
    except NameTaken:
        book.set_state(_NAME, "active")
        return next(each for each in book.all() if each.name == _NAME)


async def _type(book: StaffBook, member: Member, url: str, clerks: int, seconds: float) -> list[float]:
    ends = time.monotonic() + seconds
    found = await asyncio.gather(*(_clerk(book, member, url, number, ends) for number in range(clerks)))
    return [wait for waits in found for wait in waits]


async def _clerk(book: StaffBook, member: Member, url: str, number: int, ends: float) -> Sequence[float]:
    token, dice, waits = secrets.token_urlsafe(32), random.Random(number), []  # noqa: S311 (what is typed)
    book.open_session(digest(token), member.id, now())
    headers = {"Origin": url, "X-Wants": "part"}
    async with httpx.AsyncClient(
        base_url=url, cookies={COOKIE: token}, headers=headers, timeout=20, trust_env=False
    ) as http:
        found = re.search(r'name="csrf" value="([^"]+)"', (await http.get("/desk")).text)
        csrf = found[1] if found else ""
        while time.monotonic() < ends:
            # The number makes each beginning a new one: nothing comes from the cache of encodings.
            text = f"{dice.choice(_WHO)}{dice.randint(60, 99)}岁，门牌{dice.randint(1, 9999)}，{dice.choice(_WHAT)}"
            typed = 0
            while typed < len(text) and time.monotonic() < ends:
                typed += dice.randint(*_WORD)
                await asyncio.sleep(dice.uniform(*_PAUSE_S))
                begun = time.perf_counter()
                answer = await http.post("/desk/found", data={"csrf": csrf, "q": text[:typed]})
                answer.raise_for_status()
                waits.append((time.perf_counter() - begun) * 1000)
    return waits

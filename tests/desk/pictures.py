"""``python -m tests.desk.pictures``: the pictures of the desk in docs/images, from a system of its own."""

from __future__ import annotations

import asyncio
import csv
import tempfile
from pathlib import Path

from playwright.sync_api import Page as Tab

from bot.cli import prepare
from bot.client import AdvisorClient, Where
from bot.desk.app import open_accounts
from bot.settings import GatewaySettings
from bot.started import free_port, own_system
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from tests.auxil.browser import chromium
from tests.desk.browsing import SCREEN, log_in
from tests.web.browsing import ask
from tests.web.measure import IMAGES

_ASKED = Path("tests/quality/written_dev.tsv")
_MANY = 150
_SAID = "我妈83岁了，上海户口，一个人住，没人烧饭"
_PAGES = {
    "statistics": "/desk/statistics",
    "learning": "/desk/learning",
    "bookings": "/desk/bookings",
    "editor": "/desk/services/sh_comprehensive_allowance",
}


def main() -> None:
    """Take the pictures."""
    settings = GatewaySettings()
    prepare(settings)
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        for part in ("models", "index", "encoder"):
            (var / part).symlink_to((settings.var / part).resolve())
        ports = {"ADVISOR_PORT": str(free_port()), "ADVISOR_DIALOGUE_PORT": str(free_port())}
        hours = {"ADVISOR_DESK_HOURS": "每天 0:00-24:00", "ADVISOR_DESK_ON_HOLIDAYS": "1"}
        env = {"ADVISOR_VAR": folder, "ADVISOR_DEMO": "1", **ports, **hours}
        with own_system(env, var / "run.log") as (where, _):
            asyncio.run(_talk(where, _texts()))  # before playwright, whose loop runs in this thread
            with chromium() as browser:
                clerk = browser.new_page(base_url=where.url, viewport=SCREEN, locale="zh-CN")  # type: ignore[arg-type]
                _enter(clerk, var)
                elder = browser.new_page(base_url=where.url, viewport={"width": 400, "height": 800}, locale="zh-CN")
                _pictures(clerk, elder)


def _texts() -> list[str]:
    with _ASKED.open(encoding="utf-8") as file:
        return [row["text"] for row in csv.DictReader(file, delimiter="\t") if not row["context"]][:_MANY]


async def _talk(where: Where, texts: list[str]) -> None:
    """Ask many questions, so that there is something to count and to learn from."""
    client = AdvisorClient(where)
    for number, text in enumerate(texts):
        await client.send(f"web:picture{number}", text)
    await client.close()


def _enter(clerk: Tab, var: Path) -> None:
    settings = GatewaySettings(var=var)
    database = Database(settings.database, Cipher(settings.encryption_key()))
    made = open_accounts(settings, database, now).add("wang", "王顾问", "admin", "staff:pictures")
    clerk.goto("/desk/login")
    log_in(clerk, "wang", made)


def _pictures(clerk: Tab, elder: Tab) -> None:
    clerk.fill("#q", _SAID)
    clerk.wait_for_selector("#found article")
    clerk.wait_for_timeout(500)
    clerk.screenshot(path=IMAGES / "desk-assist.png")
    elder.goto("/chat")
    ask(elder, "侬好，阿拉姆妈82岁，住在徐汇区，转人工")
    clerk.goto("/desk/queue")
    clerk.wait_for_timeout(1_000)
    clerk.screenshot(path=IMAGES / "desk-queue.png")
    clerk.locator("#queue form button").last.click()  # danger stands before
    clerk.wait_for_url("**/desk/tickets/*")
    clerk.fill("#say", "阿姨您好，我是王顾问，您慢慢说")
    clerk.press("#say", "Enter")
    elder.wait_for_selector("text=您慢慢说")
    clerk.wait_for_timeout(1_500)
    clerk.screenshot(path=IMAGES / "desk-talk.png")
    elder.screenshot(path=IMAGES / "chat-handoff.png", full_page=True)
    for name, path in _PAGES.items():
        clerk.goto(path)
        clerk.wait_for_timeout(1_000)
        clerk.screenshot(path=IMAGES / f"desk-{name}.png")


if __name__ == "__main__":
    main()

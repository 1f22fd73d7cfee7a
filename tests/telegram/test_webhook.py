"""The webhook, and two gateways that share one database: what one stores the other may answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from bot.cli import prepare
from bot.processes import ROOT
from bot.settings import GatewaySettings
from bot.started import free_port, own_system
from bot.telegram.setup import WEBHOOK, webhook_secret
from storage.crypto import Cipher
from storage.database import Database
from tests.auxil.bot_api import TOKEN, BotApi, bot_api, push

pytestmark = pytest.mark.processes
TEXT = "喘息服务是什么意思呀，我想问问清楚，请您慢慢说"


class Two:
    """Two gateways; the first has the dialogue server beside it."""

    def __init__(self, api: BotApi, urls: list[str], processes: list[int], secret: str) -> None:
        self.api, self.urls, self.processes, self.secret = api, urls, processes, secret

    def push(self, gateway: int, update: dict[str, object], secret: str | None = "") -> httpx.Response:
        return push(self.urls[gateway] + WEBHOOK, update, self.secret if secret == "" else secret)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    trained = GatewaySettings()
    prepare(trained)
    var = tmp_path_factory.mktemp("webhook")
    for part in ("models", "index", "encoder"):
        (var / part).symlink_to((trained.var / part).resolve())
    port, second = free_port(), free_port()
    settings = GatewaySettings(var=var)
    secret = webhook_secret(Database(settings.database, Cipher(settings.encryption_key())))
    with bot_api() as api:
        env = {
            "ADVISOR_VAR": str(var),
            "ADVISOR_PORT": str(port),
            "ADVISOR_DIALOGUE_PORT": str(free_port()),
            "ADVISOR_TELEGRAM_TOKEN": TOKEN,
            "ADVISOR_TELEGRAM_API": api.url,
            "ADVISOR_TELEGRAM_WEBHOOK": f"http://127.0.0.1:{port}",
        }
        with own_system(env, var / "run.log") as (where, supervisor):
            api.wait(lambda: api.webhook, 30)
            other = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "bot.app:create_app", "--factory", "--port", str(second)],
                cwd=ROOT,
                env=environment(supervisor) | {"ADVISOR_PORT": str(second)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            url = f"http://127.0.0.1:{second}"
            api.wait(lambda: up(url), 40)
            try:
                yield Two(api, [where.url, url], [supervisor, other.pid], secret)
            finally:
                other.kill()
                other.wait()


def up(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/healthz", timeout=2, trust_env=False).json()["status"] == "ok")
    except httpx.HTTPError:
        return False


def environment(supervisor: int) -> dict[str, str]:
    """Return the environment of the supervisor's advisor server, with the secrets of this start."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    child = next(child for child in children if "uvicorn" in Path(f"/proc/{child}/cmdline").read_text())
    pairs = Path(f"/proc/{child}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def text(two: Two, chat: int, words: str = TEXT) -> dict[str, object]:
    update = two.api.say(chat, words)
    two.api._updates.clear()  # it is pushed, not polled
    return update


def test_telegram_is_told_address_and_secret(two: Two) -> None:
    assert two.api.webhook
    assert two.api.webhook["url"].endswith(WEBHOOK)
    assert two.api.webhook["secret_token"] == two.secret


@pytest.mark.parametrize("secret", [None, "wrong", "x" * 64])
def test_a_call_without_the_secret_changes_nothing(two: Two, secret: str | None) -> None:
    assert two.push(0, text(two, 901), secret).status_code == 403
    time.sleep(1)
    assert two.api.to(901) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b'{"update_id": "a"}', b"{}"])
def test_a_call_that_is_no_update_is_acknowledged_and_left(two: Two, body: bytes) -> None:
    headers = {"X-Telegram-Bot-Api-Secret-Token": two.secret}
    answer = httpx.post(two.urls[0] + WEBHOOK, content=body, headers=headers, timeout=10, trust_env=False)
    assert answer.status_code == 200


def test_the_same_update_at_once_to_both_gateways_is_answered_once(two: Two) -> None:
    update = text(two, 902)
    with ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(lambda number: two.push(number % 2, update).status_code, range(20)))
    assert set(codes) == {200}
    two.api.answer(902)
    time.sleep(2)
    assert len(two.api.to(902)) == 1


def test_a_later_update_that_comes_first_loses_none(two: Two) -> None:
    first, second = text(two, 903), text(two, 903, "敬老卡在哪里办理呀，我也想问问清楚，请您慢慢说")
    two.push(0, second)
    two.push(1, first)
    two.api.answer(903, 2)
    texts = [each.text for each in two.api.to(903)]
    assert sorted(("喘息" in each, "敬老卡" in each) for each in texts) == [(False, True), (True, False)]


def test_what_a_killed_gateway_had_stored_the_other_answers(two: Two) -> None:
    chats = list(range(1000, 1020))
    with ThreadPoolExecutor(10) as pool:
        updates = [text(two, chat) for chat in chats]
        list(pool.map(lambda update: two.push(1, update), updates))
    os.kill(two.processes[1], signal.SIGKILL)
    two.api.wait(lambda: all(two.api.to(chat) for chat in chats), 120)
    time.sleep(2)
    answered = Counter(each.chat for each in two.api.sent if each.method == "sendMessage" and each.chat in chats)
    assert set(answered) == set(chats)
    # Sent again only where the crash fell between send and mark: at most what was under way.
    assert sum(answered.values()) <= len(chats) + 6

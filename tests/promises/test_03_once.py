"""Promise 3: a message is handled once, and none is lost. (More in tests/telegram: two gateways, a killed one.)"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from bot.settings import GatewaySettings
from bot.telegram.setup import WEBHOOK, telegram_gateway, webhook_routes
from storage.clock import now
from storage.crypto import Cipher, read_or_make_key
from storage.database import Database
from storage.inbox import Inbox
from tests.auxil.bot_api import TOKEN, BotApi
from tests.auxil.toy_library import toy_library
from tests.bot.test_path import Dialogue, fine, path_with

TEXT = "喘息服务是什么意思呀，我想问问清楚，请您慢慢说"
Whole = tuple[object, int, Path]


def rows(whole: Whole, chat: int) -> tuple[int, int]:
    """Return (messages stored, answers recorded) of a chat."""
    with sqlite3.connect(whole[2] / "advisor.db") as database:
        name = [f"telegram:{chat}"]
        stored = database.execute("SELECT count(*) FROM inbox WHERE conversation = ?", name).fetchone()[0]
        return stored, database.execute("SELECT count(*) FROM turns WHERE conversation = ?", name).fetchone()[0]


@pytest.mark.processes
@pytest.mark.parametrize("times", [1, 2, 20])
def test_the_same_update_at_once_and_after_a_restart(whole: Whole, api: BotApi, chat: int, times: int) -> None:
    update = api.say(chat, TEXT)
    for _ in range(times - 1):
        api.again(update)
    api.answer(chat)
    if times == 2:
        time.sleep(1)  # sent and marked: a crash between the two may send it again
        kill_the_gateway(whole[1])
    api.again(update)
    marker = api.say(chat + 50_000, TEXT)  # whoever answers this has seen the repeat before it
    api.answer(marker["message"]["chat"]["id"], seconds=60)
    assert len(api.to(chat)) == 1
    assert rows(whole, chat) == (1, 1)


@pytest.mark.processes
def test_a_message_stored_before_a_kill_is_answered_after_it(whole: Whole, api: BotApi, chat: int) -> None:
    api.say(chat, TEXT)
    api.wait(lambda: rows(whole, chat)[0])
    kill_the_gateway(whole[1])
    assert "喘息" in api.answer(chat, seconds=90).text
    time.sleep(2)
    assert rows(whole, chat) == (1, 1)


def kill_the_gateway(supervisor: int) -> None:
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    for child in children:
        if "uvicorn" in Path(f"/proc/{child}/cmdline").read_text():
            os.kill(int(child), signal.SIGKILL)


def test_what_cannot_be_stored_is_not_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}", Cipher(read_or_make_key(tmp_path / "key")))
    database.migrate()
    settings = GatewaySettings(telegram_token=TOKEN, var=tmp_path, tts_command="cat")
    path = path_with(database, toy_library(), Dialogue(fine))
    gateway = telegram_gateway(settings, database, path, lambda: None, now, None, None)  # type: ignore[arg-type,return-value]
    assert gateway
    app = FastAPI()
    app.include_router(webhook_routes(gateway, "s"))
    update = {
        "update_id": 7,
        "message": {
            "message_id": 1,
            "date": 1,
            "chat": {"id": 5, "type": "private"},
            "from": {"id": 5, "is_bot": False, "first_name": "-"},
            "text": "喘息服务",
        },
    }

    def locked(*_: object) -> bool:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    with TestClient(app) as client, monkeypatch.context() as patch:
        patch.setattr(Inbox, "store", locked)
        answer = client.post(WEBHOOK, json=update, headers={"X-Telegram-Bot-Api-Secret-Token": "s"})
    assert answer.status_code == 503
    assert Inbox(database).waiting("telegram:5") == []

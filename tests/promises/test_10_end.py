"""Promise 10: personal data has an end. Planted words are looked for wherever something is kept, and after erasure."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select

from bot.client import Where
from bot.desk.app import open_accounts
from bot.settings import GatewaySettings
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.rotation import encrypted
from storage.tables import InboxRow
from storage.tickets import Tickets
from tests.auxil.bot_api import BotApi
from tests.desk.conftest import code

pytestmark = pytest.mark.processes

NAME, STREET, ILLNESS = "欧阳慕云霄", "复兴中路7316弄", "帕金森叠加症"
PHONE, ID_CARD, BANK_CARD = "13764920583", "310104193203157846", "6222021001987654321"
DOOR = "58号1904室"  # where they live: the road is kept, to find what is near
PLANTED = (NAME, STREET, DOOR, ILLNESS, PHONE, ID_CARD, BANK_CARD)
NEVER = ("7316弄", DOOR, PHONE, ID_CARD, BANK_CARD)  # in no word of theirs, not even encrypted
SAID = f"我叫{NAME}，住{STREET}{DOOR}，老伴{ILLNESS}，身份证{ID_CARD}，卡号{BANK_CARD}，电话{PHONE}，长护险怎么申请"


class Visitor:
    """A browser without a script, on the real system."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(
            base_url=url, headers={"Origin": url}, trust_env=False, timeout=20, follow_redirects=True
        )

    def post(self, to: str, **fields: str) -> httpx.Response:
        page = self.http.get("/desk" if to.startswith("/desk") else "/chat").text
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        return self.http.post(to, data={"csrf": found[1] if found else "", **fields})

    @property
    def conversation(self) -> str:
        return f"web:{self.http.cookies['advisor'].split('.')[0]}"


@pytest.fixture
def database(whole: tuple[Where, int, Path]) -> Iterator[Database]:
    settings = GatewaySettings(var=whole[2])
    made = Database(settings.database, Cipher(settings.encryption_key()))
    yield made
    made.engine.dispose()


def test_planted_words_are_readable_nowhere_and_gone_after_erasure(
    whole: tuple[Where, int, Path], database: Database, api: BotApi, chat: int
) -> None:
    where, _, var = whole
    elder, clerk = Visitor(where.url), Visitor(where.url)
    made = open_accounts(GatewaySettings(var=var), database, now).add("end", "王顾问", "admin", "staff:test")
    answer = clerk.http.post("/desk/login", data={"name": "end", "password": made.password, "code": code(made, now())})
    assert answer.url.path == "/desk"

    # Through every way in: page, Telegram, booking, desk; and into addresses and errors.
    elder.post("/chat", text=SAID)
    elder.post("/chat", text=f"{NAME}说：今天{STREET}的菜场几点开门")
    api.say(chat, SAID)
    api.answer(chat)
    elder.post("/chat", text=f"我叫{NAME}，转人工")
    ticket = Tickets(database, now).active(elder.conversation)
    assert ticket is not None
    clerk.post(f"/desk/tickets/{ticket.id}/claim")
    clerk.post(f"/desk/tickets/{ticket.id}", text=f"{NAME}您好", key="end1")
    clerk.post("/desk/found", q=SAID)
    clerk.post(f"/desk/tickets/{ticket.id}", act="back", disposition="answered", text=f"{NAME}，{ILLNESS}", key="end2")
    clerk.post("/desk/notes", text=SAID, key="end3")
    conversation = elder.conversation
    for path in ("/services?q=", "/nowhere/", "/places?where=", "/desk/tickets/"):
        elder.http.get(path + quote(NAME + STREET))
    elder.http.post("/webhooks/nowhere", content=SAID.encode())
    elder.http.post("/channels/signed", json={"user": "x", "message_id": "1", "text": SAID})

    assert readable(var) == []
    # Numbers and front doors are not even kept encrypted, but what a clerk writes down, without cards.
    kept = everything(database, var)
    assert sum(NAME in text for _, _, text in kept) >= 6
    assert {place for place, _, _ in kept} >= {"turns.text", "inbox.text", "call_notes.text", "tracker"}
    notes = [text for place, _, text in kept if place == "call_notes.text" and PHONE in text]
    assert len(notes) == 1
    assert DOOR in notes[0]
    assert not any(word in notes[0] for word in (ID_CARD, BANK_CARD))
    words = [(place, text) for place, _, text in kept if not place.endswith(".phone") and text not in notes]
    assert [(place, word) for place, text in words for word in NEVER if word in text] == []
    for path in ("/desk/statistics", "/desk/statistics.csv", "/desk/audit"):
        page = clerk.http.get(path).text
        assert not any(word in page for word in PLANTED), path

    # The person can take it away, and nobody else.
    record = elder.post("/privacy/record", kind="text")
    assert "attachment" in record.headers["content-disposition"]
    assert all(word in record.text for word in (NAME, ILLNESS, "复兴中路"))
    assert not any(word in record.text for word in NEVER if word != PHONE)
    assert NAME not in clerk.post("/privacy/record", kind="data").text

    # The person's own erasure takes all that hangs on the conversation, the clerk's words included.
    done = elder.post("/privacy")
    assert "都删掉了" in done.text
    assert [found for found in everything(database, var) if found[1] == conversation] == []


def test_by_a_word_and_a_button_everything_goes_from_the_page(
    whole: tuple[Where, int, Path], database: Database
) -> None:
    where, _, var = whole
    elder = Visitor(where.url)
    elder.post("/chat", text=f"我叫{NAME}，长护险怎么申请")
    assert "说过的话和我的回答，1条" in elder.post("/chat", text="你们记了我什么").text
    asked = elder.post("/chat", text="把我说过的都删了").text
    assert "确定删吗" in asked
    mine = elder.conversation
    assert len([found for found in everything(database, var) if found[1] == mine]) > 6
    token = re.search(r'name="token" value="([^"]+)"[^>]*>\s*确定删除', asked)
    assert token
    done = elder.post("/chat", token=token[1]).text
    assert "都删掉了" in done
    assert NAME not in done
    assert [found for found in everything(database, var) if found[1] == mine] == []
    assert "长护险" in elder.post("/chat", text="长护险是什么").text  # and one can begin anew


def test_on_telegram_the_record_comes_as_a_file_and_everything_goes_once_that_is_said(
    whole: tuple[Where, int, Path], database: Database, api: BotApi, chat: int
) -> None:
    var, mine = whole[2], f"telegram:{chat}"
    api.say(chat, SAID)
    api.answer(chat)
    api.say(chat, "我的信息能不能导出，给我一份")
    assert "下面这个文件" in api.answer(chat, 2).text
    (sent,) = api.wait(lambda: api.to(chat, "sendDocument"))
    record = (sent.file or b"").decode()
    assert NAME in record
    assert not any(word in record for word in NEVER if word != PHONE)
    api.say(chat, "删掉我的记录")
    asked = api.answer(chat, 3)
    assert "确定删吗" in asked.text
    assert [found for found in everything(database, var) if found[1] == mine]
    api.press(asked, "确定删除")
    assert api.answer(chat, 4).text == "都删掉了。"
    api.wait(lambda: not [found for found in everything(database, var) if found[1] == mine])
    with database.transaction() as session:
        inbox = session.scalars(select(InboxRow).where(InboxRow.conversation == mine)).all()
    assert inbox == []


def readable(var: Path) -> list[str]:
    """Return where a planted word can be read in the system's files: log, databases, trackers."""
    found = []
    for file in var.rglob("*"):
        if file.is_symlink() or not file.is_file() or file.parent.name in ("models", "index"):
            continue
        data = file.read_bytes()
        escaped = [word.encode("unicode_escape") for word in PLANTED]  # as JSON writes it
        if any(word.encode() in data or other in data for word, other in zip(PLANTED, escaped, strict=True)):
            found.append(file.name)
    for file in var.glob("*.db"):
        found += [f"{file.name}: {place}" for place in cells(file)]
    return found


def cells(file: Path) -> list[str]:
    """Return the tables and columns of an SQLite file that hold a planted word; pages may split one, cells do not."""
    found = []
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        connection.text_factory = bytes
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            name = table.decode()
            for row in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 (our own tables)
                if any(word.encode() in cell for cell in row if isinstance(cell, bytes) for word in PLANTED):
                    found.append(name)
    return found


def everything(database: Database, var: Path) -> list[tuple[str, str, str]]:
    """Return (column, conversation, text) of all that is encrypted anywhere, the tracker's events too."""
    found = []
    with database.transaction() as session:
        for table, columns in encrypted().items():
            for row in session.execute(select(table)).mappings():
                for column in columns:
                    if row[column.name] is not None:
                        place = f"{table.name}.{column.name}"
                        text = database.cipher.decrypt(row[column.name], place)
                        found.append((place, str(row.get("conversation")), text))
    with sqlite3.connect(f"file:{var / 'tracker.db'}?mode=ro", uri=True) as events:
        rows = events.execute("SELECT sender_id, data FROM events").fetchall()
    return found + [("tracker", sender, database.cipher.unseal(data, "tracker")) for sender, data in rows]

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
from storage.booking_tables import BookingRow
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.desk_messages import DeskMessages
from storage.notes import CallNotes
from storage.tables import InboxRow, TurnRow, UnansweredRow
from storage.tickets import Tickets
from tests.auxil.bot_api import BotApi
from tests.desk.conftest import code

pytestmark = pytest.mark.processes

NAME, STREET, ILLNESS = "欧阳慕云霄", "复兴中路7316弄", "帕金森叠加症"
PHONE, ID_CARD, BANK_CARD = "13764920583", "310104193203157846", "6222021001987654321"
PLANTED = (NAME, STREET, ILLNESS, PHONE, ID_CARD, BANK_CARD)
SAID = f"我叫{NAME}，住{STREET}，老伴{ILLNESS}，身份证{ID_CARD}，卡号{BANK_CARD}，电话{PHONE}，长护险怎么申请"


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
    for path in ("/services?q=", "/nowhere/", "/places?where=", "/desk/tickets/"):
        elder.http.get(path + quote(NAME + STREET))
    elder.http.post("/webhooks/nowhere", content=SAID.encode())
    elder.http.post("/channels/signed", json={"user": "x", "message_id": "1", "text": SAID})

    assert readable(var) == []
    # Numbers are not even kept encrypted, but the telephone that a clerk writes down.
    kept = everything(database)
    assert sum(NAME in text for text in kept) >= 6
    assert [text for text in kept if ID_CARD in text or BANK_CARD in text] == []
    assert len([text for text in kept if PHONE in text]) == 1
    for path in ("/desk/statistics", "/desk/statistics.csv", "/desk/audit"):
        page = clerk.http.get(path).text
        assert not any(word in page for word in PLANTED), path

    # The person's own erasure takes all that hangs on the conversation, the clerk's words included.
    done = elder.post("/privacy")
    assert "都删掉了" in done.text
    after = everything(database, elder.conversation)
    assert after == []


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


def everything(database: Database, conversation: str | None = None) -> list[str]:
    """Return every text that somebody wrote, decrypted: of all, or of one conversation."""
    decrypt = database.cipher.decrypt
    with database.transaction() as session:
        rows = [
            *((row.conversation, decrypt(row.text, "turns.text")) for row in session.scalars(select(TurnRow))),
            *((row.conversation, decrypt(row.text, "inbox.text")) for row in session.scalars(select(InboxRow))),
            *(
                (row.conversation, decrypt(row.text, "unanswered.text"))
                for row in session.scalars(select(UnansweredRow))
            ),
            *(
                (row.conversation, decrypt(row.name, "bookings.name"))
                for row in session.scalars(select(BookingRow))
                if row.name
            ),
        ]
    rows += [(note.conversation, note.text) for note in CallNotes(database, now).latest(1_000)]
    for of in {conversation or "", *(of for of, _ in rows if of)}:
        rows += [(of, message.reply) for message in DeskMessages(database, now).of(of)]
    planted = [text for of, text in rows if conversation in (None, of)]
    return planted if conversation else [text for text in planted if any(word in text for word in PLANTED)]

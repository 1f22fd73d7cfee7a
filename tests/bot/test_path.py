"""The path of a message with a real database and a stand-in for the dialogue server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.desk.app import hand_over
from bot.errors import CannotStore, DialogueDown
from bot.messages import Incoming, mask
from bot.path import MessagePath, Parts
from bot.settings import GatewaySettings
from knowledge.emergency import EmergencyMatcher
from knowledge.library import Library
from knowledge.reply import Act, Button, ChoiceBlock, Outcome, Reply, TextBlock
from storage.clock import SHANGHAI
from storage.crypto import Cipher, read_or_make_key
from storage.database import Database
from storage.erasing import Erasure
from storage.inbox import Inbox, Received
from storage.turns import Buttons, Turns
from tests.auxil.databases import emptied
from tests.auxil.toy_library import toy_library

AT = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)


class Dialogue:
    """Stands in for the dialogue server; ``answer`` makes the reply or raises."""

    def __init__(self, answer: Callable[[str, dict[str, Any]], Reply]) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    async def ask(self, conversation: str, text: str, metadata: dict[str, Any]) -> Reply:
        await asyncio.sleep(0.01)
        self.asked.append((conversation, text))
        return self.answer(text, metadata)


def fine(text: str, metadata: dict[str, Any]) -> Reply:
    return Reply(blocks=[TextBlock(text=f"答：{text}")], outcome=Outcome.ANSWERED_SERVICE)


def down(text: str, metadata: dict[str, Any]) -> Reply:
    raise DialogueDown("no")


@pytest.fixture(scope="module")
def library() -> Library:
    return toy_library()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path / 'a.db'}", Cipher(read_or_make_key(tmp_path / "key")))
    emptied(made)
    return made


def path_with(
    database: Database, library: Library, dialogue: Dialogue, clock: Callable[[], datetime] = lambda: AT
) -> MessagePath:
    parts = Parts(
        Inbox(database),
        Turns(database),
        Buttons(database),
        dialogue,  # type: ignore[arg-type]
        EmergencyMatcher(),
        lambda: library,
        clock,
        database.cipher,
        hand_over(GatewaySettings(), database, clock),
        erasure=Erasure(database),
    )
    return MessagePath(parts)


def message(text: str, external_id: str = "1", conversation: str = "web:a", token: str | None = None) -> Incoming:
    return Incoming("web", conversation, external_id, text, AT, token)


async def test_a_message_is_answered_and_recorded(database: Database, library: Library) -> None:
    path = path_with(database, library, Dialogue(fine))
    reply = await path.handle(message("喘息服务"))
    assert reply is not None
    (turn,) = Turns(database).last("web:a", 5)
    assert (turn.text, turn.outcome) == ("喘息服务", "answered_service")


async def test_a_repeat_is_not_handled_again(database: Database, library: Library) -> None:
    dialogue = Dialogue(fine)
    path = path_with(database, library, dialogue)
    replies = await asyncio.gather(*(path.handle(message("喂")) for _ in range(5)))
    assert sum(reply is not None for reply in replies) == 1
    assert len(dialogue.asked) == 1


async def test_one_persons_messages_stay_in_order(database: Database, library: Library) -> None:
    dialogue = Dialogue(fine)
    path = path_with(database, library, dialogue)
    tasks = []
    for number in range(10):
        tasks.append(asyncio.create_task(path.handle(message(f"第{number}句", str(number)))))
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    assert [text for _, text in dialogue.asked] == [f"第{number}句" for number in range(10)]
    assert path._locks == {}


async def test_danger_never_waits_for_the_dialogue_server(database: Database, library: Library) -> None:
    dialogue = Dialogue(down)
    reply = await path_with(database, library, dialogue).handle(message("我爸晕倒了"))
    assert reply is not None
    assert reply.outcome is Outcome.GUARDED_EMERGENCY
    assert dialogue.asked == []
    assert Turns(database).open_tickets() == [("emergency_unconscious", "web:a")]


async def test_without_the_dialogue_server_the_search_answers(database: Database, library: Library) -> None:
    reply = await path_with(database, library, Dialogue(down)).handle(message("老年综合津贴"))
    assert reply is not None
    assert reply.outcome is Outcome.ERROR_DIALOGUE_DOWN
    assert reply.service_ids() == ["sh_comprehensive_allowance"]
    assert Turns(database).unanswered() == [("老年综合津贴", "error_dialogue_down")]


async def test_whatever_breaks_the_person_gets_a_plain_sentence(database: Database, library: Library) -> None:
    def broken(text: str, metadata: dict[str, Any]) -> Reply:
        raise RuntimeError("Traceback …")

    reply = await path_with(database, library, Dialogue(broken)).handle(message("喂"))
    assert reply is not None
    assert reply.outcome is Outcome.ERROR_SYSTEM
    assert "Traceback" not in str(reply.payload())


async def test_a_message_that_cannot_be_stored_is_not_acknowledged(database: Database, library: Library) -> None:
    from storage.tables import Base

    Base.metadata.drop_all(database.engine)
    with pytest.raises(CannotStore):
        await path_with(database, library, Dialogue(fine)).handle(message("喂"))


async def test_an_empty_message_is_told_so(database: Database, library: Library) -> None:
    reply = await path_with(database, library, Dialogue(fine)).handle(message(" \u200b\x00 "))
    assert reply is not None
    assert reply.outcome is Outcome.ERROR_EMPTY_MESSAGE


async def test_a_pressed_button_travels_as_its_act(database: Database, library: Library) -> None:
    seen: list[dict[str, Any]] = []

    def offers(text: str, metadata: dict[str, Any]) -> Reply:
        seen.append(metadata)
        button = Button(title="喘息服务", act=Act(intent="ask_service", service_id="respite"))
        return Reply(blocks=[ChoiceBlock(text="哪个？", buttons=[button])], outcome=Outcome.ASKED_WHICH_SERVICE)

    path = path_with(database, library, Dialogue(offers))
    reply = await path.handle(message("累", "1"))
    assert reply is not None
    (button,) = reply.blocks[0].buttons  # type: ignore[union-attr]
    assert button.act is None
    await path.handle(message("", "2", token=button.token))
    assert seen[-1]["act"] == {"intent": "ask_service", "service_id": "respite"}
    await path.handle(message("", "3", conversation="web:other", token=button.token))
    assert len(seen) == 2  # the other person's message was empty


async def test_what_a_restart_interrupted_is_answered_after_it(database: Database, library: Library) -> None:
    inbox = Inbox(database)
    inbox.store(Received("i1", "web", "1", "web:a", "长护险", None, AT - timedelta(minutes=2)))
    inbox.store(Received("i2", "web", "2", "web:a", "太久以前", None, AT - timedelta(hours=2)))
    assert await path_with(database, library, Dialogue(fine)).resume() == 1
    assert [turn.text for turn in Turns(database).last("web:a", 5)] == ["长护险"]


@pytest.mark.parametrize(
    "secret",
    ["310101194001011234", "31010119400101123x", "13812345678", "+86 138-1234-5678", "6222 0212 3456 7890 123"],
)
def test_numbers_that_must_not_be_kept_are_masked(secret: str) -> None:
    masked = mask(f"我的是{secret}，帮我办")
    assert secret not in masked
    assert "隐去" in masked


@pytest.mark.parametrize("text", ["打12345", "96110是真的吗", "83岁", "2026年11月25日", "021-12345678"])
def test_other_numbers_stay(text: str) -> None:
    assert mask(text) == text

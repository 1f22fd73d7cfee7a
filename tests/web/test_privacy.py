"""The page about privacy: the record as a file, the deletion in the conversation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from knowledge.reply import Outcome, Reply, TextBlock
from storage.database import Database
from storage.records import Records
from tests.bot.test_path import database, fine, library  # noqa: F401 (fixtures)
from tests.web.conftest import HERE, Forgets, Page


def erases(text: str, metadata: dict[str, Any]) -> Reply:
    if text != "确定删除":
        return fine(text, metadata)
    return Reply(blocks=[TextBlock(text="都删掉了。")], outcome=Outcome.ANSWERED_ERASURE)


def test_the_record_is_given_as_a_file_to_read(page: Page) -> None:
    page.say(text="我的腿不好", message_id="a")
    answer = page.say("/privacy/record", kind="text")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="record.txt"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("\ufeff我的记录")
    assert "您：我的腿不好" in answer.text
    assert "养老顾问：答：我的腿不好" in answer.text


def test_the_record_is_given_as_data(page: Page) -> None:
    page.say(text="我的腿不好", message_id="a")
    answer = page.say("/privacy/record", kind="data")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    data = json.loads(answer.text)
    assert data["kept"]["turns"][0]["text"] == "我的腿不好"
    assert data["kept"]["inbox"][0]["conversation"] == page.conversation()


def test_who_said_nothing_is_told_so(page: Page) -> None:
    assert "没有记着您的话" in page.say("/privacy/record").text


def test_nobody_gets_another_ones_record(page: Page, made: Callable[..., Page]) -> None:
    page.say(text="我的腿不好", message_id="a")
    other = made()
    assert "腿" not in other.say("/privacy/record", kind="data").text
    other.cookies.set("advisor", page.cookies["advisor"].split(".")[0] + ".forged")
    assert "腿" not in other.say("/privacy/record", kind="data").text


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, HERE])
def test_the_file_is_not_given_to_a_form_from_elsewhere(page: Page, headers: dict[str, str]) -> None:
    page.say(text="我的腿不好", message_id="a")
    assert page.post("/privacy/record", data={"csrf": "x"}, headers=headers).status_code == 403


def test_without_a_script_one_sees_that_it_is_deleted(
    made: Callable[..., Page], dialogue: Forgets, database: Database
) -> None:
    dialogue.answer = erases
    page = made()
    conversation = page.conversation()
    page.say(text="我的腿不好", message_id="a")
    answer = page.say(text="确定删除", message_id="b")
    assert "都删掉了" in answer.text
    assert "腿" not in answer.text
    assert dialogue.forgotten == [conversation]
    assert Records(database).of_conversation(conversation) == {}

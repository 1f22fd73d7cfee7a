"""What is kept, told and deleted by talk: whatever the classifier makes of the words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from actions.booking_talk.desk import Desk, open_desk
from actions.privacy import Wish, wish_of
from knowledge.library import Library
from knowledge.normalise import normalise
from knowledge.phrases import say
from knowledge.plain_text import plain_text
from knowledge.reply import Outcome, Reply
from storage.booking_tables import CourseRow
from storage.crypto import Cipher, new_key
from storage.database import Database
from storage.inbox import Inbox, Received
from storage.notes import CallNotes
from storage.turns import Turn, Turns
from tests.actions.test_booking_talk import NOW, Talk, training
from tests.auxil.databases import emptied
from tests.auxil.toy_library import toy_library

ERASE = ["删掉我的记录", "把我说过的都删了", "我说过的话全部删掉", "把我的聊天记录清空", "我的信息可以删除吗"]
LIST = ["你们记了我什么", "你们这里存了我哪些信息", "你保存着我什么"]
EXPORT = ["我的信息能不能导出", "下载我的记录", "把我的聊天记录导出来"]
OTHERS = [
    "怎么打印社保缴费记录",
    "长护险要什么资料",
    "我的资料交给谁",
    "取消我的预约",
    "我忘了带材料",
    "把我妈的病历记录调出来",
    "看看我的预约",
]


@pytest.fixture(scope="module")
def library() -> Library:
    return toy_library()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}", Cipher(new_key()))
    emptied(database)
    return database


@pytest.fixture
def talk(database: Database, library: Library) -> Talk:
    return Talk(library, a_desk(database))


def a_desk(database: Database) -> Desk:
    desk = open_desk(database, lambda: NOW, demo=True, days=30)
    course = CourseRow(id="c", title="照护课", about="-", sample=True)
    desk.catalogue.put_courses([course], [training("t1", 3, 1), training("t2", 8, 5)])
    return desk


def said(database: Database, count: int, conversation: str = "web:a") -> None:
    inbox, turns = Inbox(database), Turns(database)
    for number in range(count):
        at = NOW - timedelta(days=number)
        inbox.store(
            Received(f"i{conversation}{number}", "web", f"x{conversation}{number}", conversation, "问", None, at)
        )
        reply = '{"schema":1,"outcome":"answered_service","blocks":[]}'
        turns.record(Turn(f"i{conversation}{number}", conversation, "问", reply, "answered_service", None, None, 1, at))


def book(talk: Talk) -> None:
    talk.say("book_training", "想报12月3日的照护课", phone="13764920583")
    done = talk.press(talk.say("inform", "13764920583", phone="13764920583"), "对")
    assert done.outcome is Outcome.ANSWERED_BOOKING, plain_text(done)


@pytest.mark.parametrize("intent", ["privacy", "ask_service", "unclear", "inform"])
@pytest.mark.parametrize("text", ERASE)
def test_deleting_is_read_back_first(talk: Talk, database: Database, text: str, intent: str) -> None:
    said(database, 3)
    reply = talk.say(intent, text)
    assert reply.outcome is Outcome.ASKED_SLOT
    assert "说过的话和我的回答3条" in plain_text(reply)
    assert "确定删吗" in plain_text(reply)
    assert reply.evidence.intent == "privacy"
    assert len(Turns(database).last("web:a", 9)) == 3


@pytest.mark.parametrize("text", LIST)
def test_what_is_kept_is_listed_in_figures(talk: Talk, database: Database, text: str) -> None:
    said(database, 4)
    said(database, 7, "web:other")
    book(talk)
    CallNotes(database, lambda: NOW).write("s1", "other", None, "好", "k", "web:a")
    told = plain_text(talk.say("ask_service", text))
    for part in ("4条，从11月22日起", "还没到日子的预约1个：12月3日", "备注，1条", "30天", "盖掉"):
        assert part in told, part
    assert "7条" not in told
    assert "还没打" not in told  # nobody is to be rung


def test_nothing_kept_is_said_so(talk: Talk) -> None:
    assert say("privacy_list_nothing") in plain_text(talk.say("privacy", "你们记了我什么"))


@pytest.mark.parametrize("text", EXPORT)
@pytest.mark.parametrize(
    ("conversation", "part"), [("web:a", "下载我的记录"), ("telegram:7", "下面这个文件"), ("signed:x", "12345")]
)
def test_who_wants_it_all_is_told_how(talk: Talk, text: str, conversation: str, part: str) -> None:
    talk.conversation = conversation
    reply = talk.say("privacy", text)
    assert part in plain_text(reply)
    assert reply.outcome is Outcome.ANSWERED_RECORD


@pytest.mark.parametrize("text", OTHERS)
def test_other_wishes_are_not_taken_for_it(talk: Talk, text: str) -> None:
    reply = talk.say("ask_service", text)
    assert reply.outcome not in (Outcome.ANSWERED_RECORD, Outcome.ANSWERED_ERASURE)
    assert "确定删吗" not in plain_text(reply)


def test_a_plain_question_about_privacy_is_explained_with_both_buttons(talk: Talk) -> None:
    reply = talk.say("privacy", "我讲的话会传出去吗")
    assert "只记您问的话" in plain_text(reply)
    assert "记30天" in plain_text(reply)
    assert "确定删吗" in plain_text(talk.press(reply, "删掉我的记录"))
    assert say("privacy_list_nothing") in plain_text(talk.press(reply, "看看记了什么"))


@pytest.mark.parametrize("how", ["button", "确定删除", "确定", "是的", "对，删掉", "好的删吧", "都删掉"])
def test_only_a_clear_yes_deletes(talk: Talk, database: Database, how: str) -> None:
    said(database, 2)
    asked = talk.say("privacy", "删掉我的记录")
    reply = talk.press(asked, "确定删除") if how == "button" else talk.say("affirm", how)
    assert reply.outcome is Outcome.ANSWERED_ERASURE
    assert plain_text(reply) == "都删掉了。"


@pytest.mark.parametrize("how", ["button", "不删了", "算了", "先不要", "不用了", "还是留着吧"])
def test_who_thinks_better_of_it_keeps_everything(talk: Talk, how: str) -> None:
    asked = talk.say("privacy", "删掉我的记录")
    reply = talk.press(asked, "不删了") if how == "button" else talk.say("unclear", how)
    assert plain_text(reply) == "好，不删，都还在。"


@pytest.mark.parametrize("text", ["长护险要不要钱", "确定要什么条件", "好的，长护险是什么", "。", "嗯？"])
def test_another_word_after_the_question_deletes_nothing(talk: Talk, text: str) -> None:
    talk.say("privacy", "删掉我的记录")
    assert talk.say("ask_service", text).outcome is not Outcome.ANSWERED_ERASURE


def test_a_yes_an_hour_later_or_after_something_else_deletes_nothing(talk: Talk) -> None:
    talk.say("privacy", "删掉我的记录")
    talk.now += timedelta(hours=1)
    assert talk.say("affirm", "好的").outcome is not Outcome.ANSWERED_ERASURE
    talk.say("privacy", "删掉我的记录")
    talk.say("greet", "你好")
    assert talk.say("affirm", "确定").outcome is not Outcome.ANSWERED_ERASURE


def test_in_the_middle_of_a_booking_both_can_be_done(talk: Talk) -> None:
    talk.say("book_training", "想报照护课")
    asked = talk.say("privacy", "等一下，先删掉我的记录")
    assert "确定删吗" in plain_text(asked)
    assert talk.say("affirm", "确定").outcome is Outcome.ANSWERED_ERASURE


def test_a_booking_to_come_stays_and_is_named(talk: Talk, database: Database) -> None:
    book(talk)
    asked = talk.say("privacy", "把我说过的都删了")
    assert "没到日子的预约留着（12月3日）" in plain_text(asked)
    assert "取消预约" in plain_text(asked)
    done: Reply = talk.press(asked, "确定删除")
    assert "12月3日" in plain_text(done)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("信用卡号我打出来了，能消掉不", Wish.ERASE),
        ("从头到尾一个字也别留", Wish.ERASE),
        ("当我没来过，记录统统销毁", Wish.ERASE),
        ("把我前面留的电话和地址全部删掉", Wish.ERASE),
        ("来电人要求注销其在平台的全部个人信息", Wish.ERASE),
        ("我的账上现在都有啥，一样一样报给我听", Wish.LIST),
        ("你都记住我哪些东西了", Wish.LIST),
        ("聊天记录你们要保存多久，谁能看得到", Wish.KNOW),
        ("我讲闲话你们录音吗", Wish.KNOW),
    ],
)
def test_the_wish_is_read_from_the_words(text: str, wish: Wish) -> None:
    assert wish_of(normalise(text)) is wish

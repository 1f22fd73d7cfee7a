"""Telegram end to end: real HTTP traffic to a stand-in of the Bot API, both real processes behind."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from bot.client import Where
from bot.speech.speaking import encoded
from tests.auxil.bot_api import BotApi, Sent
from tests.auxil.recordings import RECORDINGS

pytestmark = pytest.mark.processes
Whole = tuple[Where, int, Path]


def turns(whole: Whole, chat: int) -> list[tuple[str, str]]:
    with sqlite3.connect(whole[2] / "advisor.db") as database:
        query = "SELECT outcome, intent FROM turns WHERE conversation LIKE ? ORDER BY number"
        return list(database.execute(query, [f"telegram:{chat}%"]))


def test_start_is_three_short_lines_and_four_buttons(whole: Whole, api: BotApi, chat: int) -> None:
    api.say(chat, "/start")
    sent = api.answer(chat)
    assert len(sent.text.splitlines()) == 3
    assert "国外的服务器" in sent.text
    assert [title for title, _ in sent.buttons] == ["查能享受的待遇", "问养老服务", "预约", "找人工"]
    assert max(sent.rows) <= 2
    api.press(sent, "预约")
    which = api.answer(chat, 2)
    assert "您要约哪一样" in which.text
    assert any(each.method == "answerCallbackQuery" for each in api.sent)


def test_the_menu_is_in_chinese(whole: Whole, api: BotApi) -> None:
    assert {each["description"] for each in api.commands} >= {"查能享受的待遇", "我的预约", "找人工"}


def test_a_question_is_answered_with_source_and_buttons(whole: Whole, api: BotApi, chat: int) -> None:
    api.say(chat, "喘息服务是什么，一年能住几天")
    sent = api.answer(chat)
    assert "喘息" in sent.text
    assert "依据" in sent.text
    assert "<b>" in sent.data["text"]
    api.press(sent, sent.buttons[0][0])
    assert api.answer(chat, 2).text != sent.text


@pytest.mark.parametrize("times", [2, 20])
def test_the_same_update_again_is_answered_once(whole: Whole, api: BotApi, chat: int, times: int) -> None:
    update = api.say(chat, "长护险怎么申请要哪些材料呢请告诉我")
    for _ in range(times - 1):
        api.again(update)
    api.answer(chat)
    time.sleep(2)
    api.again(update)
    time.sleep(1)
    assert len(api.to(chat)) == 1
    assert len(turns(whole, chat)) == 1


def test_five_short_messages_at_once_are_one_question(whole: Whole, api: BotApi, chat: int) -> None:
    for text in ("我妈", "83岁", "上海户口", "老年综合津贴", "能拿多少"):
        api.say(chat, text)
        time.sleep(0.3)
    sent = api.answer(chat)
    assert "综合津贴" in sent.text
    time.sleep(1.5)
    assert len(api.to(chat)) == 1


def test_danger_waits_for_nothing_and_has_a_number_to_ring(whole: Whole, api: BotApi, chat: int) -> None:
    api.say(chat, "我妈叫不醒了")
    started = time.monotonic()
    assert "120" in api.answer(chat).text
    assert time.monotonic() - started < 3
    (card,) = api.wait(lambda: api.to(chat, "sendContact"))
    assert card.data["phone_number"] == "120"


def test_an_edited_message_is_answered_anew(whole: Whole, api: BotApi, chat: int) -> None:
    api.say(chat, "喘息服务在哪里办理呀我想问问清楚")
    api.answer(chat)
    api.edit(chat, "敬老卡在哪里办理呀我想问问清楚")
    assert "社区事务受理服务中心" in api.answer(chat, 2).text


@pytest.mark.parametrize(
    "parts",
    [
        {"photo": [{"file_id": "p", "file_unique_id": "p", "width": 9, "height": 9}]},
        {
            "sticker": {
                "file_id": "s",
                "file_unique_id": "s",
                "width": 9,
                "height": 9,
                "is_animated": False,
                "is_video": False,
                "type": "regular",
            }
        },
        {"document": {"file_id": "d", "file_unique_id": "d"}},
    ],
)
def test_what_cannot_be_read_is_told_kindly(whole: Whole, api: BotApi, chat: int, parts: dict[str, object]) -> None:
    api.give(message=api.message(chat, **parts))
    assert "看不懂" in api.answer(chat).text


def test_odd_updates_stop_nothing(whole: Whole, api: BotApi, chat: int) -> None:
    api.give(my_chat_member={"nonsense": True})
    api.give(message=api.message(chat, new_chat_members=[{"id": 1, "is_bot": False, "first_name": "x"}]))
    api.give(message={"message_id": 1, "date": 1, "chat": {"id": chat, "type": "private"}})
    api.give(poll={"id": "1"})
    api.say(chat, "喘息服务是什么意思呀能不能说说看")
    assert "喘息" in api.answer(chat).text


def test_a_whole_booking_with_buttons_survives_both_processes_killed(whole: Whole, api: BotApi, chat: int) -> None:
    api.say(chat, "/training")
    api.press(api.answer(chat), "下午2点")
    api.answer(chat, 2)
    kill(whole[1], "uvicorn")
    api.say(chat, f"1380{chat:07}")
    # The question before may be sent again: the kill can fall between sending and marking it.
    read_back = api.wait(lambda: next((each for each in api.to(chat) if "给您读一遍" in each.text), None), 60)
    kill(whole[1], "rasa")
    time.sleep(0.5)
    api.press(read_back, "对，就这样")
    card = confirmed(api, chat, read_back)
    assert "约好了" in card.text
    with sqlite3.connect(whole[2] / "advisor.db") as database:
        rows = database.execute("SELECT state FROM bookings WHERE conversation = ?", [f"telegram:{chat}"]).fetchall()
    assert rows == [("booked",)]


def confirmed(api: BotApi, chat: int, read_back: Sent) -> Sent:
    """Press 对 until it is booked: while the dialogue server starts again it cannot be."""
    for _ in range(40):
        booked = [each for each in api.to(chat) if "号码：" in each.text]
        if booked:
            return booked[0]
        time.sleep(1.5)
        if not any("号码：" in each.text for each in api.to(chat)):
            api.press(read_back, "对，就这样")
    raise AssertionError([each.text[:80] for each in api.to(chat)])


def kill(supervisor: int, mark: str) -> None:
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    for child in children:
        if mark in Path(f"/proc/{child}/cmdline").read_text():
            os.kill(int(child), signal.SIGKILL)
            return
    raise AssertionError(f"no process {mark}")


def test_a_group_is_answered_when_it_asks_and_keeps_bookings_apart(whole: Whole, api: BotApi, chat: int) -> None:
    group = -chat
    api.say(group, "今晚吃什么")
    api.say(group, "@yanglao_guwen_bot 喘息服务是什么意思呀说说看")
    assert "喘息" in api.answer(group).text
    time.sleep(1)
    assert len(api.to(group)) == 1


def test_flood_control_of_one_chat_holds_up_nobody(whole: Whole, api: BotApi, chat: int) -> None:
    other = chat + 100_000
    api.fail("sendMessage", "flood", times=1, retry_after=4, chat=chat)
    started = time.monotonic()
    api.say(chat, "喘息服务是什么意思呀能不能说说看")
    api.say(other, "敬老卡在哪里办理呀我想问问清楚")
    api.answer(other)
    assert time.monotonic() - started < 4
    api.answer(chat)
    assert time.monotonic() - started >= 4
    time.sleep(1)
    assert len(api.to(chat)) == 1


@pytest.mark.parametrize("kind", ["error", "cut"])
def test_a_failed_send_is_tried_again(whole: Whole, api: BotApi, chat: int, kind: str) -> None:
    api.fail("sendMessage", kind, times=3, chat=chat)
    api.say(chat, "喘息服务是什么意思呀能不能说说看")
    assert "喘息" in api.answer(chat).text


def test_telegram_being_away_stops_nothing(whole: Whole, api: BotApi, chat: int) -> None:
    api.fail("getUpdates", "error", times=3)
    api.say(chat, "喘息服务是什么意思呀能不能说说看")
    assert "喘息" in api.answer(chat, seconds=30).text


def test_who_blocked_us_is_given_up_and_may_come_back(whole: Whole, api: BotApi, chat: int) -> None:
    api.fail("sendMessage", "blocked", times=1, chat=chat)
    api.say(chat, "喘息服务是什么意思呀能不能说说看")
    api.wait(lambda: turns(whole, chat))
    time.sleep(1)
    assert api.to(chat) == []
    api.say(chat, "敬老卡在哪里办理呀我想问问清楚")
    assert "敬老卡" in api.answer(chat).text


def test_html_that_is_refused_goes_as_plain_text(whole: Whole, api: BotApi, chat: int) -> None:
    api.fail("sendMessage", "parse", times=1, chat=chat)
    api.say(chat, "喘息服务是什么意思呀能不能说说看")
    sent = api.answer(chat)
    assert "parse_mode" not in sent.data
    assert "<b>" not in sent.data["text"]


def test_small_letters_and_settings_are_told_for_this_app(whole: Whole, api: BotApi, chat: int) -> None:
    api.say(chat, "字太小了看不清")
    assert "消息文字大小" in api.answer(chat).text
    api.say(chat, "说短一点")
    assert "短一点" in api.answer(chat, 2).text
    api.say(chat, "喘息服务是什么意思呀能不能说说看")
    assert len(api.answer(chat, 3).text.splitlines()) <= 6


def test_messages_of_one_chat_keep_their_order(whole: Whole, api: BotApi, chat: int) -> None:
    asked = [
        "喘息服务是什么意思呀，我想问问清楚，请您慢慢说",  # too long to be a piece of one question
        "敬老卡在哪里办理呀，我也想问问清楚，请您慢慢说",
        "长护险怎么申请呀，这个我也要问问清楚，请您慢慢说",
    ]
    for text in asked:
        api.say(chat, text)
    api.answer(chat, 3)
    texts = [each.text for each in api.to(chat)]
    assert all(words in text for words, text in zip(("喘息", "敬老卡", "长护险"), texts, strict=True))


def test_a_location_finds_places_and_is_not_kept(whole: Whole, api: BotApi, chat: int) -> None:
    api.give(message=api.message(chat, location={"latitude": 31.176543, "longitude": 121.422345}))
    assert "12345" in api.answer(chat).text  # nothing imported here: the number to ask
    for file in whole[2].glob("advisor.db*"):
        data = file.read_bytes()
        assert b"31.1765" not in data
        assert b"121.4223" not in data


def test_a_voice_note_is_heard_shown_and_answered(whole: Whole, api: BotApi, chat: int) -> None:
    file, _ = RECORDINGS[2]
    api.voice(chat, encoded(file.read_bytes(), "ogg"))
    assert "我在听" in api.answer(chat).text
    heard = api.answer(chat, 2, 40)
    assert "我听到的是：" in heard.text
    assert "印度" in heard.text
    assert api.to(chat, "sendChatAction")
    api.press(heard, "不对，重说")
    assert "再说一遍" in api.answer(chat, 3).text


def test_a_voice_note_that_is_too_long_or_empty_is_told_kindly(whole: Whole, api: BotApi, chat: int) -> None:
    api.voice(chat, b"-", seconds=75)
    assert "一分钟以内" in api.answer(chat).text
    api.voice(chat, b"no sound at all")
    assert "没有听清" in api.answer(chat, 3, 40).text


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="the tests of speech install it")
def test_an_answer_is_read_aloud(whole: Whole, api: BotApi, chat: int) -> None:
    api.say(chat, "喘息服务是什么意思呀，我想问问清楚，请您慢慢说")
    api.answer(chat)
    api.say(chat, "念给我听")
    (voice,) = api.wait(lambda: api.to(chat, "sendVoice"))
    assert voice.file
    assert voice.file[:4] == b"OggS"
    api.say(chat, "以后都念给我听")
    api.answer(chat, 2)
    api.say(chat, "敬老卡在哪里办理呀，我也想问问清楚，请您慢慢说")
    api.wait(lambda: len(api.to(chat, "sendVoice")) >= 2)

"""The booking dialogue, with a real database and no server."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actions.answers import Answerer
from actions.booking.bookings import Bookings
from actions.booking.catalogue import Catalogue
from actions.booking_talk import Desk
from actions.understood import Sender, UnderstoodAct, context_of, slots_after
from knowledge.library import Library
from knowledge.normalise import normalise
from knowledge.plain_text import plain_text
from knowledge.reply import BookingBlock, FormBlock, Outcome, Reply
from storage.booking_tables import CourseRow, EventRow, PointRow
from storage.clock import SHANGHAI
from storage.crypto import Cipher, read_or_make_key
from storage.database import Database
from tests.auxil.toy_library import toy_library

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)  # a Wednesday


@pytest.fixture(scope="module")
def library() -> Library:
    return toy_library()


class Talk:
    """A conversation, with what was understood given by hand."""

    def __init__(self, library: Library, desk: Desk, conversation: str = "web:a") -> None:
        self.answerer = Answerer(library, NOW, desk=desk)
        self.desk = desk
        self.conversation = conversation
        self.slots: dict[str, Any] = {}
        self.sent = 0

    def say(self, intent: str, text: str, phone: str | None = None, **more: Any) -> Reply:
        self.sent += 1
        context = context_of(self.slots, NOW, text)
        sender = Sender(self.conversation, f"{self.conversation}{self.sent}", phone)
        reply = self.answerer.reply(
            [UnderstoodAct(intent, normalise(text), 0.9, **more)],
            context.__class__(**{**context.__dict__, "sender": sender}),
        )
        self.slots |= slots_after(reply, context, NOW)
        return reply

    def press(self, reply: Reply, title: str) -> Reply:
        button = next(b for block in reply.blocks for b in getattr(block, "buttons", []) if title in b.title)
        assert button.act
        act = button.act
        return self.say(act.intent, button.title, slot=act.slot, value=act.value, pressed=True)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}", Cipher(read_or_make_key(tmp_path / "key")))
    database.migrate()
    desk = Desk(Catalogue(database, lambda: NOW), Bookings(database, lambda: NOW), database.cipher)
    course = CourseRow(id="c", title="照护课", about="-", sample=True)
    desk.catalogue.put_courses([course], [training("t1", 3, 1), training("t2", 8, 5), training("t3", 9, 5)])
    desk.catalogue.put_points([point("tianlin", "徐汇区"), point("wujiaochang", "杨浦区")])
    return desk


def training(event_id: str, days: int, seats: int) -> EventRow:
    starts = NOW + timedelta(days=days, hours=5)
    return EventRow(
        id=event_id,
        kind="training",
        course_id="c",
        point_id=None,
        title="照护课",
        district="徐汇区",
        place="示例路2号",
        bring="身份证",
        latitude=None,
        longitude=None,
        starts_at=starts,
        ends_at=starts + timedelta(hours=2),
        seats=seats,
        taken=0,
        state="open",
        sample=True,
    )


def point(name: str, district: str) -> PointRow:
    return PointRow(
        id=name,
        name=f"示例{name}",
        district=district,
        street=None,
        address="示例路1号",
        phone=None,
        hours="周一至周五 9:00-11:00",
        slot_minutes=30,
        advisors=1,
        latitude=None,
        longitude=None,
        sample=True,
    )


@pytest.fixture
def talk(library: Library, desk: Desk) -> Talk:
    return Talk(library, desk)


def form(reply: Reply) -> FormBlock:
    (block,) = [block for block in reply.blocks if isinstance(block, FormBlock)]
    return block


def booked(reply: Reply) -> BookingBlock:
    assert reply.outcome is Outcome.ANSWERED_BOOKING, plain_text(reply)
    (block,) = reply.blocks
    assert isinstance(block, BookingBlock)
    return block


def test_all_at_once_is_read_back_and_then_booked(talk: Talk) -> None:
    reply = talk.say("book_consultation", "帮我妈约下周三上午徐汇的养老顾问,电话13800138000", "13800138000")
    assert form(reply).slot == "event"
    assert "12月2日（周三）" in plain_text(reply)
    reply = talk.press(reply, "上午9点半")
    text = plain_text(reply)
    assert form(reply).slot == "confirm"
    assert "您替妈妈约12月2日（周三）上午9点半" in text
    assert "尾号8000" in text
    assert "13800138000" not in text
    card = booked(talk.press(reply, "对"))
    assert re.fullmatch(r"\d{6}", card.code)
    assert card.for_whom == "妈妈"
    assert any("示例" in note for note in card.notes)
    assert len(talk.desk.bookings.mine("web:a")) == 1


def test_one_thing_is_asked_at_a_time(talk: Talk) -> None:
    reply = talk.say("book_consultation", "想和顾问谈谈")
    assert form(reply).slot == "district"
    reply = talk.press(reply, "杨浦")
    assert form(reply).slot == "event"
    assert len(form(reply).buttons) == 4
    reply = talk.say("choose", "第二个")
    assert form(reply).slot == "phone"
    reply = talk.say("inform", "〔手机号已隐去〕", "13800138000")
    assert form(reply).slot == "confirm"
    assert talk.say("affirm", "对的").outcome is Outcome.ANSWERED_BOOKING


def test_nothing_is_booked_before_it_is_agreed_to(talk: Talk) -> None:
    reply = talk.say("book_training", "我要报名照护课", "13800138000")
    reply = talk.press(reply, "下午2点")
    assert form(reply).slot == "confirm"
    assert talk.desk.bookings.mine("web:a") == []
    assert "不约了" in plain_text(talk.say("stop", "算了不弄了"))
    assert talk.desk.bookings.mine("web:a") == []
    assert "book" not in str(talk.slots["talk"]["booking"])


def test_it_can_be_corrected_at_the_end(talk: Talk) -> None:
    reply = talk.say("book_consultation", "徐汇区养老顾问，下周三上午九点", "13800138000")
    reply = talk.press(reply, "上午9点")
    assert form(reply).slot == "confirm"
    reply = talk.say("correct", "不对，是下周四")
    assert "12月3日（周四）" in plain_text(reply)
    reply = talk.press(reply, "12月3日（周四）上午9点")
    reply = talk.say("correct", "改成我爸")
    assert "您替爸爸约12月3日（周四）上午9点" in plain_text(reply)
    assert booked(talk.press(reply, "对")).for_whom == "爸爸"


@pytest.mark.parametrize(("text", "says"), [("昨天", "已经过了"), ("这周六上午", "没有空位")])
def test_a_time_that_cannot_be_had_offers_the_nearest_three(talk: Talk, text: str, says: str) -> None:
    reply = talk.say("book_consultation", f"徐汇区养老顾问，{text}")
    assert says in plain_text(reply)
    assert len(form(reply).buttons) == 4


def test_the_soonest_is_offered_first(talk: Talk) -> None:
    reply = talk.say("book_consultation", "徐汇区，越快越好")
    assert "11月26日（周四）上午9点" in form(reply).buttons[0].title


def test_a_seat_taken_in_between_is_said_and_others_are_offered(talk: Talk, library: Library) -> None:
    first = talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "11月28日")
    other = Talk(library, talk.desk, "web:b")
    second = other.press(other.say("book_training", "报名照护课", "13900139000"), "11月28日")
    booked(other.press(second, "对"))
    reply = talk.press(first, "对")
    assert "约满" in plain_text(reply) or "空位" in plain_text(reply)
    assert form(reply).slot == "event"


def test_a_question_in_the_middle_is_answered_and_the_form_goes_on(talk: Talk) -> None:
    talk.say("book_training", "我要报名照护课")
    reply = talk.say("ask_where", "敬老卡在哪里办呀")
    assert "sh_senior_card_transport" in reply.service_ids()
    assert form(reply).slot == "event"
    assert form(talk.press(reply, "下午2点")).slot == "phone"


def test_bookings_are_shown_moved_and_cancelled(talk: Talk) -> None:
    reply = talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日")
    code = booked(talk.press(reply, "对")).code
    assert booked(talk.say("list_bookings", "我约了什么")).code == code
    reply = talk.press(talk.say("reschedule_booking", "改个时间"), "12月4日")
    moved = booked(talk.press(reply, "对"))
    assert moved.code == code
    assert "12月4日" in moved.when
    reply = talk.say("cancel_booking", "取消预约")
    assert "要取消12月4日" in plain_text(reply)
    assert "没有取消" in plain_text(talk.say("deny", "不要"))
    reply = talk.say("cancel_booking", "取消预约")
    assert "已经取消" in plain_text(talk.press(reply, "取消"))
    assert "没有您的预约" in plain_text(talk.say("list_bookings", "我约了什么"))


def test_nobody_sees_what_another_has_booked(talk: Talk, library: Library) -> None:
    reply = talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日")
    booked(talk.press(reply, "对"))
    other = Talk(library, talk.desk, "web:b")
    nothing = plain_text(other.say("list_bookings", "我约了什么"))
    assert "没有您的预约" in nothing
    mine = talk.desk.bookings.mine("web:a")[0]
    stolen = other.say("cancel_booking", "取消预约", slot="booking", value=mine.id, pressed=True)
    assert plain_text(stolen) == nothing
    assert talk.desk.bookings.mine("web:a")[0].state == "booked"


def test_an_emergency_word_is_never_taken_for_an_answer(talk: Talk) -> None:
    talk.say("book_training", "我要报名照护课")
    assert talk.say("request_human", "找人工").outcome is Outcome.HANDED_OFF_REQUESTED


def test_with_nothing_to_book_the_way_by_telephone_is_told(library: Library, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'b.db'}", Cipher(read_or_make_key(tmp_path / "key2")))
    database.migrate()
    empty = Desk(Catalogue(database, lambda: NOW), Bookings(database, lambda: NOW), database.cipher)
    reply = Talk(library, empty).say("book_training", "我要报名照护课")
    assert "网上还不能直接预约" in plain_text(reply)
    assert "12345" in plain_text(reply)


@pytest.mark.parametrize("text", ["不对，换个时间", "改个日子吧", "第二个"])
def test_another_time_can_be_asked_for_in_words(talk: Talk, text: str) -> None:
    reply = talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日")
    assert form(reply).slot == "confirm"
    assert form(talk.say("correct", text)).slot == "event"


@pytest.mark.parametrize("text", ["算了不约了", "第三个", "不报了"])
def test_one_can_leave_in_words(talk: Talk, text: str) -> None:
    talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日")
    assert "不约了" in plain_text(talk.say("ask_service", text))
    assert talk.slots["talk"]["booking"] == {}


def test_a_move_does_not_offer_the_time_one_has(talk: Talk) -> None:
    reply = talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日")
    booked(talk.press(reply, "对"))
    offered = form(talk.say("reschedule_booking", "改个时间"))
    assert not any("12月3日" in button.title for button in offered.buttons)

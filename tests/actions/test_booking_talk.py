"""The booking dialogue, with a real database and no server."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from actions.answers import Answerer
from actions.booking.staff import Staff
from actions.booking_talk.desk import Desk, open_desk
from actions.booking_talk.talk import as_about_booking
from actions.understood import Sender, UnderstoodAct, context_of, slots_after
from knowledge.library import Library
from knowledge.normalise import normalise
from knowledge.plain_text import plain_text
from knowledge.reply import BookingBlock, FormBlock, Outcome, Reply
from storage.booking_tables import CourseRow, EventRow, OutboxRow, PointRow
from storage.clock import SHANGHAI
from storage.crypto import Cipher, read_or_make_key
from storage.database import Database
from tests.auxil.databases import emptied
from tests.auxil.toy_library import toy_library

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)  # a Wednesday


@pytest.fixture(scope="module")
def library() -> Library:
    return toy_library()


class Talk:
    """A conversation, with what was understood given by hand."""

    def __init__(self, library: Library, desk: Desk, conversation: str = "web:a") -> None:
        self.library = library
        self.desk = desk
        self.now = NOW
        self.conversation = conversation
        self.slots: dict[str, Any] = {}
        self.sent = 0

    def say(self, intent: str, text: str, phone: str | None = None, **more: Any) -> Reply:
        self.sent += 1
        context = context_of(self.slots, self.now, text)
        sender = Sender(self.conversation, f"{self.conversation}{self.sent}", phone)
        reply = Answerer(self.library, self.now, desk=self.desk).reply(
            [UnderstoodAct(intent, normalise(text), 0.9, **more)],
            context.__class__(**{**context.__dict__, "sender": sender}),
        )
        self.slots |= slots_after(reply, context, self.now)
        return reply

    def press(self, reply: Reply, title: str) -> Reply:
        button = next(b for block in reply.blocks for b in getattr(block, "buttons", []) if title in b.title)
        assert button.act
        act = button.act
        return self.say(act.intent, button.title, slot=act.slot, value=act.value, pressed=True)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}", Cipher(read_or_make_key(tmp_path / "key")))
    emptied(database)
    desk = open_desk(database, lambda: NOW, demo=True)
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
        latitude=31.1766,
        longitude=121.4222,
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
    assert form(reply).slot == "confirm"
    reply = talk.say("correct", "不对，是下周四")
    assert "您约12月3日（周四）上午9点" in plain_text(reply)
    reply = talk.say("correct", "改成我爸")
    assert "您替爸爸约12月3日（周四）上午9点" in plain_text(reply)
    assert "爸爸本人知道" in plain_text(reply)
    reply = talk.say("correct", "不是我爸，是我自己")
    assert "您约12月3日" in plain_text(reply)
    reply = talk.say("correct", "还是帮我妈约吧")
    assert booked(talk.press(reply, "对")).for_whom == "妈妈"


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
    assert "约不成了" in plain_text(reply)
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
    no_such = other.say("cancel_booking", "取消预约", slot="booking", value="0" * 32, pressed=True)
    assert plain_text(stolen) == plain_text(no_such)
    assert talk.desk.bookings.mine("web:a")[0].state == "booked"


def test_an_emergency_word_is_never_taken_for_an_answer(talk: Talk) -> None:
    talk.say("book_training", "我要报名照护课")
    assert talk.say("request_human", "找人工").outcome is Outcome.HANDED_OFF_REQUESTED


def test_with_nothing_to_book_the_way_by_telephone_is_told(library: Library, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'b.db'}", Cipher(read_or_make_key(tmp_path / "key2")))
    emptied(database)
    empty = open_desk(database, lambda: NOW)
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


# --- the waiting list ------------------------------------------------------------------------------


def full_and_waiting(talk: Talk, library: Library) -> tuple[Talk, Talk]:
    """Return two talks: the first has the only seat of 28 November, the second waits for it."""
    booked(talk.press(talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "11月28日"), "对"))
    second = Talk(library, talk.desk, "web:b")
    reply = second.say("book_training", "报名11月28日的照护课", "13900139000")
    assert "约满了" in plain_text(reply)
    reply = second.press(reply, "排队等11月28日")
    assert "排队等11月28日" in plain_text(reply)
    card = booked(second.press(reply, "对"))
    assert "排上队了" in card.text
    assert any("第一位" in note for note in card.notes)
    return talk, second


def test_a_seat_that_comes_free_is_taken_by_who_waits(talk: Talk, library: Library) -> None:
    first, second = full_and_waiting(talk, library)
    first.press(first.say("cancel_booking", "取消预约"), "取消")
    shown = second.say("affirm", "要的")
    assert "有空位" in plain_text(shown)
    assert "约好了" in booked(second.press(shown, "要这个位子")).text
    assert talk.desk.bookings.mine("web:b")[0].state == "booked"


def test_an_offer_can_be_left_to_the_next(talk: Talk, library: Library) -> None:
    first, second = full_and_waiting(talk, library)
    first.press(first.say("cancel_booking", "取消预约"), "取消")
    reply = second.press(second.say("list_bookings", "我的预约"), "不要了")
    assert "让给下一位" in plain_text(reply)
    assert talk.desk.bookings.mine("web:b") == []


def test_waiting_can_be_said_in_words(talk: Talk, library: Library) -> None:
    booked(talk.press(talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "11月28日"), "对"))
    second = Talk(library, talk.desk, "web:b")
    offered = form(second.say("book_training", "报名11月28日的照护课", "13900139000"))
    assert "排队等" in offered.buttons[2].title
    reply = second.say("choose", "第三个")
    assert "排队等11月28日" in plain_text(reply)


# --- code and phone ----------------------------------------------------------------------------------


def test_code_and_phone_from_elsewhere_show_move_and_cancel(talk: Talk, library: Library) -> None:
    reply = talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日")
    code = booked(talk.press(reply, "对")).code
    other = Talk(library, talk.desk, "telegram:9")
    reply = other.say("list_bookings", "我约了什么")
    assert form(reply).slot == "code"
    assert "还要预约时留的电话" in plain_text(other.say("inform", f"{code[:3]} {code[3:]}"))
    card = booked(other.say("inform", "〔手机号已隐去〕", "13800138000"))
    assert card.code == code
    reply = other.press(
        other.press(other.press(Reply(blocks=[card], outcome=Outcome.ANSWERED_BOOKING), "改时间"), "12月4日"), "对"
    )
    assert "12月4日" in booked(reply).when
    reply = other.say("cancel_booking", f"取消预约，号码{code}，电话〔手机号已隐去〕", "13800138000")
    assert "要取消12月4日" in plain_text(reply)
    assert "已经取消" in plain_text(other.press(reply, "取消"))
    assert talk.desk.bookings.mine("web:a") == []


def test_a_wrong_code_says_the_same_as_no_booking_and_locks_after_five(talk: Talk, library: Library) -> None:
    reply = talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日")
    code = booked(talk.press(reply, "对")).code
    wrong = f"{(int(code) + 1) % 10**6:06}"
    other, stranger = Talk(library, talk.desk, "web:b"), Talk(library, talk.desk, "web:c")
    said = set()
    for who, phone in ((other, "13800138000"), (stranger, "13700137000")):
        who.say("list_bookings", "我约了什么")
        said.add(plain_text(who.say("inform", f"{wrong} 〔手机号已隐去〕", phone)))
    assert len(said) == 1
    for _ in range(4):
        other.say("inform", f"{wrong} 〔手机号已隐去〕", "13800138000")
    other.say("list_bookings", "我约了什么")
    assert "15分钟" in plain_text(other.say("inform", f"{code} 〔手机号已隐去〕", "13800138000"))


def test_who_has_no_code_is_told_whom_to_ring(talk: Talk) -> None:
    talk.say("cancel_booking", "取消预约")
    assert "12345" in plain_text(talk.say("inform", "号码忘记了"))


def test_a_name_is_not_wanted_and_not_misunderstood(talk: Talk) -> None:
    talk.say("book_training", "我要报名照护课")
    said = plain_text(talk.say("inform", "我姓陈"))
    assert said.startswith("名字不用留")
    assert "没有听懂" not in said


# --- several bookings --------------------------------------------------------------------------------


def two(talk: Talk) -> None:
    booked(talk.press(talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日"), "对"))
    reply = talk.press(talk.say("book_training", "再帮我妈报名照护课", "13800138000"), "12月4日")
    booked(talk.press(reply, "对"))


@pytest.mark.parametrize(("text", "day"), [("第二个", "12月4日"), ("我妈那个", "12月4日"), ("12月3号那个", "12月3日")])
def test_of_several_one_is_chosen_in_words(talk: Talk, text: str, day: str) -> None:
    two(talk)
    assert "哪一个" in plain_text(talk.say("cancel_booking", "取消预约"))
    assert f"要取消{day}" in plain_text(talk.say("choose", text))


def test_of_several_the_one_that_is_named_is_taken_at_once(talk: Talk) -> None:
    two(talk)
    assert "要取消12月4日" in plain_text(talk.say("cancel_booking", "取消我妈的预约"))


# --- what comes between ------------------------------------------------------------------------------


def test_after_an_interruption_yes_confirms_nothing(talk: Talk) -> None:
    reply = talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日")
    assert form(reply).slot == "confirm"
    talk.say("emergency", "我妈摔倒了")
    reply = talk.say("affirm", "好的")
    assert form(reply).slot == "confirm"
    assert talk.desk.bookings.mine("web:a") == []
    booked(talk.say("affirm", "好的"))


def test_an_open_form_waits_for_days(talk: Talk) -> None:
    talk.say("book_training", "我要报名照护课", "13800138000")
    talk.now += timedelta(days=2)
    reply = talk.say("greet", "你好")
    assert "预约还没有约完" in plain_text(reply)
    assert form(reply).slot == "event"
    booked(talk.press(talk.press(reply, "12月4日"), "对"))


def test_after_two_misses_a_person_helps(talk: Talk) -> None:
    talk.say("book_consultation", "约养老顾问")
    assert "没有听懂" in plain_text(talk.say("inform", "呜呜呜"))
    reply = talk.say("inform", "呜呜呜")
    assert "12345" in plain_text(reply)
    assert form(reply).buttons


@pytest.mark.parametrize(
    ("text", "says"), [("1380013800", "11位"), ("我没有手机", "家里人"), ("号码记不得了", "家里人")]
)
def test_a_phone_that_is_wrong_or_missing_is_told_so(talk: Talk, text: str, says: str) -> None:
    talk.press(talk.say("book_training", "我要报名照护课"), "12月3日")
    reply = talk.say("inform", text)
    assert says in plain_text(reply)
    assert form(reply).slot == "phone"


# --- nothing on offer, reminders, ratings ------------------------------------------------------------


def test_with_nothing_to_book_staff_are_asked_to_ring(library: Library, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'b.db'}", Cipher(read_or_make_key(tmp_path / "key2")))
    emptied(database)
    talk = Talk(library, open_desk(database, lambda: NOW))
    assert form(talk.say("book_training", "我要帮我妈报名照护课")).slot == "phone"
    reply = talk.say("inform", "〔手机号已隐去〕", "13800138000")
    assert "尾号8000" in plain_text(reply)
    assert "工作人员会打给您" in plain_text(talk.press(reply, "对"))
    (call,) = talk.desk.calls.waiting("staff:a")
    assert (call.phone, call.about) == ("13800138000", "照护培训报名（妈妈）")


def test_sample_times_are_not_on_offer_outside_the_demo(library: Library, desk: Desk, tmp_path: Path) -> None:
    plain = open_desk(desk.catalogue._db, lambda: NOW)
    assert "网上还不能直接预约" in plain_text(Talk(library, plain).say("book_training", "我要报名照护课"))


@pytest.mark.parametrize("text", ["不要提醒", "不用再提醒我了", "stop_reminders", "别给我提醒"])
def test_reminders_stop_and_come_back(talk: Talk, text: str) -> None:
    booked(talk.press(talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日"), "对"))
    assert "不提醒了" in plain_text(talk.say("unclear", text))
    assert [row.state for row in outbox(talk.desk)] == ["dropped"] * 3
    assert "会提醒您" in plain_text(talk.say("unclear", "恢复提醒"))
    assert sorted(row.state for row in outbox(talk.desk)) == ["dropped"] * 3 + ["pending"] * 3


def outbox(desk: Desk) -> list[OutboxRow]:
    with desk.outbox._db.transaction() as session:
        return list(session.scalars(select(OutboxRow)))


def test_a_day_that_is_not_confirmed_is_told_so(library: Library, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'c.db'}", Cipher(read_or_make_key(tmp_path / "key3")))
    emptied(database)
    late = datetime(2029, 3, 5, 9, 0, tzinfo=SHANGHAI)  # no calendar knows its holidays yet
    desk = open_desk(database, lambda: late, demo=True)
    desk.catalogue.put_points([point("tianlin", "徐汇区")])
    talk = Talk(library, desk)
    talk.now = late
    reply = talk.press(talk.say("book_consultation", "约养老顾问", "13800138000"), "上午")
    assert "还没定" in plain_text(reply)


def test_a_rating_is_kept_from_the_day_on(talk: Talk) -> None:
    booked(talk.press(talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日"), "对"))
    mine = talk.desk.bookings.mine("web:a")[0]
    early = talk.say("inform", "好", slot="rating", value=f"{mine.id}:3", pressed=True)
    assert "已经没有" in plain_text(early)
    late = open_desk(talk.desk.bookings._db, lambda: NOW + timedelta(days=9), demo=True)
    after = Talk(talk.library, late)
    assert "谢谢" in plain_text(after.say("inform", "好", slot="rating", value=f"{mine.id}:3", pressed=True))
    assert late.bookings.by_id(mine.id).rating == 3  # type: ignore[union-attr]


def test_the_card_has_a_map_and_a_calendar_file(talk: Talk) -> None:
    card = booked(talk.press(talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日"), "对"))
    assert card.calendar == talk.desk.bookings.mine("web:a")[0].id
    assert card.map_url
    assert "121.4222" in card.map_url


@pytest.mark.parametrize("text", ["不取消", "不要取消", "别取消了", "留着吧", "算了不取消了"])
def test_not_cancelling_is_never_taken_for_cancelling(talk: Talk, text: str) -> None:
    booked(talk.press(talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日"), "对"))
    for intent in ("cancel_booking", "affirm"):  # whatever the classifier makes of it
        talk.say("cancel_booking", "取消预约")
        assert "没有取消" in plain_text(talk.say(intent, text))
    assert len(talk.desk.bookings.mine("web:a")) == 1


@pytest.mark.parametrize("text", ["不对", "不要", "没有", "别", "不是的"])
def test_no_is_never_taken_for_yes(talk: Talk, text: str) -> None:
    talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日")
    talk.say("affirm", text)
    assert talk.desk.bookings.mine("web:a") == []


def test_nobody_learns_by_booking_whether_a_telephone_number_has_booked(talk: Talk, library: Library) -> None:
    booked(talk.press(talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日"), "对"))
    curious, late = Talk(library, talk.desk, "web:b"), Talk(library, talk.desk, "web:c")
    tried = curious.press(curious.say("book_training", "我要报名照护课", "13800138000"), "12月3日")
    refused = curious.press(tried, "对")
    race = late.press(late.say("book_training", "我要报名照护课", "13700137000"), "12月3日")
    Staff(talk.desk.bookings._db, lambda: NOW, "staff:a").set_seats("t2", 1)  # full meanwhile
    full = late.press(race, "对")
    first = [plain_text(each).splitlines()[0] for each in (refused, full)]
    assert first[0] == first[1]
    assert not any("12月3日" in button.title and "排队" not in button.title for button in form(refused).buttons)


def test_an_old_button_agrees_to_nothing_else(talk: Talk) -> None:
    first = talk.press(talk.say("book_training", "我要报名照护课", "13800138000"), "12月3日")
    talk.press(talk.say("correct", "换个时间"), "12月4日")
    again = talk.press(first, "对")
    assert form(again).slot == "confirm"
    assert "12月4日" in plain_text(again)
    assert talk.desk.bookings.mine("web:a") == []
    assert "12月4日" in booked(talk.press(again, "对")).when
    assert talk.press(again, "对").outcome is not Outcome.ANSWERED_BOOKING  # it works once


def test_an_old_cancel_button_cancels_nothing_else(talk: Talk) -> None:
    two(talk)
    first = talk.press(talk.say("cancel_booking", "取消预约"), "12月3日")
    talk.say("deny", "不取消")
    talk.press(talk.say("cancel_booking", "取消预约"), "12月4日")
    talk.press(first, "取消")
    assert len(talk.desk.bookings.mine("web:a")) == 2


@pytest.mark.parametrize("text", ["查我的预约，号码669999", "预约号 669 999 还在吗"])
def test_a_code_beside_the_word_booking_is_looked_for(text: str) -> None:
    assert as_about_booking(UnderstoodAct("ask_contact", text, 0.9)).intent == "list_bookings"
    assert as_about_booking(UnderstoodAct("ask_contact", "96110是什么", 0.9)).intent == "ask_contact"

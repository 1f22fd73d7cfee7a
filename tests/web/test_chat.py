"""The conversation over HTTP, without a script and with one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from actions.booking.model import Applicant, Booking
from actions.booking_talk.desk import open_desk
from bot.outbox import OutboxSender
from storage.booking_tables import CourseRow, EventRow
from storage.database import Database
from storage.turns import Buttons
from tests.bot.test_path import database, library  # noqa: F401
from tests.web.conftest import AT, HERE, Forgets, Page

PART = {**HERE, "X-Wants": "part"}


def test_home_has_four_cards_and_the_hotline(page: Page) -> None:
    answer = page.get("/")
    assert answer.status_code == 200
    assert len(re.findall(r'class="card(?: alarm)?"', answer.text)) == 4
    assert 'href="tel:12345"' in answer.text
    assert 'lang="zh-Hans"' in answer.text


def test_the_chat_greets_and_offers_examples_and_its_log_is_there_before_the_first_message(page: Page) -> None:
    answer = page.get("/chat")
    assert answer.text.count('name="text" value=') == 3
    assert 'role="log"' in answer.text


def test_a_message_is_shown_with_its_answer(page: Page) -> None:
    answer = page.say(text="喘息服务", message_id="a")
    assert "答：喘息服务" in answer.text
    assert answer.text.index(">喘息服务<") < answer.text.index("答：喘息服务")


def test_pressing_send_twice_asks_once(page: Page) -> None:
    for _ in range(2):
        answer = page.say(text="喂喂", message_id="same")
    assert answer.text.count("答：喂喂") == 1


def test_what_people_write_is_escaped(page: Page) -> None:
    answer = page.say(text="<script>alert(1)</script>", message_id="x")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {}, {"Referer": "http://evil.example/"}])
def test_a_form_from_elsewhere_is_refused(page: Page, dialogue: Forgets, headers: dict[str, str]) -> None:
    assert page.say(text="喂", headers=headers).status_code == 403
    assert dialogue.asked == []


def test_a_form_without_this_visitors_token_is_refused(page: Page, dialogue: Forgets) -> None:
    anothers = page.token()
    page.cookies.clear()
    page.get("/")
    for token in ("", "x", anothers, anothers[:-1]):
        refused = page.post("/chat", data={"text": "喂", "csrf": token}, headers=HERE)
        assert refused.status_code == 403
        assert "12345" in refused.text
    assert dialogue.asked == []


def test_a_cookie_that_is_not_ours_is_worth_nothing(page: Page) -> None:
    page.say(text="我的事", message_id="a")
    visitor = page.cookies["advisor"].split(".")[0]
    for forged in (visitor, f"{visitor}.x", page.cookies["advisor"][:-1]):
        page.cookies.clear()
        page.cookies.set("advisor", forged)
        assert "我的事" not in page.get("/chat").text


def test_danger_shows_the_number_to_tap(page: Page) -> None:
    answer = page.say(text="我妈叫不醒了", message_id="e")
    assert 'href="tel:120"' in answer.text


def test_nobody_sees_anothers_conversation(page: Page) -> None:
    page.say(text="我的事", message_id="a")
    page.cookies.clear()
    assert "我的事" not in page.get("/chat").text


@pytest.mark.parametrize(("name", "value"), [("size", "larger"), ("theme", "yellow_on_black")])
def test_the_look_is_kept(page: Page, name: str, value: str) -> None:
    answer = page.post("/look", data={name: value, "back": "/services"}, follow_redirects=False)
    assert answer.headers["location"] == "/services"
    assert value in page.get("/").text.split("<head>")[0]
    page.post("/look", data={name: "<b>"})
    assert value in page.get("/").text.split("<head>")[0]


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_the_look_leads_to_no_other_site(page: Page, back: str) -> None:
    assert page.post("/look", data={"back": back}, follow_redirects=False).headers["location"] == "/"


ADDRESSES = ["/", "/chat", "/services", "/places", "/bookings", "/look", "/privacy", "/emergency", "/voice", "/offline"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_holds_nothing_from_another_host_and_no_script_in_it(page: Page, address: str) -> None:
    answer = page.get(address)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for found in re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']([^\"']+)", answer.text):
        assert found.startswith("/static/")
    assert not re.search(r"\son\w+=|style=|<style|<script>", answer.text)
    assert "tel:" in answer.text


def test_what_is_said_first_is_under_sixty_kilobytes(page: Page) -> None:
    page.say(text="喘息服务", message_id="a")
    whole = 0
    for address in ("/chat", *sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.get("/chat").text)))):
        answer = page.get(address, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        whole += int(answer.headers["content-length"])
    assert whole < 60 * 1024


def test_a_card_begins_what_stands_on_it(page: Page, dialogue: Forgets) -> None:
    page.say(start="benefits", message_id="c")
    assert [text for _, text in dialogue.asked] == ["查能享受的待遇"]


def test_our_script_gets_the_part_alone(page: Page) -> None:
    part = page.say(text="喘息服务", message_id="p", headers=PART)
    assert part.text.startswith('<div class="turn"')
    assert "答：喘息服务" in part.text
    assert "<html" not in part.text
    again = page.say(text="喘息服务", message_id="p", headers=PART)
    assert again.text.split("\n")[0] == part.text.split("\n")[0]


def test_who_asks_too_fast_is_told_kindly_but_danger_is_always_answered(made: Callable[..., Page]) -> None:
    page = made(visitor_a_minute=2)
    for number in range(2):
        assert page.say(text="喂", message_id=str(number)).status_code == 200
    slow = page.say(text="喂", message_id="3")
    assert slow.status_code == 429
    assert "请等一分钟" in slow.text
    assert 'href="tel:120"' in page.say(text="我妈叫不醒了", message_id="4").text


def test_an_address_has_its_own_limit(made: Callable[..., Page]) -> None:
    page = made(address_a_minute=3)
    asked = []
    for number in range(4):
        page.cookies.clear()
        asked.append(page.say(text="喂", message_id=str(number)).status_code)
    assert asked == [200, 200, 200, 429]


def test_a_message_that_cannot_be_stored_is_told_plainly(page: Page, database: Database) -> None:
    from storage.tables import Base

    token = page.token()
    Base.metadata.drop_all(database.engine)
    answer = page.post("/chat", data={"csrf": token, "text": "喂", "message_id": "z"}, headers=HERE)
    assert answer.status_code == 503
    assert "12345" in answer.text


def test_whatever_breaks_the_page_is_plain_chinese_with_a_number(page: Page, database: Database) -> None:
    from storage.tables import Base

    page.get("/")
    Base.metadata.drop_all(database.engine)
    broken = page.get("/chat")
    assert broken.status_code == 500
    assert "12345" in broken.text
    missing = page.get("/nowhere")
    assert missing.status_code == 404
    assert "回到首页" in missing.text
    for answer in (broken, missing):
        assert "Error" not in answer.text
        assert "Not Found" not in answer.text


def booked(database: Database, conversation: str, event: str) -> Booking:
    course = CourseRow(id="c", title="照护课", about="-", sample=False)
    starts = AT + timedelta(hours=25)
    row = EventRow(
        id=event,
        kind="training",
        course_id="c",
        title="照护课",
        district="徐汇区",
        place="田林路2号",
        starts_at=starts,
        ends_at=starts + timedelta(hours=2),
        seats=2,
        taken=0,
        state="open",
        sample=False,
    )
    desk = open_desk(database, lambda: AT)
    desk.catalogue.put_courses([course], [row])
    return desk.bookings.book(event, Applicant(conversation, "13800138000"), event)


async def test_what_was_written_unasked_waits_on_the_page(page: Page, database: Database) -> None:
    conversation = page.conversation()
    booked(database, conversation, "e1")
    later = open_desk(database, lambda: AT + timedelta(hours=1))
    sender = OutboxSender(later.outbox, later.bookings, Buttons(database), {}, lambda: AT + timedelta(hours=1))
    assert await sender.once() == 1
    shown = page.get("/chat").text
    assert "提醒您：明天11月26日" in shown
    assert "知道了" in shown
    page.cookies.clear()
    assert "提醒您" not in page.get("/chat").text


def test_the_calendar_file_is_for_who_booked_only(page: Page, database: Database) -> None:
    booking = booked(database, page.conversation(), "e2")
    answer = page.get(f"/calendar/{booking.id}.ics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/calendar")
    assert b"BEGIN:VEVENT" in answer.content
    page.cookies.clear()
    assert page.get(f"/calendar/{booking.id}.ics").status_code == 404
    page.get("/")
    assert page.get(f"/calendar/{booking.id}.ics").status_code == 404

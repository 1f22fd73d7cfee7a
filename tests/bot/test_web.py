"""The chat page over HTTP, without the dialogue server."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from actions.booking.model import Applicant, Booking
from actions.booking_talk.desk import open_desk
from bot.outbox import OutboxSender
from bot.web.bookings import booking_routes
from bot.web.page import sorry, web_routes
from knowledge.library import Library
from storage.booking_tables import CourseRow, EventRow
from storage.clock import SHANGHAI
from storage.database import Database
from storage.turns import Buttons, Turns
from tests.bot.test_path import Dialogue, database, fine, library, path_with  # noqa: F401

AT = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)
HERE = {"Origin": "http://testserver"}


@pytest.fixture
def page(database: Database, library: Library, tmp_path: Path) -> TestClient:  # noqa: F811
    app = FastAPI()
    path, desk = path_with(database, library, Dialogue(fine)), open_desk(database, lambda: AT)
    app.include_router(web_routes(path, Turns(database), desk.outbox, lambda: AT, False))
    app.include_router(booking_routes(desk.bookings, lambda: AT))
    app.add_exception_handler(404, sorry)
    app.add_exception_handler(500, sorry)
    return TestClient(app, raise_server_exceptions=False)


def test_the_first_page_greets_and_offers_examples(page: TestClient) -> None:
    answer = page.get("/")
    assert answer.status_code == 200
    assert "养老顾问" in answer.text
    assert answer.text.count('name="text"') >= 4
    assert 'lang="zh-Hans"' in answer.text


def test_a_message_is_shown_with_its_answer(page: TestClient) -> None:
    answer = page.post("/", data={"text": "喘息服务", "message_id": "a"}, headers=HERE)
    assert "答：喘息服务" in answer.text
    assert answer.text.index('aria-label="您说"') < answer.text.index("答：喘息服务")


def test_pressing_send_twice_asks_once(page: TestClient) -> None:
    for _ in range(2):
        answer = page.post("/", data={"text": "喂喂", "message_id": "same"}, headers=HERE)
    assert answer.text.count("答：喂喂") == 1


def test_what_people_write_is_escaped(page: TestClient) -> None:
    answer = page.post("/", data={"text": "<script>alert(1)</script>", "message_id": "x"}, headers=HERE)
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {}, {"Referer": "http://evil.example/"}])
def test_a_form_from_elsewhere_is_refused(page: TestClient, headers: dict[str, str]) -> None:
    assert page.post("/", data={"text": "喂"}, headers=headers).status_code == 403


def test_danger_shows_the_number_to_tap(page: TestClient) -> None:
    answer = page.post("/", data={"text": "我妈叫不醒了", "message_id": "e"}, headers=HERE)
    assert 'href="tel:120"' in answer.text
    assert 'role="alert"' in answer.text


def test_nobody_sees_anothers_conversation(page: TestClient) -> None:
    page.post("/", data={"text": "我的事", "message_id": "a"}, headers=HERE)
    page.cookies.clear()
    assert "我的事" not in page.get("/").text


def test_the_text_size_is_kept(page: TestClient) -> None:
    page.post("/size", data={"size": "larger"}, headers=HERE)
    assert 'class="larger"' in page.get("/").text
    page.post("/size", data={"size": "<b>"}, headers=HERE)
    assert 'class="larger"' in page.get("/").text


def test_a_page_holds_nothing_from_another_host_and_no_script(page: TestClient) -> None:
    answer = page.get("/")
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "http://" not in answer.text.replace("http://testserver", "")


def test_a_message_that_cannot_be_stored_is_told_plainly(page: TestClient, database: Database) -> None:  # noqa: F811
    from storage.tables import Base

    page.get("/")
    Base.metadata.drop_all(database.engine)
    answer = page.post("/", data={"text": "喂", "message_id": "z"}, headers=HERE)
    assert answer.status_code == 503
    assert "12345" in answer.text


def test_whatever_breaks_the_page_is_plain_chinese_with_a_number(page: TestClient, database: Database) -> None:  # noqa: F811
    from storage.tables import Base

    page.get("/")
    Base.metadata.drop_all(database.engine)
    broken = page.get("/")
    assert broken.status_code == 500
    assert "12345" in broken.text
    missing = page.get("/nowhere")
    assert missing.status_code == 404
    assert "回到首页" in missing.text
    for answer in (broken, missing):
        assert "Error" not in answer.text
        assert "Not Found" not in answer.text


def booked(database: Database, conversation: str, event: str) -> Booking:  # noqa: F811
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


def conversation_of_page(page: TestClient) -> str:
    page.get("/")
    return f"web:{page.cookies['advisor']}"


async def test_what_was_written_unasked_waits_on_the_page(page: TestClient, database: Database) -> None:  # noqa: F811
    conversation = conversation_of_page(page)
    booked(database, conversation, "e1")
    later = open_desk(database, lambda: AT + timedelta(hours=1))
    sender = OutboxSender(later.outbox, later.bookings, Buttons(database), {}, lambda: AT + timedelta(hours=1))
    assert await sender.once() == 1
    shown = page.get("/").text
    assert "提醒您：明天11月26日" in shown
    assert "知道了" in shown
    page.cookies.clear()
    assert "提醒您" not in page.get("/").text


def test_the_calendar_file_is_for_who_booked_only(page: TestClient, database: Database) -> None:  # noqa: F811
    booking = booked(database, conversation_of_page(page), "e2")
    answer = page.get(f"/calendar/{booking.id}.ics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/calendar")
    assert b"BEGIN:VEVENT" in answer.content
    page.cookies.clear()
    assert page.get(f"/calendar/{booking.id}.ics").status_code == 404
    page.get("/")
    assert page.get(f"/calendar/{booking.id}.ics").status_code == 404

"""The two buttons under an answer."""

from __future__ import annotations

import re

import pytest

from bot.web.feedback import feedback_routes
from bot.web.pages import Pages
from bot.web.session import Sessions
from knowledge.reply import FormBlock, Outcome, Reply, TextBlock
from storage.database import Database
from storage.lessons import Lessons
from storage.thumbs import Thumbs
from tests.bot.test_path import database, fine, library  # noqa: F401
from tests.web.conftest import HERE, Forgets, Page


@pytest.fixture
def rated(page: Page, database: Database) -> Page:
    """Return the page with the routes of this file, whose visitor has asked once."""
    pages = Pages(Sessions(database.cipher.digest("web", "session"), False), False)
    page.app.include_router(feedback_routes(pages, Thumbs(database)))  # type: ignore[attr-defined]
    page.say(text="哪里好剃头", message_id="a")
    return page


def turn_of(page: Page) -> str:
    found = re.findall(r'name="turn" value="(\w+)"', page.get("/chat").text)
    assert found
    return str(found[-1])


def listed(database: Database) -> list[tuple[str, str]]:
    return [(each.text, each.reason) for each in Lessons(database).questions(9)]


def test_it_did_not_help_puts_the_question_on_the_list_once_and_says_sorry(rated: Page, database: Database) -> None:
    turn = turn_of(rated)
    for _ in range(2):
        answer = rated.say("/feedback", turn=turn, helped="no")
        assert answer.url.path == "/chat"
        assert answer.url.fragment == f"t{turn}"
        assert "没有答到点子上" in answer.text
    assert listed(database) == [("哪里好剃头", "feedback_bad")]


def test_it_helped_is_thanked_for_and_takes_back_what_was_pressed_by_mistake(rated: Page, database: Database) -> None:
    turn = turn_of(rated)
    rated.say("/feedback", turn=turn, helped="no")
    assert "能帮上忙就好" in rated.say("/feedback", turn=turn, helped="yes").text
    assert listed(database) == []


def test_what_was_not_answered_anyway_stands_on_the_list_once(
    rated: Page, database: Database, dialogue: Forgets
) -> None:
    dialogue.answer = lambda text, metadata: Reply(
        blocks=[TextBlock(text="没有查到")], outcome=Outcome.UNANSWERED_UNKNOWN
    )
    rated.say(text="月亮上养老", message_id="b")
    rated.say("/feedback", turn=turn_of(rated), helped="no")
    assert listed(database) == [("月亮上养老", "unanswered_unknown")]
    rated.say("/feedback", turn=turn_of(rated), helped="yes")
    assert listed(database) == [("月亮上养老", "unanswered_unknown")]


def test_another_visitors_answer_is_not_theirs_to_judge(rated: Page, database: Database) -> None:
    turn = turn_of(rated)
    rated.cookies.clear()
    rated.get("/")
    for given in (turn, "x", ""):
        answer = rated.say("/feedback", turn=given, helped="no")
        assert answer.status_code == 200
        assert "没有答到点子上" not in answer.text
    assert listed(database) == []


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}])
def test_a_form_from_elsewhere_is_refused(rated: Page, database: Database, headers: dict[str, str]) -> None:
    turn = turn_of(rated)
    assert rated.say("/feedback", headers, turn=turn, helped="no").status_code == 403
    assert rated.post("/feedback", data={"turn": turn, "helped": "no"}, headers=HERE).status_code == 403
    assert listed(database) == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(blocks=[TextBlock(text="请打120。")], outcome=Outcome.GUARDED_EMERGENCY),
        Reply(blocks=[TextBlock(text="您好。")], outcome=Outcome.ANSWERED_CONVERSATION),
        Reply(blocks=[FormBlock(form="book", slot="phone", text="电话？")], outcome=Outcome.ASKED_SLOT),
    ],
)
def test_danger_greetings_and_questions_of_ours_are_not_judged(page: Page, dialogue: Forgets, reply: Reply) -> None:
    dialogue.answer = lambda text, metadata: reply
    assert 'action="/feedback"' not in page.say(text="喂", message_id="a").text
    dialogue.answer = fine
    assert 'action="/feedback"' in page.say(text="剃头", message_id="b").text

"""What a clerk is shown while the caller talks, and what leaves the desk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI

from bot.desk.assisting import FLAGS, Assisting, facts_of, person_in
from knowledge.eligibility import Verdict
from knowledge.library import Library
from knowledge.person import Person
from storage.audit import Audit
from storage.database import Database
from storage.desk_messages import DeskMessages
from storage.notes import CallNotes
from storage.tickets import Tickets
from tests.auxil.booking import Clock
from tests.bot.test_path import database, library  # noqa: F401
from tests.desk.conftest import DeskTab
from tests.web.conftest import Page

ALLOWANCE = "sh_comprehensive_allowance"


@pytest.fixture
def assisting(library: Library, clock: Clock) -> Assisting:
    return Assisting(lambda: library, lambda: clock().date())


def test_five_services_at_most_the_likeliest_first_with_the_words_that_speak_for_them(assisting: Assisting) -> None:
    found = assisting.find("老年综合津贴怎么领", Person())
    assert found[0].service.id == ALLOWANCE
    assert found[0].why
    assert len(found) <= 5
    assert [each.percent for each in found] == sorted((each.percent for each in found), reverse=True)


def test_nothing_typed_finds_nothing(assisting: Assisting) -> None:
    assert assisting.find("  ", Person()) == []


def test_every_field_stands_in_its_place_for_every_service(assisting: Assisting, library: Library) -> None:
    titles = None
    for service in library.services:
        detail = assisting.detail(service.id, Person())
        assert detail is not None
        assert titles in (None, [title for title, _ in detail.fields])
        titles = [title for title, _ in detail.fields]
        assert dict(detail.fields)["电话"]
        assert detail.source
        assert service.contact[0].phone == "12345" or service.contact[0].phone in "".join(detail.script)


def test_the_check_says_what_is_met_what_fails_and_what_is_still_to_be_asked(assisting: Assisting) -> None:
    unknown = assisting.detail(ALLOWANCE, Person())
    assert unknown is not None
    assert unknown.judgement.verdict is Verdict.DEPENDS
    assert any("多大岁数" in question for question in unknown.to_ask)
    young = assisting.detail(ALLOWANCE, Person(age=(60, 60), hukou="shanghai"))
    assert young is not None
    assert (young.judgement.verdict, young.to_ask) == (Verdict.NO, ())
    old = assisting.detail(ALLOWANCE, Person(age=(83, 83), hukou="shanghai"))
    assert old is not None
    assert old.judgement.verdict is Verdict.YES


def test_what_the_clerk_puts_in_wins_over_the_words() -> None:
    person = person_in("我妈83岁，外地户口", {"age": "84", "hukou": "shanghai", "level": "3", "lives_alone": "yes"})
    assert (person.age, person.hukou, person.care_level, person.lives_alone) == ((84, 84), "shanghai", (3, 3), True)
    assert person_in("", {"age": "x", "level": "9", "hukou": "mars", "frail": "perhaps"}) == Person()


def test_what_is_known_goes_through_a_link_and_back() -> None:
    person = person_in("", {"age": "84", "hukou": "elsewhere", "level": "3", "income": "none", "dementia": "no"})
    assert person_in("", facts_of(person)) == person
    assert set(facts_of(person)) <= {"age", "hukou", "level", "income", *FLAGS}


def test_a_keystroke_changes_a_part_and_the_words_stand_in_no_address(login: Callable[..., DeskTab]) -> None:
    clerk = login()
    part = clerk.act("/desk/found", q="我妈83岁了，上海户口，老年综合津贴能拿多少").text
    assert "<html" not in part
    assert "老年综合津贴" in part
    assert "能享受" in part
    assert "照着念" in part
    links = re.findall(r'href="(/desk[^"]+)"', part)
    assert any("age=83" in link for link in links)
    assert not any("%E6%B4%A5%E8%B4%B4" in link or "津贴" in link for link in links)


def test_without_a_script_the_same_form_gives_the_same_page(login: Callable[..., DeskTab]) -> None:
    page = login().act("/desk", q="老年综合津贴", pick=ALLOWANCE).text
    assert "<html" in page
    assert "照着念" in page


def test_html_in_what_is_typed_is_only_text(login: Callable[..., DeskTab]) -> None:
    page = login().act("/desk", q='"><script>alert(1)</script>津贴').text
    assert "<script>alert" not in page


def test_the_benefits_of_the_caller_can_be_read_out_and_copied(login: Callable[..., DeskTab]) -> None:
    page = login().get("/desk/benefits?age=83&hukou=shanghai").text
    assert "能享受的" in page
    assert "<textarea" in page


def test_an_answer_is_shown_as_a_text_block(login: Callable[..., DeskTab]) -> None:
    page = login().get(f"/desk/answers/{ALLOWANCE}/ask_amount?age=83").text
    assert "【老年综合津贴】" in page
    assert login("li").get(f"/desk/answers/{ALLOWANCE}/nonsense").status_code == 404


def test_an_answer_goes_into_the_chat_of_who_is_held_once(
    login: Callable[..., DeskTab], elder: Page, database: Database, clock: Clock, desk_app: FastAPI
) -> None:
    clerk = login()
    elder.say(text="转人工")
    (ticket,) = Tickets(database, clock).queue()
    to = f"/desk/answers/{ALLOWANCE}/ask_amount?age=83"
    clerk.act(to, ticket=ticket.id, key="a")
    assert "没有发出" in clerk.act(to, ticket=ticket.id, key="a").text  # nobody has taken it yet
    clerk.act(f"/desk/tickets/{ticket.id}/claim")
    for _ in range(2):
        clerk.act(to, ticket=ticket.id, key="b")
    asyncio.run(desk_app.state.sender.once())
    page = elder.get("/chat").text
    assert page.count("王顾问（真人）说") == 1
    assert "老年综合津贴" in page


def test_a_caller_who_never_booked_is_not_found_and_gets_a_text_message(
    login: Callable[..., DeskTab], database: Database, clock: Clock
) -> None:
    page = login().act(f"/desk/answers/{ALLOWANCE}/ask_amount", phone="13800138000").text
    assert "请复制下面的文字" in page
    assert DeskMessages(database, clock).waiting() == []


def test_a_call_is_noted_with_result_and_topic(login: Callable[..., DeskTab], database: Database, clock: Clock) -> None:
    clerk = login()
    page = clerk.act("/desk/notes", text="女儿问津贴", disposition="referred", topic=ALLOWANCE, key="n").text
    assert "可以接下一位" in page
    (note,) = CallNotes(database, clock).latest(5)
    assert (note.who, note.disposition, note.topic, note.text) == ("王顾问", "referred", ALLOWANCE, "女儿问津贴")
    assert "女儿问津贴" in clerk.get("/desk/notes").text
    assert "look_notes" in {line.act for line in Audit(database, clock).latest(5)}

"""Somebody asks for a person, gets one, and is given back; nobody is lost on the way."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI

from bot.alone import Alone
from bot.desk.accounts import Accounts
from bot.desk.sending import DeskSender, SendingParts, told
from knowledge.phrases import say
from knowledge.reply import Outcome, Reply, TextBlock
from storage.audit import Audit
from storage.clock import SHANGHAI
from storage.database import Database
from storage.desk_messages import DeskMessages
from storage.leases import Leases
from storage.notes import CallNotes
from storage.tickets import Ticket, Tickets
from storage.turns import Turns
from tests.auxil.booking import Clock
from tests.bot.test_path import database, library, message  # noqa: F401
from tests.desk.conftest import DeskTab, Talks, code
from tests.web.conftest import Page

NIGHT = datetime(2026, 11, 25, 23, 0, tzinfo=SHANGHAI)  # a Wednesday


@pytest.fixture
def tickets(database: Database, clock: Clock) -> Tickets:
    return Tickets(database, clock)


def sweep(app: FastAPI) -> None:
    asyncio.run(app.state.sender.once())


def shown(elder: Page) -> str:
    return elder.get("/chat").text


def taken(elder: Page, clerk: DeskTab, tickets: Tickets) -> Ticket:
    """Let somebody ask for a person, and a clerk take them."""
    elder.say(text="转人工")
    (ticket,) = tickets.queue()
    clerk.act(f"/desk/tickets/{ticket.id}/claim")
    return ticket


def last(page: str) -> str:
    """Return the last answer on a chat page."""
    return page.rsplit('<article class="answer"', 1)[1]


def test_without_a_desk_only_the_number_is_given(elder: Page) -> None:
    assert "请打下面的电话" in elder.say(text="转人工").text


def test_who_asks_is_told_the_place_in_the_queue(
    elder: Page, login: Callable[..., DeskTab], desk_app: FastAPI, tickets: Tickets
) -> None:
    login()
    other = Page(desk_app)
    assert "您排第一个" in last(elder.say(text="转人工").text)
    assert "前面还有1位" in last(other.say(text="转人工").text)
    assert "您排第一个" in last(elder.say(text="怎么还没人，转人工").text)  # who came later stands behind
    assert "前面还有1位" in last(other.say(text="转人工").text)
    Page(desk_app).say(text="我爸晕倒了")
    assert "前面还有1位" in last(elder.say(text="转人工").text)  # danger goes before


def test_asking_again_keeps_one_ticket(elder: Page, login: Callable[..., DeskTab], tickets: Tickets) -> None:
    login()
    for _ in range(3):
        elder.say(text="转人工")
    assert len(tickets.queue()) == 1


def test_a_clerk_takes_somebody_and_both_talk_while_the_bot_is_silent(
    elder: Page, login: Callable[..., DeskTab], tickets: Tickets, talks: Talks, desk_app: FastAPI
) -> None:
    clerk = login()
    elder.say(text="我妈83岁，住在徐汇区，侬帮帮忙，转人工")
    (ticket,) = tickets.queue()
    assert "要找真人" in clerk.get("/desk/queue").text
    page = clerk.act(f"/desk/tickets/{ticket.id}/claim").text
    assert "我妈83岁" in page
    assert "83岁" in page.split("这位是谁")[1]
    assert "徐汇区" in page.split("这位是谁")[1]
    assert "说上海话" in page
    assert "王顾问来了，是真人" in shown(elder)
    before = len(talks.asked)
    assert "已送到" in elder.say(text="我要问养老院").text
    assert len(talks.asked) == before
    assert "我要问养老院" in clerk.get(f"/desk/tickets/{ticket.id}").text
    clerk.act(f"/desk/tickets/{ticket.id}", text="阿姨您好，<b>您</b>说", key="k1")
    clerk.act(f"/desk/tickets/{ticket.id}", text="阿姨您好，<b>您</b>说", key="k1")
    sweep(desk_app)
    page = shown(elder)
    assert page.count(">阿姨您好，&lt;b&gt;您&lt;/b&gt;说<") == 1
    assert "王顾问（真人）说" in page
    clerk.act(f"/desk/tickets/{ticket.id}", act="back", disposition="answered", topic="", text="问养老院", key="k2")
    assert "王顾问和您说完了" in shown(elder)
    assert "答：长护险" in elder.say(text="长护险").text
    assert tickets.queue() == []


def test_exactly_one_of_twenty_clerks_wins(elder: Page, login: Callable[..., DeskTab], tickets: Tickets) -> None:
    login()
    elder.say(text="转人工")
    (ticket,) = tickets.queue()
    won: list[str] = []
    barrier = threading.Barrier(20)

    def take(number: int) -> None:
        barrier.wait()
        if tickets.claim(ticket.id, f"staff{number}"):
            won.append(f"staff{number}")

    threads = [threading.Thread(target=take, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert tickets.queue()[0].claimed_by == won[0]


def test_who_comes_second_is_told_and_changes_nothing(
    elder: Page, login: Callable[..., DeskTab], tickets: Tickets
) -> None:
    first, second = login(), login("li", called="李顾问")
    elder.say(text="转人工")
    (ticket,) = tickets.queue()
    first.act(f"/desk/tickets/{ticket.id}/claim")
    assert "刚刚被别的同事接了" in second.act(f"/desk/tickets/{ticket.id}/claim").text
    answer = second.act(f"/desk/tickets/{ticket.id}", text="我来说", key="x")
    assert answer.status_code == 409
    assert "我来说" in answer.text  # nothing typed is lost
    assert "我来说" not in shown(elder)


def test_a_silent_clerk_loses_the_conversation_and_the_bot_answers_again(
    elder: Page, login: Callable[..., DeskTab], tickets: Tickets, clock: Clock, desk_app: FastAPI
) -> None:
    clerk = login()
    ticket = taken(elder, clerk, tickets)
    clock.forward(minutes=4)
    sweep(desk_app)
    assert tickets.queue()[0].is_held
    clock.forward(minutes=2)
    sweep(desk_app)
    assert not tickets.queue()[0].is_held
    assert say("desk_away") in shown(elder)
    assert "答：长护险" in elder.say(text="长护险").text
    assert clerk.act(f"/desk/tickets/{ticket.id}", text="我回来了", key="y").status_code == 409


def test_a_clerk_who_has_answered_is_not_silent(
    elder: Page, login: Callable[..., DeskTab], tickets: Tickets, clock: Clock, desk_app: FastAPI
) -> None:
    clerk = login()
    ticket = taken(elder, clerk, tickets)
    clerk.act(f"/desk/tickets/{ticket.id}", text="您慢慢找，不急", key="z")
    clock.forward(minutes=20)
    sweep(desk_app)
    assert tickets.queue()[0].is_held
    clock.forward(minutes=11)  # nobody has said anything for half an hour
    sweep(desk_app)
    assert tickets.queue() == []
    assert "同事和您说完了" in shown(elder)


def test_danger_comes_first_in_the_queue_and_is_answered_even_while_a_clerk_has_the_person(
    elder: Page, login: Callable[..., DeskTab], tickets: Tickets, desk_app: FastAPI
) -> None:
    clerk, other = login(), Page(desk_app)
    elder.say(text="转人工")
    other.say(text="我爸晕倒了")
    assert [each.kind for each in tickets.queue()] == ["emergency_unconscious", "handed_off_requested"]
    mine = tickets.queue()[1]
    clerk.act(f"/desk/tickets/{mine.id}/claim")
    assert "120" in elder.say(text="我妈摔倒了，起不来").text
    (raised,) = (each for each in tickets.queue() if each.id == mine.id)
    assert (raised.urgency, raised.is_held) == (3, True)


def test_abuse_is_put_before_a_plain_wish(
    elder: Page, login: Callable[..., DeskTab], tickets: Tickets, desk_app: FastAPI
) -> None:
    login()
    Page(desk_app).say(text="转人工")
    page = elder.say(text="儿子打我骂我").text
    assert "我们的同事也会看到" in page
    assert tickets.queue()[0].urgency == 2


def test_out_of_hours_one_is_told_when_and_leaves_a_number(
    elder: Page, login: Callable[..., DeskTab], tickets: Tickets, clock: Clock
) -> None:
    clerk = login()
    clock.at = NIGHT
    page = elder.say(text="转人工").text
    assert "现在下班了，明天上午8点半有人上班" in page
    page = elder.say(text="13800138000").text
    assert "明天上午8点半有人打给您，打尾号8000的电话" in page
    assert "13800138000" not in page
    (ticket,) = tickets.queue()
    assert ticket.phone == "13800138000"
    assert ticket.due_at == datetime(2026, 11, 26, 8, 40, tzinfo=SHANGHAI)
    clock.at = datetime(2026, 11, 26, 8, 31, tzinfo=SHANGHAI)
    clerk = login("li")
    assert "13800138000" in clerk.get(f"/desk/tickets/{ticket.id}").text
    assert "13800138000" in clerk.get("/desk/calls").text


def test_on_a_friday_night_it_is_monday(elder: Page, login: Callable[..., DeskTab], clock: Clock) -> None:
    login()
    clock.at = datetime(2026, 11, 27, 20, 0, tzinfo=SHANGHAI)
    assert "周一上午8点半" in elder.say(text="转人工").text


def test_when_nobody_is_logged_in_nothing_is_promised_for_now(
    elder: Page, login: Callable[..., DeskTab], clock: Clock
) -> None:
    login()
    clock.forward(minutes=20)
    assert "现在没有同事在" in elder.say(text="转人工").text


def test_a_restart_loses_nobody(
    elder: Page, login: Callable[..., DeskTab], database: Database, clock: Clock, tickets: Tickets
) -> None:
    clerk = login()
    ticket = taken(elder, clerk, tickets)
    clerk.act(f"/desk/tickets/{ticket.id}", text="您好", key="w")
    again = Database(database.url, database.cipher)  # as another process finds it
    assert Tickets(again, clock).active(ticket.conversation) == Tickets(database, clock).active(ticket.conversation)
    assert [each.who for each in DeskMessages(again, clock).of(ticket.conversation)] == [None, "王顾问"]


def test_what_a_clerk_sees_and_does_is_audited(
    elder: Page, login: Callable[..., DeskTab], tickets: Tickets, database: Database, clock: Clock
) -> None:
    clerk = login()
    ticket = taken(elder, clerk, tickets)
    clerk.act(f"/desk/tickets/{ticket.id}", act="back", disposition="referred", text="请打12345", key="n")
    acts = {line.act for line in Audit(database, clock).latest(20) if line.about == str(ticket.id)}
    assert acts == {"ticket_claim", "look_ticket", "ticket_close"}
    (note,) = CallNotes(database, clock).latest(5)
    assert (note.who, note.disposition, note.text) == ("王顾问", "referred", "请打12345")


def test_a_citizen_sees_nothing_of_the_desk(elder: Page, login: Callable[..., DeskTab], tickets: Tickets) -> None:
    login()
    elder.say(text="转人工")
    (ticket,) = tickets.queue()
    for path in ("/desk/queue", f"/desk/tickets/{ticket.id}", "/desk/events", f"/desk/tickets/{ticket.id}/events"):
        assert elder.get(path, follow_redirects=False).status_code == 303, path
    elder.post(f"/desk/tickets/{ticket.id}/claim", headers={"Origin": "http://testserver"})
    assert not tickets.queue()[0].is_held


def test_who_is_logged_out_is_shown_nothing(login: Callable[..., DeskTab], accounts: Accounts) -> None:
    clerk = login()
    accounts.book.set_state("wang", "disabled")
    assert clerk.get("/desk/events", follow_redirects=False).status_code == 303


def test_district_and_age_are_kept_coarsely(elder: Page, database: Database) -> None:
    elder.say(text="我妈83岁，住在徐汇区田林路，能拿多少")
    (turn,) = Turns(database).last(elder.conversation(), 1)
    assert (turn.district, turn.age_band) == ("徐汇区", "80-89")


def test_who_waits_for_the_next_word_goes_back_to_the_queue_too(
    elder: Page, login: Callable[..., DeskTab], tickets: Tickets, clock: Clock, desk_app: FastAPI
) -> None:
    clerk = login()
    ticket = taken(elder, clerk, tickets)
    clerk.act(f"/desk/tickets/{ticket.id}", text="请说", key="a")
    clock.forward(minutes=2)
    elder.say(text="我妈83岁")
    (held,) = tickets.queue()
    assert held.waits_since == clock.at
    clock.forward(minutes=4)
    elder.say(text="还在吗")  # the wait is counted from the first word
    clock.forward(minutes=2)
    sweep(desk_app)
    assert not tickets.queue()[0].is_held


def test_a_number_told_while_held_reaches_the_clerk_and_ringing_is_not_silence(
    elder: Page, login: Callable[..., DeskTab], tickets: Tickets, clock: Clock, desk_app: FastAPI
) -> None:
    clerk = login()
    ticket = taken(elder, clerk, tickets)
    elder.say(text="打我电话吧，13800138000")
    assert "13800138000" in clerk.get(f"/desk/tickets/{ticket.id}").text
    clerk.act(f"/desk/tickets/{ticket.id}", act="pass", text="要打电话", key="p")
    assert "要打电话" in clerk.get(f"/desk/tickets/{ticket.id}").text  # the next one reads it
    clerk.act(f"/desk/tickets/{ticket.id}/claim")
    assert "请接尾号8000的电话" in shown(elder)
    clock.forward(minutes=10)
    sweep(desk_app)
    assert tickets.queue()[0].is_held
    clerk.act(f"/desk/tickets/{ticket.id}", act="back", disposition="call_back", text="没人接", key="b")
    assert "说好回电" in clerk.get("/desk/calls").text


def test_nobody_is_handed_back_over_words_the_clerk_has_not_seen(
    elder: Page, login: Callable[..., DeskTab], tickets: Tickets, clock: Clock
) -> None:
    clerk = login()
    ticket = taken(elder, clerk, tickets)
    seen = clock.at.isoformat()
    clock.forward(seconds=5)
    elder.say(text="等一等，还有一件事")
    answer = clerk.act(
        f"/desk/tickets/{ticket.id}", act="back", disposition="answered", seen=seen, text="问好了", key="s"
    )
    assert "对方刚又写了一句" in answer.text
    assert tickets.queue()[0].is_held
    assert "请先选结果" in clerk.act(f"/desk/tickets/{ticket.id}", act="back", key="s").text
    assert "没有留电话" in clerk.act(f"/desk/tickets/{ticket.id}", act="back", disposition="call_back", key="s").text


def test_danger_is_answered_even_when_the_queue_cannot_be_read(
    elder: Page, desk_app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, conversation: str) -> None:
        raise OSError

    monkeypatch.setattr(Tickets, "active", broken)
    assert "120" in elder.say(text="我爸晕倒了").text


def test_a_channel_that_fails_holds_up_nobody_and_is_given_up(database: Database, clock: Clock) -> None:
    class Broken:
        async def notify(self, conversation: str, reply: object) -> None:
            raise ValueError

    messages = DeskMessages(database, clock)
    parts = SendingParts(
        messages,
        Tickets(database, clock),
        Alone(Leases(database, clock, "a")),
        {"telegram": Broken()},
        timedelta(minutes=5),
        lambda conversation, text: None,
    )
    reply = json.dumps(told("您好").payload())
    messages.write("telegram:1", reply, "k1")
    messages.write("web:1", reply, "k2")
    for _ in range(8):
        asyncio.run(DeskSender(parts).once())
        clock.forward(minutes=5)
    assert [each.state for each in messages.of("web:1")] == ["sent"]
    assert [each.state for each in messages.of("telegram:1")] == ["failed"]


def test_an_open_page_alone_keeps_no_session_awake(accounts: Accounts, clock: Clock) -> None:
    made = accounts.add("wang", "王顾问", "clerk", "staff:test")
    token = accounts.log_in("wang", made.password, code(made, clock()))
    for _ in range(4):
        clock.forward(minutes=10)
        last = accounts.member(token, touch=False)
    assert last is None


async def test_a_booking_made_while_a_clerk_took_over_is_still_shown(
    desk_app: FastAPI, tickets: Tickets, talks: Talks
) -> None:
    path = desk_app.state.path
    await path.handle(message("转人工", "1"))
    (ticket,) = tickets.queue()

    def taken_meanwhile(outcome: Outcome) -> Callable[..., Reply]:
        def answer(text: str, metadata: object) -> Reply:
            tickets.claim(ticket.id, "li")
            return Reply(blocks=[TextBlock(text="约好了")], outcome=outcome)

        return answer

    talks.answer = taken_meanwhile(Outcome.ANSWERED_BOOKING)
    booked = await path.handle(message("对", "2"))
    assert booked.blocks
    assert tickets.put_back(ticket.id, "li")
    talks.answer = taken_meanwhile(Outcome.ANSWERED_SERVICE)
    assert (await path.handle(message("长护险", "3"))).blocks == []  # the bot is silent from the claim on

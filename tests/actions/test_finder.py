"""The benefit finder and comparisons, with the real list and no server."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.answers import Answerer
from actions.finder import ASKABLE, MAX_QUESTIONS
from actions.understood import UnderstoodAct, context_of, slots_after
from knowledge.library import Library
from knowledge.plain_text import plain_text
from knowledge.reply import CompareBlock, FinderBlock, FormBlock, Outcome, Reply
from storage.clock import SHANGHAI
from tests.auxil.toy_library import toy_library

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def library() -> Library:
    return toy_library()


class Talk:
    """A conversation, with what was understood given by hand."""

    def __init__(self, library: Library) -> None:
        self.answerer = Answerer(library, NOW)
        self.slots: dict[str, Any] = {}

    def say(self, intent: str, text: str, **more: Any) -> Reply:
        context = context_of(self.slots, NOW)
        reply = self.answerer.reply([UnderstoodAct(intent, text, 0.9, **more)], context)
        self.slots |= slots_after(reply, context, NOW)
        return reply

    def press(self, reply: Reply, number: int) -> Reply:
        button = form(reply).buttons[number]
        assert button.act
        return self.say(button.act.intent, button.title, slot=button.act.slot, value=button.act.value, pressed=True)


@pytest.fixture
def talk(library: Library) -> Talk:
    return Talk(library)


def form(reply: Reply) -> FormBlock:
    (block,) = [block for block in reply.blocks if isinstance(block, FormBlock)]
    return block


def found(reply: Reply) -> FinderBlock:
    (block,) = [block for block in reply.blocks if isinstance(block, FinderBlock)]
    return block


def certain(reply: Reply) -> set[str]:
    return {item.service_id for item in found(reply).items if item.certain}


def test_what_was_said_at_once_is_not_asked_again(talk: Talk) -> None:
    reply = talk.say("inform", "我爸78，上海户口，一个人住，走不动路")
    assert "您爸爸" in form(reply).text
    asked = []
    while reply.outcome is Outcome.ASKED_SLOT:
        asked.append(form(reply).slot)
        reply = talk.say("skip", "跳过")
    assert not {"age", "hukou", "lives_alone", "frail"} & set(asked)
    assert {"sh_comprehensive_allowance", "home_visit", "needs_assessment"} <= certain(reply)
    assert "每月150元" in plain_text(reply)


def test_at_most_five_questions_each_can_be_skipped(talk: Talk) -> None:
    reply, asked = talk.say("find_benefits", "我妈能享受什么"), 0
    while reply.outcome is Outcome.ASKED_SLOT:
        asked += 1
        assert form(reply).buttons[-1].title == "跳过"
        assert len(form(reply).buttons) <= 4
        reply = talk.press(reply, -1)
    assert 0 < asked <= MAX_QUESTIONS
    assert not certain(reply) & {"sh_comprehensive_allowance", "sh_dibao"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_buttons_always_lead_to_a_result_and_nothing_is_asked_twice(library: Library, choices: list[int]) -> None:
    talk = Talk(library)
    reply, asked = talk.say("find_benefits", "能享受什么"), []
    for choice in choices:
        if reply.outcome is Outcome.ANSWERED_FINDER:
            break
        asked.append(form(reply).slot)
        reply = talk.press(reply, choice % len(form(reply).buttons))
    assert reply.outcome is Outcome.ANSWERED_FINDER
    assert len(asked) == len(set(asked)) <= MAX_QUESTIONS
    block = found(reply)
    assert len(block.buttons) == len(block.items)
    assert all(button.act and button.act.service_id for button in block.buttons)


def test_a_question_in_between_is_answered_and_the_finder_goes_on(talk: Talk) -> None:
    first = talk.say("find_benefits", "我妈83岁能享受什么")
    reply = talk.say("ask_amount", "综合津贴多少钱")
    assert "180元" in plain_text(reply)
    assert form(reply).slot == form(first).slot


def test_nonsense_is_asked_back_once_and_then_left_open(talk: Talk) -> None:
    slot = form(talk.say("find_benefits", "我能享受什么")).slot
    assert form(talk.say("inform", "啊哦")).slot == slot
    assert form(talk.say("inform", "呃呃")).slot != slot


def test_it_can_be_left(talk: Talk) -> None:
    talk.say("find_benefits", "我能享受什么")
    reply = talk.say("stop", "算了不弄了")
    assert not any(isinstance(block, FormBlock) for block in reply.blocks)
    assert talk.say("ask_service", "喘息服务是什么").service_ids() == ["respite"]


def test_a_result_is_put_right_by_saying_so(talk: Talk) -> None:
    reply = talk.say("inform", "我妈83，上海户口，身体好")
    while reply.outcome is Outcome.ASKED_SLOT:
        reply = talk.press(reply, -1)
    assert "sh_comprehensive_allowance" in certain(reply)
    corrected = talk.say("correct", "不对，她是外地户口")
    assert "sh_comprehensive_allowance" not in {item.service_id for item in found(corrected).items}


@pytest.mark.parametrize(
    ("slot", "text"),
    [("age", "83"), ("hukou", "是的"), ("insured", "没有"), ("income", "都不是"), ("lives_alone", "跟儿子一起住")],
)
def test_plain_answers_fill_the_slot(talk: Talk, slot: str, text: str) -> None:
    assert slot in ASKABLE
    talk.slots = {"talk": {"person": {}, "asked": [slot], "at": NOW.isoformat()}}
    talk.say("inform", text)
    assert slot in talk.slots["talk"]["person"]


def test_next_year_keeps_the_person_and_the_question(talk: Talk) -> None:
    assert "每月75元" in plain_text(talk.say("ask_amount", "我妈69岁综合津贴能拿多少"))
    reply = talk.say("ask_time", "明年呢")
    assert "2027年70岁" in plain_text(reply)
    assert "每月150元" in plain_text(reply)
    assert "每月180元" in plain_text(talk.say("inform", "我爸八十三"))


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("长护险和养老服务补贴有什么区别", ["ltci_apply", "sh_service_subsidy"]),
        ("日托和长者照护之家哪个好", ["day_care", "small_care_home"]),
        ("低保跟特困有啥不一样", ["sh_dibao", "sh_tekun"]),
    ],
)
def test_a_comparison_gets_two_columns(talk: Talk, text: str, pair: list[str]) -> None:
    reply = talk.say("ask_service", text)
    (block,) = reply.blocks
    assert isinstance(block, CompareBlock)
    assert block.service_ids == pair
    assert [row.title for row in block.rows] == ["给谁", "是什么", "钱", "怎么办"]
    assert all(row.left and row.right for row in block.rows)


def test_one_service_is_not_compared_with_itself(talk: Talk) -> None:
    reply = talk.say("ask_service", "长护险和长期护理保险有什么区别")
    assert not any(isinstance(block, CompareBlock) for block in reply.blocks)

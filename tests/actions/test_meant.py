"""What an act is taken to mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.meant import in_turn, sure_enough
from actions.understood import Context, UnderstoodAct
from knowledge.reply import Block, ChoiceBlock, Outcome, Reply, TextBlock


@pytest.mark.parametrize(
    "text",
    [
        "我想找工作人员问问",
        "找个顾问和我说",
        "叫养老顾问来和我讲",
        "帮我接顾问，真人那种",
        "你是机器人，我要找人",
        "请转接人工",
        "寻个人跟我讲",
    ],
)
def test_who_asks_for_a_person_is_heard_whatever_the_classifier_says(text: str) -> None:
    assert sure_enough(UnderstoodAct("ask_service", text, 0.9)).intent == "request_human"


@pytest.mark.parametrize(
    "text",
    [
        "找个人陪我说说话",
        "你是真人吗",
        "找个人帮我烧饭",
        "人工关节能报销吗",
        "请人上门洗澡多少钱",
        "叫个人来跟老人聊天",
        "找养老顾问要钱吗",
        "我要找人帮我妈洗澡",
        "换人工关节要多少钱",
        "换人工膝关节报销吗",
        "不用转人工",
        "我接到人工客服电话说中奖了",
    ],
)
def test_who_asks_for_company_or_help_is_not_put_through(text: str) -> None:
    assert sure_enough(UnderstoodAct("ask_service", text, 0.9)).intent == "ask_service"


def test_abuse_and_swindles_stay_what_they_are() -> None:
    text = "养老院打我妈，我要找负责人"
    assert sure_enough(UnderstoodAct("report_abuse", text, 0.9)).intent == "report_abuse"
    assert sure_enough(UnderstoodAct("report_abuse", text, 0.2)).intent == "request_human"


@pytest.mark.parametrize(
    "text",
    [
        "503 134，〔手机号已隐去〕",
        "603597",
        "〔手机号已隐去〕",
        "号码是411 982，电话〔手机号已隐去〕。",
        "021-6012 3456",
    ],
)
@pytest.mark.parametrize("guess", ["emergency", "stop", "medical_question"])
def test_numbers_alone_are_told_and_never_an_act(text: str, guess: str) -> None:
    assert sure_enough(UnderstoodAct(guess, text, 0.9)).intent == "inform"


@pytest.mark.parametrize("text", ["120", "打120", "110", "503 134 救命", "取消503 134"])
def test_a_number_to_call_or_words_with_a_number_are_not(text: str) -> None:
    assert sure_enough(UnderstoodAct("emergency", text, 0.9)).intent == "emergency"


def ranked(*shares: tuple[str, float]) -> UnderstoodAct:
    return UnderstoodAct(shares[0][0], "当中那个", shares[0][1], ranking=shares)


def after(*blocks: Block) -> Context:
    return Context(last_reply=Reply(blocks=list(blocks), outcome=Outcome.ANSWERED_SERVICE))


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (after(ChoiceBlock(text="哪一个", buttons=[])), "choose"),
        (after(TextBlock(text="好的")), "unclear"),
        (Context(), "unclear"),
    ],
)
def test_what_can_be_an_answer_is_likelier_where_something_was_asked(context: Context, expected: str) -> None:
    assert in_turn(ranked(("unclear", 0.5), ("choose", 0.2)), context).intent == expected


def test_where_nothing_was_said_nothing_is_chosen() -> None:
    assert in_turn(ranked(("choose", 0.4), ("ask_service", 0.3)), Context()).intent == "ask_service"


def test_the_turn_makes_no_danger_less_and_moves_no_button() -> None:
    asked = after(ChoiceBlock(text="哪一个", buttons=[]))
    danger = ranked(("emergency", 0.2), ("choose", 0.7))
    pressed = replace(ranked(("ask_service", 1.0), ("choose", 0.9)), pressed=True)
    assert in_turn(danger, asked) == danger
    assert in_turn(pressed, asked) == pressed


def test_confidence_stays_a_probability() -> None:
    act = in_turn(ranked(("choose", 0.9), ("unclear", 0.05)), after(ChoiceBlock(text="哪一个", buttons=[])))
    assert 0.9 < act.confidence <= 1.0


def test_who_orders_an_advisor_at_an_odd_hour_is_not_outside() -> None:
    assert (
        sure_enough(UnderstoodAct("out_of_scope", "约徐汇的养老顾问，明天凌晨三点", 0.6)).intent == "book_consultation"
    )
    assert sure_enough(UnderstoodAct("out_of_scope", "我约了人剪头发", 0.6)).intent == "out_of_scope"


def test_a_question_is_no_answer_whatever_was_asked() -> None:
    act = replace(ranked(("ask_service", 0.5), ("affirm", 0.3)), text="那晚上呢，能住那里吗")
    assert in_turn(act, after(TextBlock(text="好的"))).intent == "ask_service"

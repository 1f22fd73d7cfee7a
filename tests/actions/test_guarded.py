"""What is said to danger, fraud, ill-treatment, grief and complaints; with a toy encoder, the real list and no server."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from actions.answers import Answerer
from actions.understood import Context, UnderstoodAct
from knowledge.library import Library
from knowledge.plain_text import plain_text
from knowledge.reply import AnswerBlock, EmergencyBlock, Outcome
from storage.clock import SHANGHAI
from tests.auxil.toy_library import toy_library

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def library() -> Library:
    return toy_library()


@pytest.fixture
def answerer(library: Library) -> Answerer:
    return Answerer(library, NOW)


def act(intent: str, text: str, confidence: float = 0.9, in_field: float = 1.0) -> UnderstoodAct:
    return UnderstoodAct(intent, text, confidence, in_field)


def test_fraud_gets_advice_first_and_the_police_number(answerer: Answerer) -> None:
    reply = answerer.reply([act("report_scam", "被养老公司骗了钱")], Context())
    assert reply.outcome is Outcome.GUARDED_SCAM
    assert "110" in plain_text(reply)


def test_somebody_posing_as_our_advisor_is_called_false(answerer: Answerer) -> None:
    reply = answerer.reply([act("report_scam", "有人冒充养老顾问收钱")], Context())
    assert "不收押金" in plain_text(reply)


def test_how_to_check_an_organisation_is_told_after_the_warning(answerer: Answerer) -> None:
    reply = answerer.reply([act("check_suspicious", "怎么查一个社会组织是不是合法的")], Context())
    text = plain_text(reply)
    assert text.index("先不要付钱") < text.index("中国社会组织政务服务平台")
    assert "是真的" not in text


def test_who_doubts_is_warned_and_who_paid_is_told_to_ring_the_police(answerer: Answerer) -> None:
    doubt = answerer.reply([act("report_scam", "养老公司喊我入会，是不是骗人的")], Context())
    assert "先不要付钱" in plain_text(doubt)
    paid = answerer.reply([act("report_scam", "我交了五万，是不是骗人的")], Context())
    assert "打110报警" in plain_text(paid)


def perhaps(text: str, second: str) -> UnderstoodAct:
    return UnderstoodAct("emergency", text, 0.2, ranking=(("emergency", 0.2), (second, 0.5)))


def test_what_may_be_danger_is_warned_of_and_answered_too(answerer: Answerer) -> None:
    reply = answerer.reply([perhaps("敬老卡洗衣机里搅坏了怎么办", "ask_how_to_apply")], Context())
    assert reply.outcome is Outcome.GUARDED_EMERGENCY
    alarm, answered = reply.blocks[:2]
    assert isinstance(alarm, EmergencyBlock)
    assert alarm.lead.startswith("要是现在有危险")
    assert isinstance(answered, AnswerBlock)
    assert answered.service_id == "sh_senior_card_transport"
    assert reply.speak.startswith("要是现在有危险")
    assert "敬老卡" in reply.speak


@pytest.mark.parametrize(
    "sure",
    [perhaps("药我都攒够了，遗体捐献怎么登记", "ask_how_to_apply"), act("emergency", "心口不对劲，敬老卡掉在地上")],
)
def test_nothing_stands_beside_what_surely_is_danger_or_a_farewell(answerer: Answerer, sure: UnderstoodAct) -> None:
    assert [block.kind for block in answerer.reply([sure], Context()).blocks] == ["emergency"]


def test_a_number_given_is_the_service_found_first(answerer: Answerer) -> None:
    reply = answerer.reply([act("complain", "受理中心的小姑娘态度差")], Context())
    assert reply.evidence.ranking[0][0] == "hotlines"


@pytest.mark.parametrize(
    ("text", "told", "not_told"),
    [
        ("老伴走了半年，我还在摸他的枕头", "请您节哀", "托几天"),
        ("天天给瘫痪的老爸翻身，我撑不牢了", "托几天", "节哀"),
        ("我一个人，电视开着没人说话", "老伙伴", "托几天"),
        ("我真怕自己哪天动手打她", "先走开", "节哀"),
    ],
)
def test_comfort_fits_the_trouble(answerer: Answerer, text: str, told: str, not_told: str) -> None:
    shown = plain_text(answerer.reply([act("wellbeing", text)], Context()))
    assert told in shown
    assert not_told not in shown
    assert "12356" in shown


def test_there_is_no_safe_account(answerer: Answerer) -> None:
    assert "公安没有" in plain_text(answerer.reply([act("check_suspicious", "公安叫我把钱转到安全账户")], Context()))


def test_ill_treatment_in_a_home_is_a_matter_of_the_office_too(answerer: Answerer) -> None:
    assert "请民政来查" in plain_text(answerer.reply([act("report_abuse", "养老院护工扇我爸耳光")], Context()))
    assert "请民政来查" not in plain_text(answerer.reply([act("report_abuse", "儿子扇我耳光")], Context()))


def test_what_is_asked_besides_a_warning_is_answered_after_it(answerer: Answerer) -> None:
    reply = answerer.reply([act("check_suspicious", "敬老卡怎么办", confidence=0.55)], Context())
    assert [block.kind for block in reply.blocks] == ["text", "answer"]
    assert reply.service_ids() == ["sh_senior_card_transport"]


def test_a_danger_that_no_word_names_is_answered_too_however_sure_the_model(answerer: Answerer) -> None:
    reply = answerer.reply([replace(perhaps("敬老卡怎么办", "ask_how_to_apply"), confidence=0.9)], Context())
    assert [block.kind for block in reply.blocks] == ["emergency", "answer"]

"""What is decided once a message is understood; with a toy encoder, the real list and no server."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from actions.about import chosen, is_elsewhere, is_follow_up
from actions.answers import Answerer
from actions.understood import Context, UnderstoodAct, acts_of, context_of, slots_after
from knowledge.library import Library
from knowledge.person import Person
from knowledge.plain_text import plain_text
from knowledge.reply import AnswerBlock, ChoiceBlock, Evidence, Outcome, Reply, TextBlock
from knowledge.search import Match
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


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("那要多少钱", True),
        ("去哪里办", True),
        ("要带什么材料", True),
        ("几号发", True),
        ("电话多少", True),
        ("他能不能办", True),
        ("那喘息服务呢", False),
        ("养老院多少钱", False),
        ("轮椅去哪里借", False),
    ],
)
def test_a_follow_up_is_what_names_nothing(text: str, follows: bool) -> None:
    assert is_follow_up(text) is follows


def test_a_follow_up_goes_on_with_the_last_service(answerer: Answerer) -> None:
    reply = answerer.reply([act("ask_amount", "那要多少钱")], Context(last_service="sh_dibao"))
    assert reply.service_ids() == ["sh_dibao"]
    assert "1650" in plain_text(reply)


def test_with_nothing_before_it_a_follow_up_is_asked_back(answerer: Answerer) -> None:
    reply = answerer.reply([act("ask_amount", "那要多少钱")], Context())
    assert reply.outcome is Outcome.ASKED_WHAT_ABOUT


OFFERED = ("home_visit", "home_adaptation", "emergency_call")


def test_a_follow_up_on_a_choice_asks_which_and_then_answers_about_the_first(answerer: Answerer) -> None:
    context = Context(choices=OFFERED, person=Person(age=(90, 90)))
    asked = answerer.reply([act("ask_amount", "那要多少钱")], context)
    assert asked.outcome is Outcome.ASKED_WHICH_SERVICE
    (block,) = asked.blocks
    assert isinstance(block, ChoiceBlock)
    assert [button.act and (button.act.intent, button.act.service_id) for button in block.buttons] == [
        ("ask_amount", service_id) for service_id in OFFERED
    ]
    again = answerer.reply([act("ask_amount", "那要多少钱")], replace(context, last_reply=asked))
    assert again.service_ids() == ["home_visit"]
    assert slots_after(again, context, NOW)["talk"]["others"] == ["home_adaptation", "emergency_call"]


def test_who_says_which_and_what_at_once_is_answered(answerer: Answerer) -> None:
    reply = answerer.reply([act("ask_how_to_apply", "第二个怎么申请")], Context(choices=OFFERED))
    assert reply.service_ids() == ["home_adaptation"]
    assert reply.blocks[0].kind == "answer"
    assert reply.blocks[0].aspect == "ask_how_to_apply"


def test_what_sounds_foreign_but_is_surely_found_is_offered_below_the_refusal(
    library: Library, answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = 0.9
    monkeypatch.setattr(library, "find_by_vector", lambda *_, **__: [Match("meal_service", score, "")])
    asks = act("ask_where", "看勿见，吃饭有啥地方好送", in_field=0.1)
    refused = answerer.reply([asks], Context())
    assert refused.outcome is Outcome.UNANSWERED_OUT_OF_SCOPE
    after = slots_after(refused, Context(), NOW)
    assert after["choices"] == ["meal_service"]
    assert after["misses"] == 1
    yes = answerer.reply([act("affirm", "对的")], context_of(after, NOW))
    assert yes.service_ids() == ["meal_service"]
    assert yes.blocks[0].kind == "answer"
    assert yes.blocks[0].aspect == "ask_where"
    elsewhere = answerer.reply([act("ask_where", "成都吃饭有啥地方好送", in_field=0.1)], Context())
    score = 0.8
    unlike = answerer.reply([asks], Context())
    assert [len(reply.blocks) for reply in (elsewhere, unlike)] == [1, 1]


def test_who_names_something_else_is_not_held_to_the_choice(answerer: Answerer) -> None:
    reply = answerer.reply([act("ask_amount", "喘息服务多少钱")], Context(choices=OFFERED))
    assert reply.service_ids() == ["respite"]


def test_the_last_service_is_forgotten_after_half_an_hour() -> None:
    slots = {"last_service": "respite", "last_service_at": (NOW - timedelta(minutes=31)).isoformat()}
    assert context_of(slots, NOW).last_service is None
    assert context_of(slots, NOW - timedelta(minutes=2)).last_service == "respite"


def test_at_the_second_miss_a_person_is_offered_with_the_number(answerer: Answerer) -> None:
    reply = answerer.reply([act("ask_service", "咕噜咕噜")], Context(misses=1))
    assert reply.outcome is Outcome.HANDED_OFF_MISSES
    assert "12345" in plain_text(reply)


def test_misses_are_counted_and_an_answer_clears_them(answerer: Answerer) -> None:
    missed = answerer.reply([act("unclear", "怎么弄")], Context())
    assert slots_after(missed, Context(), NOW)["misses"] == 1
    answered = answerer.reply([act("ask_service", "喘息服务")], Context(misses=1))
    assert slots_after(answered, Context(misses=1), NOW)["misses"] == 0


@pytest.mark.parametrize("intent", ["restart", "stop", "cancel_booking"])
def test_what_costs_most_when_wrong_needs_confidence(answerer: Answerer, intent: str) -> None:
    reply = answerer.reply([act(intent, "老年综合津贴", confidence=0.3)], Context())
    assert reply.service_ids() == ["sh_comprehensive_allowance"]


def test_a_service_named_is_answered_even_when_it_looks_outside(answerer: Answerer) -> None:
    reply = answerer.reply([act("out_of_scope", "老年综合津贴", in_field=0.1)], Context())
    assert reply.service_ids() == ["sh_comprehensive_allowance"]


def test_what_is_outside_is_refused_kindly(answerer: Answerer) -> None:
    reply = answerer.reply([act("out_of_scope", "帮我写首诗", in_field=0.05)], Context())
    assert reply.outcome is Outcome.UNANSWERED_OUT_OF_SCOPE


def test_another_city_is_sent_to_its_own_hotline(answerer: Answerer) -> None:
    reply = answerer.reply([act("out_of_scope", "杭州地铁几点关门", in_field=0.05)], Context())
    assert "当地" in plain_text(reply)
    assert is_elsewhere("武汉的食堂")
    assert not is_elsewhere("我从武汉来上海养老")


def test_never_more_than_three_choices(answerer: Answerer) -> None:
    reply = answerer.reply([act("find_benefits", "八十岁老人有什么津贴补贴")], Context())
    for block in reply.blocks:
        assert len(getattr(block, "buttons", [])) <= 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("第二个", "meal_service"),
        ("2", "meal_service"),
        ("最后一个", "day_care"),
        ("喘息服务", "respite"),
        ("第三", "day_care"),
        ("随便", None),
    ],
)
def test_a_choice_is_understood(library: Library, text: str, expected: str | None) -> None:
    service = chosen(text, ("respite", "meal_service", "day_care"), library)
    assert (service.id if service else None) == expected


def test_a_correction_is_answered_as_the_question_it_is(answerer: Answerer) -> None:
    reply = answerer.reply(
        [act("correct", "不对，我问的是安宁疗护不是养老院")], Context(last_service="basic_nursing_home")
    )
    assert reply.service_ids() == ["hospice"]


def test_more_tells_the_next_thing_not_the_same_again(answerer: Answerer) -> None:
    first = answerer.reply([act("ask_service", "安宁疗护")], Context())
    context = context_of(slots_after(first, Context(), NOW), NOW)
    more = answerer.reply([act("unclear", "还有呢")], context)
    assert more.service_ids() == ["hospice"]
    assert plain_text(more) != plain_text(first)


def test_two_acts_are_both_answered(answerer: Answerer) -> None:
    reply = answerer.reply([act("stop", "算了"), act("ask_service", "喘息服务是什么")], Context())
    assert "不弄了" in plain_text(reply)
    assert reply.service_ids() == ["respite"]


def test_three_questions_about_one_service_are_answered_in_order_with_one_number(answerer: Answerer) -> None:
    acts = [act("ask_how_to_apply", "长护险怎么申请"), act("ask_amount", "要多少钱"), act("ask_documents", "要带什么")]
    reply = answerer.reply(acts, Context())
    answers = [block for block in reply.blocks if isinstance(block, AnswerBlock)]
    assert [block.aspect for block in answers] == ["ask_how_to_apply", "ask_amount", "ask_documents"]
    assert {block.service_id for block in answers} == {"ltci_apply"}
    assert [bool(block.contact) for block in answers] == [False, False, True]
    assert plain_text(reply).count("依据") == 1
    offered = {button.act.intent for button in answers[-1].buttons if button.act}
    assert not offered & {block.aspect for block in answers}
    assert reply.speak
    assert reply.speak.index("第一步") < reply.speak.index("百分之十") < reply.speak.index("材料")


@pytest.mark.parametrize(
    ("intent", "text", "says"),
    [
        ("ask_amount", "我妈83岁，能拿多少", "每月180元"),
        ("inform", "我妈70，明年呢", "2027年71岁，70到79岁：每月150元"),
    ],
)
def test_money_asked_for_an_age_alone_is_the_money_that_goes_by_age(
    answerer: Answerer, intent: str, text: str, says: str
) -> None:
    reply = answerer.reply([act(intent, text)], Context())
    assert reply.service_ids() == ["sh_comprehensive_allowance"]
    assert says in plain_text(reply)
    assert "2027年1月15日" in plain_text(reply)


def test_a_slot_holds_a_whole_reply_and_gives_it_back(answerer: Answerer) -> None:
    reply = answerer.reply([act("ask_service", "喘息服务")], Context())
    context = context_of(slots_after(reply, Context(), NOW), NOW)
    assert isinstance(context.last_reply, Reply)
    again = answerer.reply([act("repeat", "再说一遍")], context)
    assert plain_text(again) == plain_text(reply)


def test_parse_data_without_acts_still_gives_one() -> None:
    (only,) = acts_of({"intent": {"name": "greet"}, "text": "你好"})
    assert only.intent == "greet"


def test_a_long_tale_is_answered_for_the_clause_that_names_the_matter(answerer: Answerer) -> None:
    tale = "我今年八十多了耳朵也背，老伴走了三年，女儿在国外，隔壁阿姨讲有个喘息服务，我们家里能不能用上呀"
    reply = answerer.reply([act("ask_eligibility", tale)], Context(said=tale))
    assert reply.service_ids() == ["respite"]


def test_a_share_tip_is_not_given(answerer: Answerer) -> None:
    reply = answerer.reply([act("check_suspicious", "这只股票能买吗")], Context())
    assert reply.outcome is Outcome.UNANSWERED_OUT_OF_SCOPE
    pushed = answerer.reply([act("check_suspicious", "有个老师叫我买股票，靠谱吗")], Context())
    assert pushed.outcome is Outcome.GUARDED_SCAM


def test_a_birthday_is_wished_and_the_new_figure_told(answerer: Answerer) -> None:
    text = plain_text(answerer.reply([act("small_talk", "今天我80岁生日")], Context()))
    assert "生日快乐" in text
    assert "每月180元" in text


def test_two_parts_never_ask_two_things(answerer: Answerer) -> None:
    acts = [act("find_benefits", "我三级残疾能享受什么"), act("find_benefits", "还有什么政策")]
    reply = answerer.reply(acts, Context())
    assert sum(block.kind == "form" for block in reply.blocks) == 1


def test_benefits_told_at_once_are_the_services_found_first(answerer: Answerer, library: Library) -> None:
    reply = answerer.reply([act("find_benefits", "刚退休，有啥优惠")], Context())
    told = reply.blocks[0]
    assert isinstance(told, TextBlock)
    names = [library.services[service_id].name for service_id, _ in reply.evidence.ranking[: len(told.points)]]
    assert [point.split("：")[0] for point in told.points] == names


def test_a_word_not_understood_is_explained_where_it_names_a_service(answerer: Answerer) -> None:
    before = Context(last_reply=answerer.reply([act("greet", "侬好")], Context()))
    reply = answerer.reply([act("simplify", "敬老卡是什么话，听不懂")], before)
    assert reply.service_ids() == ["sh_senior_card_transport"]


def test_a_choice_where_nothing_was_offered_is_answered_where_it_names_a_service(answerer: Answerer) -> None:
    assert answerer.reply([act("choose", "我选敬老卡")], Context()).service_ids() == ["sh_senior_card_transport"]
    assert answerer.reply([act("choose", "第二个")], Context()).outcome is Outcome.ASKED_WHAT_ABOUT


@pytest.mark.parametrize("text", ["你们几点下班", "侬礼拜天有人伐", "你们周末上班吗", "您这里晚上能问吗"])
def test_our_own_hours_are_told(answerer: Answerer, text: str) -> None:
    assert "24小时" in plain_text(answerer.reply([act("ask_time", text)], Context()))


def test_the_hours_of_what_was_just_told_are_not_ours(answerer: Answerer) -> None:
    reply = answerer.reply([act("ask_time", "你们几点开门")], Context(last_service="meal_service"))
    assert reply.service_ids() == ["meal_service"]


def test_who_says_that_it_is_not_that_is_offered_what_else_it_might_be(answerer: Answerer) -> None:
    reply = answerer.reply([act("ask_amount", "敬老卡多少钱")], Context())
    near = [("sh_senior_card_transport", 0.6), ("respite", 0.2), ("day_care", 0.05), ("sh_dibao", 0.001)]
    reply = reply.model_copy(update={"evidence": Evidence(ranking=near)})
    context = context_of(slots_after(reply, Context(), NOW), NOW)
    asked = answerer.reply([act("deny", "不是问这个")], context)
    assert asked.outcome is Outcome.ASKED_WHICH_SERVICE
    (block,) = asked.blocks
    assert isinstance(block, ChoiceBlock)
    assert [(b.act.intent, b.act.service_id) for b in block.buttons if b.act] == [
        ("ask_amount", "respite"),
        ("ask_amount", "day_care"),
    ]


@pytest.mark.parametrize(("score", "deniable"), [(0.95, False), (0.75, True)])
def test_an_answer_that_is_not_quite_sure_can_be_denied_with_a_tap(
    answerer: Answerer, library: Library, monkeypatch: pytest.MonkeyPatch, score: float, deniable: bool
) -> None:
    monkeypatch.setattr(library, "find_by_vector", lambda *_, **__: [Match("respite", score, "")])
    (block,) = answerer.reply([act("ask_amount", "那个要几钱")], Context()).blocks
    assert isinstance(block, AnswerBlock)
    assert len(block.buttons) == 3
    assert [b.title for b in block.buttons if b.act and b.act.intent == "deny"] == ["不是问这个"] * deniable


def test_an_age_reached_next_year_is_not_one_more(answerer: Answerer) -> None:
    reply = answerer.reply([act("ask_amount", "我明年一月满七十，老年综合津贴多少钱")], Context())
    assert "70岁" in plain_text(reply)
    assert "150" in plain_text(reply)


def test_all_five_figures_and_the_payday_are_told(answerer: Answerer) -> None:
    shown = plain_text(answerer.reply([act("ask_amount", "老年综合津贴多少钱")], Context()))
    assert all(figure in shown for figure in ("75元", "150元", "180元", "350元", "600元"))


def test_who_is_here_is_not_sent_to_another_city(answerer: Answerer) -> None:
    reply = answerer.reply([act("ask_where", "我从河南来带孙子，居住证哪里办")], Context())
    assert "当地的12345" not in plain_text(reply)


def test_what_cannot_be_said_more_simply_is_not_said_once_more(answerer: Answerer) -> None:
    context = Context(last_reply=answerer.reply([act("thank", "谢谢")], Context()))
    first = answerer.reply([act("simplify", "说简单点")], context)
    assert first.blocks != (context.last_reply and context.last_reply.blocks)
    second = answerer.reply([act("simplify", "还是不懂")], Context(last_reply=first, misses=1))
    assert second.outcome is Outcome.HANDED_OFF_MISSES


def test_only_what_denies_is_asked_what_else_was_meant(answerer: Answerer) -> None:
    context = Context(last_service="ltci_home", others=("respite", "day_care"))
    assert answerer.reply([act("deny", "不是问这个")], context).outcome is Outcome.ASKED_WHICH_SERVICE
    assert answerer.reply([act("deny", "今天都没来")], context).service_ids() == ["ltci_home"]


def test_an_illness_told_gets_the_doctor_and_what_there_is_for_it(
    library: Library, answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "find_by_vector", lambda *_, **__: [Match("dementia_community", 0.9, "")])
    told = answerer.reply([act("medical_question", "我妈刚查出来痴呆")], Context())
    assert told.outcome is Outcome.GUARDED_MEDICAL
    assert told.service_ids() == ["dementia_community"]
    asked = answerer.reply([act("medical_question", "我妈查出来痴呆吃什么药好")], Context())
    assert asked.service_ids() == []


def test_a_few_words_without_a_name_go_on_with_the_last_service(
    library: Library, answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "find_by_vector", lambda *_, **__: [Match("needs_assessment", 0.7, "")])
    context = Context(last_service="ltci_apply")
    assert answerer.reply([act("ask_eligibility", "一级可以吗")], context).service_ids() == ["ltci_apply"]
    assert answerer.reply([act("ask_eligibility", "评一级的老人可以申请吗")], context).service_ids() == [
        "needs_assessment"
    ]

from __future__ import annotations

from datetime import date, timedelta

import pytest

from knowledge.answer import ASPECTS, MAX_ANSWER, MAX_LEAD, Asked, compose, topic_of
from knowledge.person import Person
from knowledge.phrases import _phrases, say
from knowledge.plain_text import plain_text
from knowledge.schema import Service
from knowledge.store import load

SERVICES = load()
TODAY = date(2026, 11, 25)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
@pytest.mark.parametrize("aspect", ASPECTS)
def test_every_answer_is_short_sourced_and_names_a_number(service: Service, aspect: str) -> None:
    block, _ = compose(service, aspect, Asked(TODAY))
    assert block.lead
    assert len(block.lead) <= MAX_LEAD + 40, block.lead
    assert len(block.points) <= 4
    assert len(block.lead) + sum(map(len, block.points[:-1])) <= MAX_ANSWER
    assert block.contact
    assert block.source is not None
    assert len(block.buttons) <= 3


@pytest.mark.parametrize(
    ("ages", "figure"),
    [
        ((65, 65), "75元"),
        ((79, 79), "150元"),
        ((83, 83), "180元"),
        ((80, 89), "180元"),
        ((99, 99), "350元"),
        ((104, 104), "600元"),
    ],
)
def test_a_question_with_an_age_gets_one_figure(ages: tuple[int, int], figure: str) -> None:
    block, known = compose(SERVICES["sh_comprehensive_allowance"], "ask_amount", Asked(TODAY, (Person(age=ages),)))
    assert known
    assert figure in block.lead
    assert block.lead.count("元") == 1


def test_two_people_get_a_figure_each() -> None:
    block, _ = compose(
        SERVICES["sh_comprehensive_allowance"], "ask_amount", Asked(TODAY, (Person(age=(75, 75)), Person(age=(81, 81))))
    )
    assert "150元" in block.lead
    assert "180元" in block.lead


def test_too_young_for_the_allowance_is_said() -> None:
    block, _ = compose(SERVICES["sh_comprehensive_allowance"], "ask_amount", Asked(TODAY, (Person(age=(60, 60)),)))
    assert "65岁" in block.lead
    block, _ = compose(SERVICES["sh_comprehensive_allowance"], "ask_eligibility", Asked(TODAY, (Person(age=(60, 60)),)))
    assert "要满65岁" in block.lead


def test_what_the_list_does_not_know_is_never_made_up() -> None:
    block, known = compose(SERVICES["day_care"], "ask_amount", Asked(TODAY))
    assert not known
    assert not any(char.isdigit() for char in block.lead)


def test_an_overdue_entry_says_so_and_an_expired_figure_is_not_shown() -> None:
    service = SERVICES["sh_comprehensive_allowance"]
    later = service.review_by + timedelta(days=1)
    block, _ = compose(service, "ask_amount", Asked(later, (Person(age=(83, 83)),)))
    assert block.outdated
    expired = service.model_copy(update={"valid_to": TODAY - timedelta(days=1)})
    block, known = compose(expired, "ask_amount", Asked(TODAY, (Person(age=(83, 83)),)))
    assert not known
    assert "180" not in block.lead + "".join(block.points)


def test_an_unsafe_link_is_never_shown() -> None:
    for service in SERVICES:
        block, _ = compose(service, "ask_service", Asked(TODAY))
        if block.source and block.source.url:
            assert service.sources[0].link_safe


def test_a_past_figure_is_not_given_as_todays() -> None:
    block, _ = compose(SERVICES["disabled_two_subsidies"], "ask_amount", Asked(TODAY))
    told = block.lead + "".join(block.points)
    assert "410" not in told or "2021年" in told


def test_every_phrase_is_plain_chinese() -> None:
    for key, value in _phrases().items():
        for text in value if isinstance(value, list) else [value]:
            assert not any(word in text for word in ("error", "请重新输入", "无效")), key


def test_a_value_left_out_of_a_phrase_is_noticed() -> None:
    with pytest.raises(KeyError):
        say("contact_lead")
    with pytest.raises(KeyError):
        say("no such phrase")


def test_the_plain_text_of_an_answer_has_everything() -> None:
    from knowledge.reply import Outcome, Reply

    block, _ = compose(SERVICES["respite"], "ask_how_to_apply", Asked(TODAY))
    text = plain_text(Reply(blocks=[block], outcome=Outcome.ANSWERED_SERVICE))
    assert "12345" in text
    assert "依据" in text


def test_a_special_question_has_its_own_answer_whatever_the_aspect() -> None:
    card = SERVICES["sh_senior_card_transport"]
    for aspect in ("ask_service", "ask_how_to_apply"):
        block, known = compose(card, aspect, Asked(TODAY, text="敬老卡丢了怎么办"))
        assert known
        assert "挂失" in block.lead
    assert "挂失" not in compose(card, "ask_service", Asked(TODAY, text="敬老卡是什么"))[0].lead


def test_words_joined_by_an_ampersand_must_all_stand_in_the_question() -> None:
    carer = SERVICES["ref_hired_carer"]
    assert topic_of(carer, "护工一天多少钱")
    assert topic_of(carer, "保姆多少钱") is None


def test_an_answer_of_common_practice_does_not_borrow_the_official_source() -> None:
    block, _ = compose(SERVICES["sh_senior_card_transport"], "ask_service", Asked(TODAY, text="卡丢了"))
    assert block.source
    assert "通行做法" in block.source.title


@pytest.mark.parametrize("service", [s for s in SERVICES if s.topics], ids=lambda s: s.id)
def test_every_topic_can_be_reached_by_each_of_its_words(service: Service) -> None:
    for topic in service.topics:
        assert all(topic_of(service, words.replace("&", "")) for words in topic.words)
        assert topic_of(service, topic.words[0].replace("&", "")) is topic


def test_who_asks_what_a_service_is_and_tells_an_age_gets_the_figure() -> None:
    block, _ = compose(SERVICES["sh_comprehensive_allowance"], "ask_service", Asked(TODAY, (Person(age=(83, 83)),)))
    assert block.points[0] == "80到89岁：每月180元。"


def test_what_is_counted_is_no_price() -> None:
    block, _ = compose(SERVICES["ltci_apply"], "ask_amount", Asked(TODAY))
    assert not any("级）：2到6级" in point for point in block.points)


def test_who_waits_is_told_how_to_press() -> None:
    block, _ = compose(SERVICES["time_bank"], "ask_time", Asked(TODAY, text="办了一直没消息"))
    assert any("受理编号" in point for point in block.points)

from __future__ import annotations

import re
from datetime import date

import pytest

from knowledge.aloud import aloud, answer_aloud
from knowledge.answer import ASPECTS, Asked, compose, length, simpler
from knowledge.plain import offences
from knowledge.schema import Service
from knowledge.store import load
from knowledge.terms import explained, terms, unexplained

TODAY = date(2026, 11, 25)
SERVICES = load()


def test_every_answer_of_the_shipped_list_is_plain() -> None:
    assert [str(offence) for offence in offences(SERVICES, TODAY)] == []


def test_a_long_sentence_and_a_long_lead_are_found() -> None:
    hard = SERVICES["respite"].model_copy(
        update={"content": "老人可以短期住到长者照护之家或者养老院里面去也可以去日托让家里人休息几天"}
    )
    assert any("a sentence of" in offence.rule for offence in offences([hard], TODAY))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
@pytest.mark.parametrize("aspect", ASPECTS)
def test_every_answer_can_be_said_simply_and_aloud(service: Service, aspect: str) -> None:
    block, _ = compose(service, aspect, Asked(TODAY))
    simple = simpler(block)
    said = [simple.lead, *simple.points]
    assert 1 <= len(said) <= 2
    assert sum(map(length, said)) < length(block.lead) + sum(map(length, block.points)) + 60
    spoken = answer_aloud(block)
    assert not re.search(r"[0-9%（）《》☎]", spoken)
    assert spoken.endswith("。")


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("每月180元", "每月一百八十元"),
        ("请打12345", "请打一二三四五"),
        ("请打12393", "请打幺二三九三"),
        ("马上打120", "马上打幺二零"),
        ("最多抵50%", "最多抵百分之五十"),
        ("2026年1月15日", "二零二六年一月十五日"),
        ("打021-62481234", "打零二幺六二四八幺二三四"),
        ("每月120元", "每月一百二十元"),
    ],
)
def test_figures_are_spelled_out(written: str, spoken: str) -> None:
    assert aloud(written) == spoken


def test_a_term_is_explained_once_where_it_first_stands() -> None:
    told = explained("养老服务补贴", ["先评照护等级。", "再看照护等级。"])
    assert told[0] == f"先评照护等级（{terms()['照护等级']}）。"
    assert told[1] == "再看照护等级。"
    assert list(unexplained("养老服务补贴", told)) == []
    assert list(unexplained("养老服务补贴", ["先评照护等级。"])) == ["照护等级"]


def test_no_term_is_explained_by_itself() -> None:
    for term, meaning in terms().items():
        assert term not in meaning
        assert length(meaning) <= 15

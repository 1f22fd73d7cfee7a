from __future__ import annotations

import pytest

from actions.openings import opened
from knowledge.plain_text import plain_text
from knowledge.reply import Outcome, Reply, TextBlock


def reply(outcome: Outcome = Outcome.ANSWERED_SERVICE) -> Reply:
    return Reply(blocks=[TextBlock(text="答复。")], outcome=outcome)


@pytest.mark.parametrize("text", ["我实在走投无路了", "你们这是为难老人", "妈妈我照顾不动了"])
def test_who_suffers_is_told_that_we_feel_it(text: str) -> None:
    said = plain_text(opened(reply(), text))
    assert said.startswith(("您的难处", "换了谁"))
    assert said.endswith("答复。")


@pytest.mark.parametrize("text", ["长护险怎么申请", "谢谢你", "津贴多少钱"])
def test_a_plain_question_is_answered_straight(text: str) -> None:
    assert plain_text(opened(reply(), text)) == "答复。"


def test_an_emergency_has_no_opening() -> None:
    assert plain_text(opened(reply(Outcome.GUARDED_EMERGENCY), "走投无路")) == "答复。"


def test_another_place_is_told_that_we_know_shanghai() -> None:
    assert "上海的办法" in plain_text(opened(reply(), "南京的喘息服务怎么申请"))
    assert "上海的办法" not in plain_text(opened(reply(), "女儿在南京，我想申请喘息服务"))

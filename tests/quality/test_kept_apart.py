"""What measures the system must not be what it learnt from: checked by encoder distance."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.field_encoder import bundled_encoder
from knowledge.store import load
from nlu.quality.checker import contradictions, doubles, near_copies
from nlu.quality.sets import EVALUATION, Row, evaluation


@pytest.fixture(autouse=True)
def encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that learnt nothing of our field, as ``advisor quality check`` uses it."""
    monkeypatch.setenv("ADVISOR_ENCODER_FOLDER", str(bundled_encoder()))


def row(text: str, intent: str, where: str) -> Row:
    return Row(text, intent, frozenset([intent]), where)


@pytest.mark.parametrize("file", sorted(EVALUATION.glob("*.tsv")), ids=lambda file: file.stem)
def test_no_question_of_a_set_or_near_copy_of_one_stands_in_the_service_list(file: Path) -> None:
    asked = [row(question, "", service.id) for service in load() for question in service.questions]
    assert list(near_copies(asked, evaluation(file))) == []


def test_what_stands_twice_is_found() -> None:
    rows = [row("长护险怎么申请", "ask_how_to_apply", "a:1"), row("長護險怎麼申請", "ask_amount", "a:2")]
    assert list(doubles(rows)) == ["a:2: '長護險怎麼申請' is ask_amount here and ask_how_to_apply in a:1"]


def test_a_near_copy_is_found_and_another_question_is_not() -> None:
    learnt = [row("我想问一下长护险到底怎么申请呀", "ask_how_to_apply", "a:1")]
    asked = [
        row("我想问一下长护险到底怎么申请啊", "ask_how_to_apply", "b:1"),
        row("我想问一下敬老卡到底在哪里领呀", "ask_where", "b:2"),
    ]
    found = list(near_copies(learnt, asked))
    assert len(found) == 1
    assert found[0].startswith("b:1")


def test_near_copies_with_two_intents_are_found() -> None:
    rows = [
        row("我想问一下长护险到底怎么申请呀", "ask_how_to_apply", "a:1"),
        row("我想问一下长护险到底怎么申请啊", "ask_amount", "a:2"),
    ]
    assert len(list(contradictions(rows))) == 1

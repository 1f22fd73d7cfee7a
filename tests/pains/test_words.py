"""Pains about words and choices (docs/pains.md, 5, 27, 29, 31, 32): over all services and every question we have."""

from __future__ import annotations

import csv
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from actions.answers import Answerer
from actions.understood import Context, UnderstoodAct, context_of, slots_after
from knowledge.answer import ASPECTS, Asked, compose
from knowledge.library import Library
from knowledge.normalise import normalise
from knowledge.phrases import every_phrase
from knowledge.plain_text import plain_text
from knowledge.reply import AnswerBlock, Reply
from knowledge.settings import default_library
from knowledge.store import load
from knowledge.terms import terms, unexplained
from storage.clock import SHANGHAI

AT = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)
SETS = Path("tests/quality")
APP = re.compile(r"App|小程序|随申办|刷脸|人脸|扫码|二维码|支付宝|微信", re.I)
WAY = re.compile(r"窗口|柜台|中心|居委|顾问|电话|打\d|请打|代办|代领|代申请|家里人|上门|派出所|医院|银行|网点|\d{5}")
STANDING = {"找人工"}
SOAK = bool(os.environ.get("ADVISOR_SOAK"))
NONSENSE = ["嗯啊哦呃", "呜里哇啦", "滴滴答答", "啊这那个", "咕噜咕噜"]


def rows(*names: str) -> Iterator[dict[str, str]]:
    for name in names:
        with (SETS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter="\t")


@pytest.fixture(scope="module")
def library() -> Library:
    """The real list with the real encoder."""
    found = default_library()
    assert found.encoder
    return found


def replied(library: Library, row: dict[str, str]) -> Reply:
    """Return the reply where the aspect is understood; which service is meant is left to find out."""
    text = normalise(row["text"])
    intent = row["intent"] if row["intent"] in ASPECTS else "ask_service"
    return Answerer(library, AT).reply([UnderstoodAct(intent, text, 0.9)], Context(said=text))


def names(reply: Reply) -> set[str]:
    """Return the services that a reply answers, or offers to tap."""
    offered = {
        button.act.service_id
        for block in reply.blocks
        for button in getattr(block, "buttons", [])
        if button.act and button.act.service_id
    }
    return offered | set(reply.service_ids())


def test_no_message_has_more_than_three_choices_and_each_is_short(library: Library) -> None:
    """27: before he has heard option 4 he has forgotten option 1."""
    asked = list(rows("questions_dev", "written_dev"))[:: 1 if SOAK else 6]
    assert len(asked) > 100
    for row in asked:
        for block in replied(library, row).blocks:
            titles = [button.title for button in getattr(block, "buttons", []) if button.title not in STANDING]
            # A list of results, and the questions of a form (which has "skip"), stand apart.
            most = 4 if block.kind == "form" else 3
            assert len(titles) <= most or block.kind in ("finder", "places"), (row["text"], titles)
            assert all(len(title) <= 60 for title in titles), titles


def test_other_words_for_the_same_lead_to_the_same_service(library: Library) -> None:
    """27: twenty services in five wordings each, as people of the quality sets put it."""
    wordings: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows("questions_dev", "written_dev"):
        if row["service"] and not row["context"] and row["intent"] in ASPECTS:
            wordings[row["service"].split()[0]].append(row)
    twenty = sorted(wordings, key=lambda service: (-len(wordings[service]), service))[:20]
    tried = [row for service in twenty for row in wordings[service][:5]]
    assert len(tried) == 100
    wrong = [row["text"] for row in tried if not names(replied(library, row)) & set(row["service"].split())]
    assert len(wrong) <= 10, wrong


def test_dialect_speech_pinyin_and_slips_are_understood_or_asked_back_with_choices(library: Library) -> None:
    """29: and nobody is ever told to type it again."""
    kinds = {"shanghainese", "dialect", "asr", "pinyin", "typo"}
    tried = [
        row
        for row in rows("questions_dev", "written_dev")
        if row["register"] in kinds and row["service"] and not row["context"] and row["intent"] in ASPECTS
    ]
    assert len(tried) >= 40
    wrong = []
    for row in tried:
        reply = replied(library, row)
        assert "重新输入" not in plain_text(reply)
        if not names(reply) & set(row["service"].split()):
            wrong.append(row["text"])
    assert len(wrong) <= 0.2 * len(tried), wrong
    assert not [key for key, value in every_phrase().items() if "重新输入" in str(value)]


def test_five_messages_that_nobody_understands_end_at_a_person(library: Library) -> None:
    """5: by the second a way on and a number, by the third a person, and never the same three times."""
    slots: dict[str, object] = {}
    said: list[str] = []
    for text in NONSENSE:
        context = context_of(slots, AT, text)
        reply = Answerer(library, AT).reply([UnderstoodAct("out_of_scope", text, 0.5, in_field=0.1)], context)
        slots |= slots_after(reply, context, AT)
        said.append(plain_text(reply))
    assert all("12345" in text for text in said[:2])
    assert any("人工" in text or "顾问" in text for text in said[:3]), said
    assert all(said.count(text) <= 2 for text in said), said


def every_answer() -> Iterator[tuple[str, AnswerBlock]]:
    for service in load():
        texts = ["", *(words.replace("&", "") for topic in service.topics for words in topic.words[:1])]
        for text in texts:
            for aspect in ASPECTS:
                yield f"{service.id} {aspect} {text}", compose(service, aspect, Asked(date(2026, 11, 25), text=text))[0]


def test_what_names_an_app_or_a_face_names_another_way_too() -> None:
    """31: at eighty, deaf and without a telephone that scans faces."""
    found = 0
    for which, block in every_answer():
        told = block.lead + "".join(block.points) + (block.how or "")
        if APP.search(told):
            found += 1
            assert WAY.search(told), f"{which}: {told}"
        assert block.contact, which
    assert found >= 5
    for key, value in every_phrase().items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and re.search(r"小程序|随申办|刷脸|人脸", text):
                assert WAY.search(text), key


def test_a_term_of_the_offices_is_explained_where_it_first_stands() -> None:
    """32."""
    assert {"统一需求评估", "备案", "失能", "监护人"} <= set(terms())
    for which, block in every_answer():
        texts = [block.lead, *([block.how] if block.how else []), *block.points]
        assert not list(unexplained(block.title, texts)), which

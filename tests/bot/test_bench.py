"""The bench's own arithmetic, and what its users say."""

from __future__ import annotations

import asyncio
from itertools import islice

import yaml

from bot.bench import named, ratios
from bot.bench_load import Waited, converse
from bot.bench_stock import stock_files
from bot.bench_talk import Talk, enough, kept_share, talks

QUESTIONS = [f"第{number}项怎么办" for number in range(50)]


def test_the_same_seed_says_the_same_and_every_kind_of_talk_comes_up() -> None:
    first, again = (list(islice(talks(QUESTIONS), 400)) for _ in range(2))
    assert first == again
    assert {talk.kind for talk in first} == {"question", "two_at_once", "finder", "booking", "chat", "danger"}


def test_enough_is_as_many_messages_as_asked_for_or_a_talk_more() -> None:
    said = sum(len(talk.texts) for talk in enough(talks(QUESTIONS), 100))
    assert 100 <= said < 106


def test_the_kept_share_counts_what_was_written_before_word_for_word() -> None:
    said = [Talk("chat", ("谢谢", "再见")), Talk("chat", ("谢谢", "长护险"))]
    assert kept_share(said) == 0.25
    assert kept_share(said, before=[Talk("chat", ("再见",))]) == 0.5
    assert kept_share([]) == 0.0


def test_percentiles_and_pace() -> None:
    waited = Waited([float(ms) for ms in range(1, 101)], seconds=4.0)
    assert (waited.percentile(50), waited.percentile(95), waited.per_second) == (51.0, 96.0, 25.0)
    assert named(1, waited) == {"answer_p50_ms": 51.0, "answer_p95_ms": 96.0}
    assert set(named(16, waited)) == {"messages_per_second_16", "p50_ms_16", "p95_ms_16"}


def test_ratios_stand_beside_what_both_bots_have() -> None:
    figures = {"messages_per_second_16": 60.0, "stock_messages_per_second_16": 20.0, "nlu_p50_ms": 9.0, "stock_x": 1.0}
    assert ratios(figures) == {"ratio_messages_per_second_16": 3.0}


async def test_users_share_the_talks_and_each_waits_for_every_answer() -> None:
    said = [Talk("chat", ("一", "二", "三")), Talk("chat", ("四",)), Talk("chat", ("五", "六"))]
    sent: list[tuple[str, str]] = []

    async def send(conversation: str, text: str) -> None:
        sent.append((conversation, text))
        await asyncio.sleep(0.01)

    waited = await converse(send, said, users=2)
    assert len(waited.ms) == 6
    first = sent[0][0]
    assert [text for conversation, text in sent if conversation == first] == ["一", "二", "三"]
    assert len({conversation for conversation, _ in sent}) == 3


def test_the_stock_bot_knows_all_our_intents_and_has_a_rule_for_each() -> None:
    files = {name: yaml.safe_load(text) for name, text in stock_files().items()}
    intents = files["domain.yml"]["intents"]
    assert len(intents) >= 40
    assert [entry["intent"] for entry in files["nlu.yml"]["nlu"]] == intents
    assert {rule["rule"] for rule in files["rules.yml"]["rules"]} == set(intents)
    assert files["config.yml"]["pipeline"][-1]["name"] == "DIETClassifier"

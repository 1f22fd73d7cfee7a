"""The custom Rasa components, in the dialogue environment (Python 3.10)."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from rasa.shared.core.domain import Domain  # noqa: E402
from rasa.shared.core.events import SlotSet, UserUttered  # noqa: E402
from rasa.shared.core.trackers import DialogueStateTracker  # noqa: E402
from rasa.shared.nlu.constants import INTENT, METADATA, TEXT  # noqa: E402
from rasa.shared.nlu.training_data.message import Message  # noqa: E402

from nlu.components.acts import ActsCollector, ActsSplitter, parts_of  # noqa: E402
from nlu.components.base import VECTOR  # noqa: E402
from nlu.components.channel import AdvisorInput  # noqa: E402
from nlu.components.normaliser import TextNormaliser  # noqa: E402
from nlu.components.tracker_store import EncryptedTrackerStore  # noqa: E402

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
DESIGN_INTENTS = 46


def understood(text: str, intent: str, confidence: float = 0.9) -> Message:
    message = Message(data={TEXT: text, INTENT: {"name": intent, "confidence": confidence}})
    message.set(VECTOR, np.ones(384, dtype=np.float32))
    return message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("算了先不填了，喘息服务是什么", ["算了先不填了，", "喘息服务是什么"]),
        ("长护险怎么申请？要带什么材料？", ["长护险怎么申请？", "要带什么材料？"]),
        ("我妈八十三，一个人住，没人烧饭怎么办", ["我妈八十三，一个人住，没人烧饭怎么办"]),
        ("没有问题要问", ["没有问题要问"]),
    ],
)
def test_a_message_is_split_where_a_new_question_begins(text: str, parts: list) -> None:
    assert parts_of(text) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "你好我想问一下我家老头子今年八十七了上个月中风了现在躺在床上我一个人弄不动他儿子又在外地"
            "能不能有人上门来帮忙揩身洗澡还有这个要多少钱啊我们退休工资也不高的",
            ["能不能有人上门来帮忙揩身洗澡", "还有这个要多少钱啊"],
        ),
        (
            "我爸今年八十五岁了，耳朵也不好，我女儿在外地，平时就我们两个人，饭也烧不动了，隔壁阿姨讲社区食堂蛮好的，"
            "我想问问食堂能不能送到家里来，一个月大概要多少钱",
            ["我想问问食堂能不能送到家里来，", "一个月大概要多少钱"],
        ),
    ],
)
def test_a_long_ramble_is_asked_for_what_it_asks(text: str, parts: list) -> None:
    assert parts_of(text) == parts


def test_a_long_message_that_asks_nothing_stays_whole() -> None:
    text = "我爸今年八十五岁了，耳朵也不好，我女儿在外地，" * 4
    assert parts_of(text) == [text]


def test_two_acts_are_both_published_with_their_vectors() -> None:
    whole = understood("算了，敬老卡怎么办", "stop")
    (message,) = ActsCollector({}).process(
        [whole, understood("算了，", "stop"), understood("敬老卡怎么办", "ask_how_to_apply")]
    )
    acts = message.get("acts")
    assert [act["intent"] for act in acts] == ["stop", "ask_how_to_apply"]
    vector = np.frombuffer(base64.b64decode(acts[1]["vector"]), dtype=np.float16)
    assert vector.shape == (384,)
    assert "acts" in message.as_dict(only_output_properties=True)


def test_a_matter_of_safety_is_never_split_away() -> None:
    whole = understood("我被骗了，怎么办，电话多少", "report_scam")
    (message,) = ActsCollector({}).process(
        [whole, understood("怎么办", "ask_service"), understood("电话多少", "ask_contact")]
    )
    assert [act["intent"] for act in message.get("acts")] == ["report_scam"]


def test_a_pressed_button_overrules_the_classifier() -> None:
    message = understood("喘息服务", "greet")
    message.set(METADATA, {"act": {"intent": "ask_amount", "service_id": "respite"}})
    assert ActsSplitter({}).process([message]) == [message]
    (result,) = ActsCollector({}).process([message])
    assert result.get(INTENT)["name"] == "ask_amount"
    assert result.get("acts")[0]["service_id"] == "respite"


@pytest.mark.parametrize("text", ["养 老 院", "", "🙂", "\x00", "长護險ABC"])
def test_the_normaliser_breaks_on_nothing(text: str) -> None:
    TextNormaliser({}).process([Message(data={TEXT: text})])


def test_the_tracker_store_keeps_everything_and_shows_nothing(tmp_path: Path) -> None:
    domain = Domain.load(str(ROOT / "nlu" / "domain"))
    store = EncryptedTrackerStore(domain, dialect="sqlite", db=str(tmp_path / "t.db"), key=KEY)
    tracker = DialogueStateTracker("web:a", domain.slots)
    parse = {"text": "欧阳锦绣", "intent": {"name": "greet"}, "acts": [{"intent": "greet", "vector": "AAAA"}]}
    tracker.update(UserUttered("欧阳锦绣", {"name": "greet"}, parse_data=parse), domain)
    tracker.update(SlotSet("last_service", "respite"), domain)
    asyncio.run(store.save(tracker))
    loaded = asyncio.run(store.retrieve("web:a"))
    assert loaded.latest_message.text == "欧阳锦绣"
    assert loaded.get_slot("last_service") == "respite"
    assert "vector" not in loaded.latest_message.parse_data["acts"][0]
    assert "欧阳锦绣".encode() not in (tmp_path / "t.db").read_bytes()
    assert json.dumps("欧阳锦绣").encode() not in (tmp_path / "t.db").read_bytes()


def test_saving_twice_stores_no_event_twice(tmp_path: Path) -> None:
    domain = Domain.load(str(ROOT / "nlu" / "domain"))
    store = EncryptedTrackerStore(domain, dialect="sqlite", db=str(tmp_path / "t.db"), key=KEY)
    tracker = DialogueStateTracker("web:a", domain.slots)
    tracker.update(UserUttered("一"), domain)
    asyncio.run(store.save(tracker))
    tracker.update(UserUttered("二"), domain)
    asyncio.run(store.save(tracker))
    loaded = asyncio.run(store.retrieve("web:a"))
    assert [event.text for event in loaded.events if isinstance(event, UserUttered)] == ["一", "二"]


def test_a_conversation_is_forgotten_when_nothing_was_said_in_it_for_so_long(tmp_path: Path) -> None:
    domain = Domain.load(str(ROOT / "nlu" / "domain"))
    store = EncryptedTrackerStore(domain, dialect="sqlite", db=str(tmp_path / "t.db"), key=KEY, days="30")
    for sender, days_ago in (("web:old", 31), ("web:young", 29), ("web:both", 31), ("web:both", 1)):
        tracker = asyncio.run(store.retrieve(sender)) or DialogueStateTracker(sender, domain.slots)
        tracker.update(UserUttered("喂", timestamp=time.time() - days_ago * 86_400), domain)
        asyncio.run(store.save(tracker))
    again = EncryptedTrackerStore(domain, dialect="sqlite", db=str(tmp_path / "t.db"), key=KEY, days="30")
    now_said = DialogueStateTracker("web:now", domain.slots)
    now_said.update(UserUttered("喂"), domain)
    asyncio.run(again.save(now_said))
    assert asyncio.run(again.retrieve("web:old")) is None
    assert len(asyncio.run(again.retrieve("web:both")).events) >= 2
    assert asyncio.run(again.retrieve("web:young")) is not None


@pytest.mark.parametrize("credentials", [None, {}, {"secret": ""}, {"secret": "${ADVISOR_DIALOGUE_SECRET}"}])
def test_the_channel_never_opens_without_a_secret(credentials: object) -> None:
    with pytest.raises(ValueError, match="secret"):
        AdvisorInput.from_credentials(credentials)


def test_every_intent_of_the_design_has_examples_and_a_rule() -> None:
    intents = set(yaml.safe_load((ROOT / "nlu/domain/intents.yml").read_text())["intents"])
    assert len(intents) == DESIGN_INTENTS
    examples = Counter()
    for file in (ROOT / "nlu/data/nlu").glob("*.yml"):
        for block in yaml.safe_load(file.read_text())["nlu"]:
            examples[block["intent"]] += block["examples"].count("\n")
    assert set(examples) == intents
    assert min(examples.values()) >= 70
    assert sum(examples.values()) >= 2_500
    assert examples["out_of_scope"] >= 600
    rules = (ROOT / "nlu/data/rules.yml").read_text()
    assert all(f"intent: {intent}\n" in rules for intent in intents)


def test_an_example_stands_under_one_intent_only() -> None:
    from knowledge.normalise import normalise

    seen = {}
    for file in sorted((ROOT / "nlu/data/nlu").glob("*.yml")):
        for block in yaml.safe_load(file.read_text())["nlu"]:
            for line in block["examples"].splitlines():
                key = normalise(line[2:])
                assert seen.setdefault(key, block["intent"]) == block["intent"], line


def test_nothing_of_ours_but_the_normaliser_is_imported() -> None:
    ours = {name.split(".")[0] for name in sys.modules} & {"actions", "bot", "storage"}
    assert ours == set()
    assert "torch" not in sys.modules


@pytest.mark.parametrize("text", ["侬好，养老金几号到账", "您好！养老金几号到账", "喂，养老金几号到账"])
def test_a_greeting_before_a_question_is_no_part_of_it(text: str) -> None:
    assert parts_of(text) == ["养老金几号到账"]
    assert parts_of("侬好") == ["侬好"]

"""What Rasa does quicker for us: what comes out is the same."""

from __future__ import annotations

import asyncio
import base64
import itertools
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jsonschema import ValidationError  # noqa: E402
from rasa.core.actions.action import ActionSessionStart, RemoteAction  # noqa: E402
from rasa.core.channels.channel import UserMessage  # noqa: E402
from rasa.core.policies.policy import PolicyPrediction  # noqa: E402
from rasa.core.tracker_store import SQLTrackerStore  # noqa: E402
from rasa.shared.core.domain import Domain  # noqa: E402
from rasa.shared.core.events import (  # noqa: E402
    ActionExecuted,
    DefinePrevUserUtteredFeaturization,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker  # noqa: E402
from rasa.utils.endpoints import EndpointConfig  # noqa: E402

from nlu import quicker  # noqa: E402
from nlu.components import action_results  # noqa: E402
from nlu.components.tracker_store import EncryptedTrackerStore  # noqa: E402

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
SLOT = {"event": "slot", "name": "misses", "value": 1, "timestamp": None}


class Processor:
    """Stands in for Rasa's: counts how often it has to think."""

    def __init__(self) -> None:
        self.thought: list[str] = []

    def _parse_message_with_graph(self, message: UserMessage, tracker: Any, only: bool) -> dict[str, Any]:
        self.thought.append(message.text)
        own = {"message_id": message.message_id, "metadata": message.metadata}
        return {"text": message.text, "intent": {"name": "greet"}, "acts": [{"intent": "greet"}], **own}

    def _check_for_unseen_features(self, parsed: dict[str, Any]) -> None:
        pass


def understand(of: quicker.Understanding, processor: Processor, text: str, **metadata: Any) -> dict[str, Any]:
    return asyncio.run(of.of(processor, UserMessage(text, sender_id="a", metadata=metadata), None, True))


def test_the_same_text_is_understood_once_and_each_message_keeps_its_own_metadata() -> None:
    understanding, processor = quicker.Understanding(), Processor()
    first = understand(understanding, processor, "侬好", inbox_id="1")
    first["acts"][0]["intent"] = "spoilt"  # what one turn does with its copy is nothing to the next
    second = understand(understanding, processor, "侬好", inbox_id="2")
    assert processor.thought == ["侬好"]
    assert second["metadata"] == {"inbox_id": "2"}
    assert second["message_id"] != first["message_id"]
    assert second["acts"] == [{"intent": "greet"}]


def test_a_pressed_button_and_another_model_are_understood_anew() -> None:
    understanding, processor, another = quicker.Understanding(), Processor(), Processor()
    for _ in range(2):
        understand(understanding, processor, "申请", act={"intent": "ask_how_to_apply"})
    understand(understanding, processor, "申请")
    understand(understanding, another, "申请")
    assert processor.thought == ["申请"] * 3
    assert another.thought == ["申请"]


def test_each_rule_looks_at_one_intent_and_one_action_as_the_kept_predictions_need() -> None:
    rules = yaml.safe_load((ROOT / "nlu" / "data" / "rules.yml").read_text(encoding="utf-8"))["rules"]
    for rule in rules:
        said, done = rule["steps"]
        assert set(said) in ({"intent"}, {"or"})
        assert set(done) == {"action"}
        assert "condition" not in rule
    domain = yaml.safe_load((ROOT / "nlu" / "domain" / "domain.yml").read_text(encoding="utf-8"))
    assert not any(slot["influence_conversation"] for slot in domain["slots"].values())
    assert "forms" not in domain


def test_a_kept_prediction_carries_events_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def predict(processor: Any, tracker: Any) -> PolicyPrediction:
        asked.append(tracker)
        return PolicyPrediction([0.0, 1.0], "rule", optional_events=[DefinePrevUserUtteredFeaturization(False, 1.0)])

    monkeypatch.setattr(quicker, "_predict", predict)
    rules, processor = quicker.OneTurn(), SimpleNamespace()
    trackers = [said("greet"), said("greet"), said("ask_amount")]
    first, second, other = (rules.of(processor, tracker) for tracker in trackers)
    assert asked == [trackers[0], trackers[2]]
    assert first.probabilities == second.probabilities == other.probabilities
    assert first.optional_events[0] is not second.optional_events[0]
    assert second.optional_events[0].timestamp > 1.0


def said(intent: str) -> DialogueStateTracker:
    events = [ActionExecuted("action_listen"), UserUttered("话", {"name": intent, "confidence": 1.0})]
    return DialogueStateTracker.from_events("a", events)


def test_the_action_is_sent_the_slots_and_the_last_message_without_the_history() -> None:
    action = RemoteAction("action_answer", EndpointConfig(enable_selective_domain=True))
    tracker, domain = said("greet"), Domain.empty()
    whole, slim = quicker._call_format(action, tracker, domain), quicker._without_history(action, tracker, domain)
    assert whole["tracker"].pop("events")
    assert slim["tracker"].pop("events") is None
    assert slim == whole
    assert tracker.current_state()["sender_id"] == "a"  # it is as it was


@pytest.mark.parametrize(
    "result",
    [
        {"events": [SLOT, {**SLOT, "timestamp": 1.5}], "responses": [{"custom": {}}]},
        {"events": [{"event": "session_started"}, {"event": "action", "name": "action_listen"}], "responses": []},
        {"events": [], "responses": []},
    ],
)
def test_a_right_result_is_taken(result: dict[str, Any]) -> None:
    assert action_results._validate(RemoteAction("a", None), result)


@pytest.mark.parametrize(
    "event",
    [
        {"event": "slot", "value": 1},
        {"event": "slot", "name": 7, "value": 1},
        {"event": "slot", "name": "misses"},
        {**SLOT, "timestamp": "now"},
        {**SLOT, "timestamp": True},
        {**SLOT, "metadata": "x"},
        {"name": "misses", "value": 1},
        "slot",
    ],
)
def test_a_wrong_result_is_refused_as_rasas_own_schema_refuses_it(event: Any) -> None:
    with pytest.raises(ValidationError):
        action_results._VALIDATOR.validate({"events": [event], "responses": []})
    with pytest.raises(ValidationError):
        action_results._validate(RemoteAction("a", None), {"events": [event], "responses": []})


def test_our_store_stores_and_reads_what_rasas_does_over_two_sessions(tmp_path: Path) -> None:
    domain = Domain.load(str(ROOT / "nlu" / "domain"))
    ours = EncryptedTrackerStore(domain, key=KEY, dialect="sqlite", host=f"sqlite:///{tmp_path / 'a.db'}")
    rasas = SQLTrackerStore(domain, db=str(tmp_path / "b.db"))
    times = itertools.count(1.0)
    turns = [
        [ActionExecuted("action_listen"), UserUttered("一", {"name": "greet"}), SlotSet("misses", 1)],
        [UserUttered("二", {"name": "greet"})],
        [SessionStarted(), SlotSet("misses", 1), ActionExecuted("action_listen")],
        [UserUttered("三", {"name": "greet"}), SlotSet("misses", 0)],
    ]
    for turn in turns:
        for event in turn:
            event.timestamp = next(times)
        for store in (ours, rasas):
            tracker = asyncio.run(store.get_or_create_tracker("a", append_action_listen=False))
            for event in turn:
                tracker.update(event, domain)
            asyncio.run(store.save(tracker))
            if store is ours:
                asyncio.run(store.save(tracker))  # nothing new
        for read in ("retrieve", "retrieve_full_tracker"):
            kept, as_rasa = (asyncio.run(getattr(store, read)("a")) for store in (ours, rasas))
            assert [each.as_dict() for each in kept.events] == [each.as_dict() for each in as_rasa.events]
            assert kept.current_slot_values() == as_rasa.current_slot_values()


def test_a_conversation_begins_here_and_a_later_session_at_the_action_server(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def remote(self: RemoteAction, *others: Any) -> list[Any]:
        asked.append(self.name())
        return []

    monkeypatch.setattr(quicker, "_run_remote", remote)
    domain = Domain.load(str(ROOT / "nlu" / "domain"))

    def begun(name: str, tracker: DialogueStateTracker) -> list[Any]:
        return asyncio.run(quicker._begun_here(RemoteAction(name, None), None, None, tracker, domain))

    fresh = DialogueStateTracker.from_events("a", [SlotSet("session_started_metadata", {})], domain.slots)
    rasas = asyncio.run(ActionSessionStart().run(None, None, DialogueStateTracker("a", domain.slots), domain))
    assert begun("action_session_start", fresh) == rasas
    spoken = DialogueStateTracker.from_events("a", [UserUttered("您好", {"name": "greet"})], domain.slots)
    assert begun("action_session_start", spoken) == begun("action_answer", fresh) == []
    assert asked == ["action_session_start", "action_answer"]

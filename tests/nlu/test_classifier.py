"""The classifier learns, is saved without pickles, and takes a danger before what is likelier."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from nlu.components.base import VECTOR
from nlu.components.classifier import P_OUTSIDE, LengthFreeLogisticRegression, _fitted

SAID = {
    "greet": ["你好呀", "早上好", "你好你好", "早上好呀"],
    "emergency": ["老头子叫不应", "摔倒起不来", "叫不应了", "摔倒了起不来"],
    "out_of_scope": ["今天天气", "明天天气", "天气怎么样", "天气"],
}


def heard(text: str, at: int) -> Message:
    message = Message(data={TEXT: text})
    message.set(VECTOR, np.eye(384, dtype=np.float32)[at])
    return message


@pytest.fixture
def trained(tmp_path: Path):
    storage, resource = LocalModelStorage.create(tmp_path), Resource("classifier")
    examples: list[Message] = []
    for at, (intent, texts) in enumerate(SAID.items()):
        for text in texts:
            example = heard(text, at)
            example.set(INTENT, intent)
            examples.append(example)
    config = {**LengthFreeLogisticRegression.get_default_config(), "min_count": 1}
    LengthFreeLogisticRegression(config, storage, resource).train(TrainingData(examples))

    def load(**other: float) -> LengthFreeLogisticRegression:
        return LengthFreeLogisticRegression.load({**config, **other}, storage, resource, None)

    return load


def test_what_was_learnt_is_there_after_loading(trained) -> None:
    (message,) = trained().process([heard("早上好", 0)])
    assert message.get(INTENT)["name"] == "greet"
    assert message.get(INTENT)["confidence"] > 0.8
    ranking = message.get("intent_ranking")
    assert sum(each["confidence"] for each in ranking) == pytest.approx(1.0)
    assert message.get(P_OUTSIDE) < 0.1


def test_a_danger_that_is_likely_enough_comes_before_what_is_likelier(trained) -> None:
    (plain,) = trained(emergency_from=0.5).process([heard("你好呀摔倒", 0)])
    assert plain.get(INTENT)["name"] == "greet"
    share = next(each["confidence"] for each in plain.get("intent_ranking") if each["name"] == "emergency")
    (careful,) = trained(emergency_from=share * 0.9).process([heard("你好呀摔倒", 0)])
    assert careful.get(INTENT) == {"name": "emergency", "confidence": share}
    names = [each["name"] for each in careful.get("intent_ranking")]
    assert sorted(names) == sorted(SAID)


def test_a_higher_temperature_makes_it_less_sure_of_the_same(trained) -> None:
    (cold,) = trained(temperature=1.0).process([heard("早上好", 0)])
    (warm,) = trained(temperature=3.0).process([heard("早上好", 0)])
    assert warm.get(INTENT)["name"] == cold.get(INTENT)["name"]
    assert warm.get(INTENT)["confidence"] < cold.get(INTENT)["confidence"]


def test_a_message_without_words_is_left_alone(trained) -> None:
    message = Message(data={TEXT: ""})
    assert trained().process([message]) == [message]
    assert message.get(INTENT) is None


def test_the_fit_is_scikit_learns_on_n_grams_and_vectors_side_by_side() -> None:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 5, 400)
    grams = csr_matrix(rng.random((400, 30)) * (rng.random((400, 30)) < 0.2) + np.eye(5)[labels] @ np.eye(5, 30))
    vectors = rng.normal(size=(400, 8)) + np.eye(5)[labels] @ np.eye(5, 8)
    both = np.hstack([grams.toarray(), vectors])
    right = LogisticRegression(C=0.7, max_iter=10_000, tol=1e-8).fit(both, labels)
    weights, bias = _fitted(grams, vectors, labels, 0.7, 10_000)
    assert weights.shape == (5, 38)
    np.testing.assert_allclose(weights, right.coef_, atol=2e-3)
    np.testing.assert_allclose(bias - bias.mean(), right.intercept_ - right.intercept_.mean(), atol=2e-3)

"""The out-of-scope gate: how surely a message is about our field at all.

A classifier is sure of itself outside its field too. The gate looks at distance as well:
the most similar in-field and out-of-field examples (k nearest neighbours), turned into odds
by logistic regression fitted on the examples with each one left out. How much the two weigh
is chosen on the dev sets (config.yml).
"""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.components.base import VECTOR, TrainedComponent
from nlu.components.classifier import OUTSIDE, P_OUTSIDE

IN_FIELD = "in_field"  # message property: probability, 0 to 1
_NEIGHBOURS = 3
_ROWS = 1_000  # examples compared at a time
_LEAST = 1e-6
_DIRECTIONS = 64
_LOOKED_AT = 128  # examples


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class ScopeGate(TrainedComponent):
    """Sets IN_FIELD on every message. The decision is the action server's."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """``distance`` and ``classifier``: how much the odds of each weigh; ``bias`` is added to them."""
        return {"distance": 1.0, "classifier": 0.0, "bias": 0.0}

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "ScopeGate":
        """Load the examples' vectors and the fitted weights."""
        with model_storage.read_from(resource) as folder, np.load(folder / "gate.npz", allow_pickle=False) as arrays:
            fitted = {name: arrays[name].astype(np.float32) for name in arrays.files}
        return cls(config, model_storage, resource, _Fitted(**fitted))

    def train(self, training_data: TrainingData) -> Resource:
        """Fit on the examples, each compared with all others but itself."""
        from sklearn.linear_model import LogisticRegression

        examples = [m for m in training_data.intent_examples if m.get(TEXT) and m.get(VECTOR) is not None]
        vectors = np.array([m.get(VECTOR) for m in examples], dtype=np.float32)
        inside = np.array([m.get(INTENT) != OUTSIDE for m in examples])
        features = np.vstack([self._left_out(vectors, inside, at) for at in range(0, len(vectors), _ROWS)])
        model = LogisticRegression(C=100.0, class_weight="balanced", max_iter=1_000).fit(features, inside)
        self._learnt = _Fitted(vectors[inside], vectors[~inside], model.coef_[0], model.intercept_)
        with self._storage.write_to(self._resource) as folder:
            np.savez(
                folder / "gate.npz",
                inside=vectors[inside].astype(np.float16),
                outside=vectors[~inside].astype(np.float16),
                weights=model.coef_[0].astype(np.float32),
                bias=model.intercept_.astype(np.float32),
            )
        return self._resource

    @staticmethod
    def _left_out(vectors: np.ndarray, inside: np.ndarray, start: int) -> np.ndarray:
        """Return the features of some examples, each compared with all but itself."""
        similar = vectors[start : start + _ROWS] @ vectors.T
        rows = np.arange(len(similar))
        similar[rows, start + rows] = -1.0
        return _features(similar[:, inside], similar[:, ~inside])

    def process(self, messages: List[Message]) -> List[Message]:
        """Set IN_FIELD."""
        if self._learnt is None:
            return messages
        for message in messages:
            if message.get(VECTOR) is not None:
                share = min(max(message.get(P_OUTSIDE, 0.5), _LEAST), 1 - _LEAST)
                classifier = float(np.log(1 - share) - np.log(share))
                odds = self._config["distance"] * self.distance(message) + self._config["classifier"] * classifier
                message.set(IN_FIELD, float(1.0 / (1.0 + np.exp(-odds - self._config["bias"]))), add_to_output=True)
        return messages

    def distance(self, message: Message) -> float:
        """Return the odds (logarithm) of being in the field, by the nearest examples. Raises ValueError unfitted."""
        if self._learnt is None:
            raise ValueError("the gate is not fitted yet")
        return self._learnt.odds(message.get(VECTOR))


class _Fitted:
    """Examples of both sides, shape (n, 384), and what weighs their nearness, shapes (3,) and (1,)."""

    def __init__(self, inside: np.ndarray, outside: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> None:
        self._inside, self._outside = _Examples(inside), _Examples(outside)
        self._weights, self._bias = weights, bias

    def odds(self, vector: np.ndarray) -> float:
        """Return the odds (logarithm) of being in the field."""
        near = (side.similar(vector)[np.newaxis] for side in (self._inside, self._outside))
        return float((_features(*near) @ self._weights)[0] + self._bias[0])


class _Examples:
    """Finds the nearest of many vectors, shape (n, 384).

    All are compared along the few directions in which they differ most, and only the nearest
    there in full: a sixth of the time, and in 99 % the same (docs/performance.md).
    """

    def __init__(self, vectors: np.ndarray) -> None:
        self._vectors = vectors
        self._axes = np.ascontiguousarray(np.linalg.eigh(vectors.T @ vectors)[1][:, -_DIRECTIONS:])
        self._along = vectors @ self._axes

    def similar(self, vector: np.ndarray) -> np.ndarray:
        """Return the cosines of the nearest, shape (at most _LOOKED_AT,)."""
        along = self._along @ (vector @ self._axes)
        few = min(_LOOKED_AT, len(along))
        return self._vectors[np.argpartition(along, -few)[-few:]] @ vector


def _features(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Return, shape (n, 3), the nearest inside, the nearest outside, and their difference."""
    near_in, near_out = (_nearest(similar) for similar in (inside, outside))
    return np.column_stack([near_in, near_out, near_in - near_out]) * 10.0


def _nearest(similar: np.ndarray) -> np.ndarray:
    few = min(_NEIGHBOURS, similar.shape[1])
    return np.partition(similar, -few, axis=1)[:, -few:].mean(axis=1)

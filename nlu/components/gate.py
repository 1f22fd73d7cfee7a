"""The out-of-scope gate: how surely a message is about our field at all.

A classifier is sure of itself outside its field too. The gate looks at distance instead:
the most similar in-field and out-of-field examples (k nearest neighbours), turned into a
probability by logistic regression fitted on the examples with each one left out.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.components.base import VECTOR

IN_FIELD = "in_field"  # message property: probability, 0 to 1
_OUTSIDE = "out_of_scope"
_NEIGHBOURS = 3


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class ScopeGate(GraphComponent):
    """Sets IN_FIELD on every message. The decision is the action server's."""

    def __init__(
        self, model_storage: ModelStorage, resource: Resource, fitted: Optional[Dict[str, np.ndarray]] = None
    ) -> None:
        self._storage = model_storage
        self._resource = resource
        self._fitted = fitted

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "ScopeGate":
        """Create an unfitted gate, which lets everything pass."""
        return cls(model_storage, resource)

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
            return cls(model_storage, resource, {name: arrays[name] for name in arrays.files})

    def train(self, training_data: TrainingData) -> Resource:
        """Fit on the examples, each compared with all others but itself."""
        from sklearn.linear_model import LogisticRegression

        examples = [m for m in training_data.intent_examples if m.get(TEXT) and m.get(VECTOR) is not None]
        vectors = np.array([m.get(VECTOR) for m in examples], dtype=np.float32)
        inside = np.array([m.get(INTENT) != _OUTSIDE for m in examples])
        similar = vectors @ vectors.T
        np.fill_diagonal(similar, -1.0)
        features = _features(similar[:, inside], similar[:, ~inside])
        model = LogisticRegression(C=100.0, class_weight="balanced", max_iter=1_000).fit(features, inside)
        self._fitted = {
            "inside": vectors[inside].astype(np.float16),
            "outside": vectors[~inside].astype(np.float16),
            "weights": model.coef_[0],
            "bias": model.intercept_,
        }
        with self._storage.write_to(self._resource) as folder:
            np.savez(folder / "gate.npz", **self._fitted)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set IN_FIELD."""
        if self._fitted is None:
            return messages
        inside = self._fitted["inside"].astype(np.float32)
        outside = self._fitted["outside"].astype(np.float32)
        for message in messages:
            vector = message.get(VECTOR)
            if vector is not None:
                features = _features((inside @ vector)[np.newaxis], (outside @ vector)[np.newaxis])
                logit = float((features @ self._fitted["weights"])[0] + self._fitted["bias"][0])
                message.set(IN_FIELD, 1.0 / (1.0 + np.exp(-logit)), add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave training examples as they are."""
        return training_data


def _features(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Return, shape (n, 3), the nearest inside, the nearest outside, and their difference."""
    near_in = np.sort(inside, axis=1)[:, -_NEIGHBOURS:].mean(axis=1)
    near_out = np.sort(outside, axis=1)[:, -_NEIGHBOURS:].mean(axis=1)
    return np.column_stack([near_in, near_out, near_in - near_out]) * 10.0

"""Rasa's logistic regression, on character n-grams of equal length, with a calibrated confidence.

Raw counts grow with the text, so a long, rambling message would be judged by its length:
it landed in whichever intents had the longest examples. And a model that has seen its
examples is surer of itself than it is right: the temperature (Guo et al. 2017,
arXiv:1706.04599), chosen on the dev sets, takes that back.
"""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.logistic_regression_classifier import LogisticRegressionClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.preprocessing import normalize

OUTSIDE = "out_of_scope"
P_OUTSIDE = "p_outside"  # message property: the classifier's probability of out_of_scope
_RANKED = 5


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LengthFreeLogisticRegression(LogisticRegressionClassifier):
    """LogisticRegressionClassifier whose sparse features are scaled to one length."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Add to Rasa's: ``C``, ``sparse_weight`` (length of the n-grams' part), ``temperature``."""
        ours = {"C": 1.0, "sparse_weight": 4.0, "temperature": 1.0}
        return {**LogisticRegressionClassifier.get_default_config(), **ours}

    def __init__(self, config: Dict[str, Any], name: str, model_storage: ModelStorage, resource: Resource) -> None:
        super().__init__(config, name, model_storage, resource)
        # Rare intents are as likely as in the data: weighting them up made common questions into rare acts.
        self.clf.set_params(C=self.config["C"], class_weight=None)

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent, the ranking and P_OUTSIDE of every message."""
        if not messages:
            return messages
        logits = self.clf.decision_function(self._create_X(messages)) / self.config["temperature"]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares = odds / odds.sum(axis=1, keepdims=True)
        names = list(self.clf.classes_)
        for message, share in zip(messages, shares, strict=True):
            best = np.argsort(-share)[:_RANKED]
            ranking = [{"name": names[at], "confidence": float(share[at])} for at in best]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
            message.set(P_OUTSIDE, float(share[names.index(OUTSIDE)]) if OUTSIDE in names else 0.0)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave the examples as they are: nothing after this learns from what it says of them."""
        return training_data

    def _create_X(self, messages: List[Message]) -> csr_matrix:
        """Return the features, shape (messages, sparse + dense)."""
        rows = []
        for message in messages:
            _, sparse = message.get_sparse_features(attribute=TEXT)
            _, dense = message.get_dense_features(attribute=TEXT)
            grams = normalize(csr_matrix(sparse.features, dtype=float)) * self.config["sparse_weight"]
            rows.append(hstack([grams, csr_matrix(dense.features)]))
        return vstack(rows)

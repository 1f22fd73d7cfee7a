"""Rasa's logistic regression, on character n-grams of equal length.

Raw counts grow with the text, so a long, rambling message would be judged by its length:
it landed in whichever intents had the longest examples.
"""

from __future__ import annotations

from typing import List

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.classifiers.logistic_regression_classifier import LogisticRegressionClassifier
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.preprocessing import normalize

_SPARSE_WEIGHT = 4.0  # length of the sparse part beside the centred, scaled vector


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LengthFreeLogisticRegression(LogisticRegressionClassifier):
    """LogisticRegressionClassifier whose sparse features are scaled to one length."""

    def _create_X(self, messages: List[Message]) -> csr_matrix:
        """Return the features, shape (messages, sparse + dense)."""
        rows = []
        for message in messages:
            _, sparse = message.get_sparse_features(attribute=TEXT)
            _, dense = message.get_dense_features(attribute=TEXT)
            grams = normalize(csr_matrix(sparse.features, dtype=float)) * _SPARSE_WEIGHT
            rows.append(hstack([grams, csr_matrix(dense.features)]))
        return vstack(rows)

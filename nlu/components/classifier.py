"""Logistic regression on character n-grams and the sentence vector, with a calibrated confidence.

The n-grams are counted here and not by Rasa's featurizer: a feature object for each of
fifteen thousand examples took longer than the learning. They are scaled to one length: raw
counts grow with the text, so a long, rambling message would be judged by its length. And a
model that has seen its examples is surer of itself than it is right: the temperature (Guo et
al. 2017, arXiv:1706.04599), chosen on the dev sets, takes that back.

A danger that is missed costs more than one too many: ``emergency`` is decided as soon as its
probability reaches ``emergency_from``, first or not (Elkan 2001, "The foundations of
cost-sensitive learning").
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Tuple

import numpy as np
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import log_softmax
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from nlu.components.base import VECTOR, TrainedComponent

OUTSIDE = "out_of_scope"
P_OUTSIDE = "p_outside"  # message property: the classifier's probability of out_of_scope
_EMERGENCY = "emergency"
_RANKED = 5
_LONGEST = 3  # characters of an n-gram


class _Learnt:
    """The n-grams, and the weights of n-grams and vector: shapes (intents, n-grams + 384) and (intents,)."""

    def __init__(self, intents: List[str], grams: List[str], weights: np.ndarray, bias: np.ndarray) -> None:
        self.intents, self.grams, self.weights, self.bias = intents, grams, weights, bias
        self.counter = _counter(vocabulary={gram: at for at, gram in enumerate(grams)})
        # A row for each n-gram: a message has few of them, and only those are looked at.
        self.of_grams = np.ascontiguousarray(weights[:, : len(grams)].T)
        self.of_vector = np.ascontiguousarray(weights[:, len(grams) :].T)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LengthFreeLogisticRegression(TrainedComponent, IntentClassifier):
    """Sets the intent, the ranking and P_OUTSIDE of every message that has a vector."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """``gram_weight`` and ``vector_weight``: the length of each part. ``min_count``: examples with an n-gram."""
        return {
            "C": 1.0,
            "max_iter": 100,
            "gram_weight": 4.0,
            "vector_weight": 16.0,
            "min_count": 8,
            "temperature": 1.0,
            "emergency_from": 0.5,
        }

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "LengthFreeLogisticRegression":
        """Load what was learnt."""
        with model_storage.read_from(resource) as folder:
            names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
            with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
                learnt = _Learnt(names["intents"], names["grams"], arrays["weights"], arrays["bias"])
        return cls(config, model_storage, resource, learnt)

    def train(self, training_data: TrainingData) -> Resource:
        """Fit on the examples."""
        examples = [m for m in training_data.intent_examples if m.get(TEXT) and m.get(VECTOR) is not None]
        counter = _counter(min_df=self._config["min_count"]).fit(m.get(TEXT) for m in examples)
        grams = sorted(counter.vocabulary_, key=counter.vocabulary_.__getitem__)
        # Centred for the sake of the solver (e5's vectors lie in a narrow cone); the bias takes it back.
        vectors = np.array([m.get(VECTOR) for m in examples]) * self._config["vector_weight"]
        mean = vectors.mean(axis=0)
        intents, labels = np.unique([m.get(INTENT) for m in examples], return_inverse=True)
        weights, bias = _fitted(
            self._grams(counter, examples), vectors - mean, labels, self._config["C"], self._config["max_iter"]
        )
        self._learnt = _Learnt(intents.tolist(), grams, weights, bias - weights[:, len(grams) :] @ mean)
        with self._storage.write_to(self._resource) as folder:
            names = {"intents": self._learnt.intents, "grams": grams}
            (folder / "names.json").write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")
            np.savez(folder / "weights.npz", weights=self._learnt.weights, bias=self._learnt.bias)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent, the ranking and P_OUTSIDE."""
        known = [m for m in messages if m.get(TEXT) and m.get(VECTOR) is not None]
        if self._learnt is None or not known:
            return messages
        names, logits = self.intents, self.logits(known)
        odds = np.exp((logits - logits.max(axis=1, keepdims=True)) / self._config["temperature"])
        for message, share in zip(known, odds / odds.sum(axis=1, keepdims=True), strict=True):
            best = list(np.argsort(-share)[:_RANKED])
            if _EMERGENCY in names and share[names.index(_EMERGENCY)] >= self._config["emergency_from"]:
                danger = names.index(_EMERGENCY)
                best = [danger, *(at for at in best if at != danger)]
            ranking = [{"name": names[at], "confidence": float(share[at])} for at in best]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
            message.set(P_OUTSIDE, float(share[names.index(OUTSIDE)]) if OUTSIDE in names else 0.0)
        return messages

    @property
    def intents(self) -> List[str]:
        """The intents, in the order of the logits' columns."""
        return self._learnt.intents if self._learnt else []

    def logits(self, messages: List[Message]) -> np.ndarray:
        """Return the logits, shape (messages, intents). Raises ValueError before training."""
        if self._learnt is None:
            raise ValueError("the classifier is not trained yet")
        learnt = self._learnt
        grams = self._grams(learnt.counter, messages)
        rows = [grams.indices[start:end] for start, end in zip(grams.indptr[:-1], grams.indptr[1:], strict=True)]
        shares = [grams.data[start:end] for start, end in zip(grams.indptr[:-1], grams.indptr[1:], strict=True)]
        of_grams = np.array([share @ learnt.of_grams[row] for share, row in zip(shares, rows, strict=True)])
        vectors = np.array([m.get(VECTOR) for m in messages], dtype=np.float64) * self._config["vector_weight"]
        return np.asarray(of_grams + vectors @ learnt.of_vector + learnt.bias)

    def _grams(self, counter: CountVectorizer, messages: List[Message]) -> csr_matrix:
        """Return the counts of n-grams scaled to one length, shape (messages, n-grams)."""
        return normalize(counter.transform(m.get(TEXT) for m in messages)) * self._config["gram_weight"]


def _counter(**how: Any) -> CountVectorizer:
    return CountVectorizer(analyzer="char_wb", ngram_range=(1, _LONGEST), dtype=np.float64, **how)


def _fitted(
    grams: csr_matrix, vectors: np.ndarray, labels: np.ndarray, c: float, rounds: int
) -> Tuple[np.ndarray, np.ndarray]:
    """Return weights, shape (intents, n-grams + 384), and bias, shape (intents,), of multinomial regression.

    The loss is scikit-learn's, and so is the solver. But scikit-learn takes one matrix, and with the vectors
    in a sparse one the fitting takes four times as long. Rare intents are as likely as in the data: weighting
    them up made common questions into rare acts.
    """
    sparse = grams.astype(np.float32)
    across = sparse.T.tocsr()
    dense = vectors.astype(np.float32)
    rows, many, few = np.arange(len(labels)), sparse.shape[1], labels.max() + 1

    def loss(flat: np.ndarray) -> Tuple[float, np.ndarray]:
        # Rows are features and the last the bias, so the matrix lies as the solver's flat one does.
        every = flat.reshape(-1, few)
        single = every.astype(np.float32)
        share = log_softmax(sparse @ single[:many] + dense @ single[many:-1] + single[-1], axis=1)
        entropy = -share[rows, labels].sum(dtype=np.float64)
        wrong = np.exp(share)
        wrong[rows, labels] -= 1.0
        slope = np.vstack([across @ wrong, dense.T @ wrong, wrong.sum(axis=0)]).astype(np.float64)
        slope[:-1] += every[:-1] / c
        return entropy + (every[:-1] ** 2).sum() / (2 * c), slope.ravel()

    start = np.zeros((many + dense.shape[1] + 1) * few)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": rounds, "gtol": 1e-4})
    solved = best.x.reshape(-1, few).astype(np.float32)
    return np.ascontiguousarray(solved[:-1].T), solved[-1]

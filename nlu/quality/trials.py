"""Tries simple classifiers on the same vectors and n-grams, to choose the one that is used (docs/adr/0011).

Each is fitted on the training utterances and measured on the dev sets, never on the test sets.
"""

from __future__ import annotations

import random
from typing import Any, Callable, Dict, List, Sequence

import numpy as np
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from scipy.sparse import csr_matrix, hstack
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from knowledge.e5_engine import E5Engine
from knowledge.normalise import MAX_QUERY
from nlu.components.normaliser import TextNormaliser
from nlu.encoder_folder import encoder_folder, kept_vectors
from nlu.noise import VARIANTS
from nlu.quality import figures
from nlu.quality.figures import Understood
from nlu.quality.sets import EVALUATION, OUTSIDE, Row, evaluation, training

_GRAMS, _VECTOR = 4.0, 16.0  # the weights of config.yml
_NOISED = 4_000
_SEED = 20261126
_AVERAGED = ("logistic regression, both", "k-NN (15, by distance), encoder", "MLP (256), encoder")


class _Texts:
    """Texts as the pipeline sees them: normal text, and vectors of shape (texts, 384)."""

    def __init__(self, texts: Sequence[str], kept: Dict[str, np.ndarray], engine: Any) -> None:
        messages = [Message(data={TEXT: text}) for text in texts]
        TextNormaliser({}).process(messages)
        self.texts = [message.get(TEXT)[:MAX_QUERY] or "?" for message in messages]
        for text in dict.fromkeys(self.texts):
            if text not in kept:
                kept[text] = engine.query([text])[0]
        self.vectors = np.array([kept[text] for text in self.texts])


def _kept_vectors() -> Dict[str, np.ndarray]:
    """Return the vectors that the last training left beside the encoder's folder."""
    file = kept_vectors(encoder_folder())
    if not file.exists():
        return {}
    with np.load(file, allow_pickle=False) as arrays:
        return dict(zip(arrays["texts"].tolist(), arrays["vectors"].astype(np.float32), strict=True))


def trials() -> Dict[str, Dict[str, float]]:
    """Return the figures of each classifier over all dev rows, printed as they come."""
    learnt = training()
    dev = [row for file in sorted(EVALUATION.glob("*_dev.tsv")) for row in evaluation(file) if not row.in_context]
    rng = random.Random(_SEED)  # noqa: S311 (which words are changed is no secret)
    noised = [
        Row(VARIANTS[rng.choice(list(VARIANTS))](row.text, rng), row.intent, row.intents, row.where)
        for row in rng.sample(learnt, _NOISED)
    ]
    kept, engine = _kept_vectors(), E5Engine(encoder_folder())
    known, more, asked = (_Texts([row.text for row in rows], kept, engine) for rows in (learnt, noised, dev))
    labels, more_labels = ([row.intent for row in rows] for rows in (learnt, noised))
    counter = CountVectorizer(analyzer="char_wb", ngram_range=(1, 3), min_df=3, dtype=np.float64).fit(known.texts)
    mean = known.vectors.mean(axis=0)

    def grams(of: _Texts) -> Any:
        return normalize(counter.transform(of.texts)) * _GRAMS

    def vectors(of: _Texts) -> Any:
        return (of.vectors - mean) * _VECTOR

    def both(of: _Texts) -> Any:
        return hstack([grams(of), csr_matrix(vectors(of))], format="csr")

    def fitted(model: Any, features: Callable[[_Texts], Any], augmented: bool = False) -> Any:
        x, y = features(known), labels
        if augmented:
            x, y = _stacked(x, features(more)), labels + more_labels
        return model.fit(x, y)

    found: Dict[str, Dict[str, float]] = {}
    shares: Dict[str, np.ndarray] = {}

    def measure(name: str, share: np.ndarray, classes: List[str]) -> None:
        shares[name] = share
        outside = share[:, classes.index(OUTSIDE)]
        said = [
            Understood(classes[at], float(row[at]), float(out))
            for row, at, out in zip(share, share.argmax(axis=1), outside, strict=True)
        ]
        found[name] = {
            "accuracy": figures.accuracy(dev, said),
            "accuracy_lenient": figures.accuracy(dev, said, strict=False),
            "macro_f1": figures.macro_f1(dev, said),
            "out_of_scope_recall": figures.outside_recall(dev, said),
            "ece": figures.calibration_error(dev, said),
        }
        print(f"{name:44} " + "  ".join(f"{k} {v:.3f}" for k, v in found[name].items()), flush=True)

    simple: Dict[str, Any] = {
        "naive Bayes, n-grams": (ComplementNB(), grams),
        "logistic regression, n-grams": (LogisticRegression(max_iter=100), grams),
        "k-NN (15, by distance), encoder": (KNeighborsClassifier(15, weights="distance", metric="cosine"), vectors),
        "logistic regression, encoder": (LogisticRegression(max_iter=100), vectors),
        "random forest, encoder": (RandomForestClassifier(200, min_samples_leaf=2, n_jobs=2, random_state=1), vectors),
        "MLP (256), encoder": (MLPClassifier((256,), alpha=1e-3, early_stopping=True, random_state=1), vectors),
        "logistic regression, both": (LogisticRegression(max_iter=100), both),
    }
    classes: List[str] = []
    for name, (model, features) in simple.items():
        fitted(model, features)
        classes = list(model.classes_)
        measure(name, model.predict_proba(features(asked)), classes)
    model = fitted(LinearSVC(C=0.1), both)
    odds = np.exp(model.decision_function(both(asked)) * 3.0)
    measure("linear SVM, both", odds / odds.sum(axis=1, keepdims=True), classes)
    model = fitted(LogisticRegression(max_iter=100), both, augmented=True)
    measure("logistic regression, both, noised copies", model.predict_proba(both(asked)), classes)
    measure("average of regression, k-NN and MLP", sum(shares[name] for name in _AVERAGED) / len(_AVERAGED), classes)
    return found


def _stacked(first: Any, second: Any) -> Any:
    from scipy.sparse import issparse, vstack

    return vstack([first, second], format="csr") if issparse(first) else np.vstack([first, second])

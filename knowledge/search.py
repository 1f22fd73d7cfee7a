"""Hybrid search for the service a person means: dense, lexical and exact names, fused.

The fusion is a logistic model over a few features of a candidate. It is fitted when the
index is built, on the list's own questions with each question's own passage left out, so
that its score is a calibrated probability for whichever encoder is in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Vectors
from knowledge.index import PassageIndex
from knowledge.lexical import LexicalIndex
from knowledge.passages import PassageKind

Floats = NDArray[np.float64]
_CANDIDATES = 12  # services scored for one query
_TOP_MEAN = 3  # passages averaged for a service
_DEPTH = 300  # passages looked at; those from _CROWD on say how similar anything is
_CROWD = 100
_SURE_NAME = 3  # characters of a name that cannot stand in a text by chance
NAMED_SCORE = 0.7  # the least probability of the only service that a text names
FEATURES = ("dense", "dense_mean", "dense_lead", "lexical", "lexical_mean", "lexical_lead", "name")


@dataclass(frozen=True)
class Match:
    """A service found: its probability of being meant, and the text that spoke for it."""

    service_id: str
    score: float
    passage: str


@dataclass(frozen=True)
class Fusion:
    """A fitted logistic model over FEATURES."""

    weights: tuple[float, ...]
    bias: float

    def __call__(self, features: Floats) -> Floats:
        """Return probabilities, shape (n,), for features of shape (n, len(FEATURES))."""
        logits = features @ np.asarray(self.weights) + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float64)


class ServiceSearch:
    """Search over one version of the service list. Immutable, safe to share by threads."""

    def __init__(self, index: PassageIndex, question_vectors: Vectors | None = None) -> None:
        """Use the index's calibration, or fit one.

        ``question_vectors``, of shape (len(index.passages), dimension), are the passages as
        the encoder sees them when they are asked; with them the fusion is fitted.
        """
        self.index = index
        self._lexical = LexicalIndex([passage.text for passage in index.passages])
        self.service_ids = list(dict.fromkeys(passage.service_id for passage in index.passages))
        number = {service_id: position for position, service_id in enumerate(self.service_ids)}
        self._owner = np.array([number[passage.service_id] for passage in index.passages])
        self._names = [
            (passage.text, number[passage.service_id])
            for passage in index.passages
            if passage.kind in (PassageKind.NAME, PassageKind.ALIAS) and len(passage.text) >= 2
        ]
        if question_vectors is not None:
            self.fusion = self._fit(question_vectors)
        else:
            *weights, bias = index.calibration
            self.fusion = Fusion(tuple(weights), bias)

    def search(self, text: str, vector: Vectors | None, top: int = 5, only: Sequence[str] = ()) -> list[Match]:
        """Return at most ``top`` matches for normal ``text``, best first.

        ``vector`` has shape (dimension,); without it the search is lexical only. ``only``
        names the services to choose among; all where it is empty.
        """
        among = np.isin(self.service_ids, only) if only else None
        candidates, features, best = self._features(text, vector, among=among)
        scores = self.fusion(features)
        sole = self._sole_name(text) if among is None else None
        if sole is not None:
            scores = np.where(candidates == sole, np.maximum(scores, NAMED_SCORE), scores)
        order = np.argsort(-scores, kind="stable")[:top]
        return [
            Match(self.service_ids[candidates[i]], float(scores[i]), self.index.passages[best[i]].text) for i in order
        ]

    def _features(
        self,
        text: str,
        vector: Vectors | None,
        left_out: int | None = None,
        among: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
        """Return candidate services (k,), their features (k, len(FEATURES)), their best passages (k,)."""
        lexical = self._lexical.scores(text).astype(np.float64)
        if left_out is not None:
            lexical[left_out] = 0.0
        lexical_top, lexical_mean, lexical_best = self._by_service(lexical)
        lexical_scale = max(float(lexical_top.max()), 1e-9)
        if vector is not None:
            dense_top, dense_mean, best = self._by_service(self._similar(vector, left_out))
        else:
            dense_top = dense_mean = np.zeros(len(self.service_ids))
            best = lexical_best
        named = self._named(text)
        rough = dense_top + 3.0 * lexical_top / lexical_scale + 3.0 * named
        if among is not None:
            rough = np.where(among, rough, -np.inf)
        count = _CANDIDATES if among is None else min(_CANDIDATES, int(among.sum()))
        candidates = np.argsort(-rough, kind="stable")[:count]
        features = np.column_stack(
            [
                dense_top,
                dense_mean,
                _lead(dense_top),
                np.log1p(lexical_top),
                np.log1p(lexical_mean),
                _lead(lexical_top / lexical_scale),
                named,
            ]
        )[candidates]
        return candidates, features, best[candidates]

    def _similar(self, vector: Vectors, left_out: int | None) -> Floats:
        """Return how far each passage's cosine is above the crowd's, in standard deviations.

        Scores of e5 lie in a narrow band, so a cosine by itself says little. Passages
        farther away than the depth looked at count as the last one seen.
        """
        cosines, positions = self.index.nearest(vector, _DEPTH + 1)
        crowd = cosines[min(_CROWD, len(cosines) // 2) :]
        above = (cosines - crowd.mean()) / max(float(crowd.std()), 1e-6)
        similar = np.full(len(self._owner), float(above[-1]))
        similar[positions] = above
        if left_out is not None:
            similar[left_out] = float(above[-1])
        return similar

    def _by_service(self, scores: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Return per service the best score, the mean of the best few, and the best passage."""
        count = len(self.service_ids)
        order = np.lexsort((-scores, self._owner))
        starts = np.searchsorted(self._owner[order], np.arange(count))
        best = order[starts]
        ranked = scores[order]
        ends = np.append(starts[1:], len(order))
        mean = np.array([ranked[s : min(s + _TOP_MEAN, e)].mean() for s, e in zip(starts, ends, strict=True)])
        return scores[best], mean, best

    def _named(self, text: str) -> Floats:
        """Return per service how much of the text is its longest name or alias, 0 to 1."""
        hit = np.zeros(len(self.service_ids))
        length = max(len(text), 1)
        for name, owner in self._names:
            if name in text:
                hit[owner] = max(hit[owner], 0.3 + 0.7 * len(name) / length)
        return hit

    def names_one(self, text: str) -> bool:
        """Return whether just one service's name or alias stands in normal ``text``."""
        return self._sole_name(text) is not None

    def _sole_name(self, text: str) -> int | None:
        """Return the service whose name or alias stands in the text, where no other's does.

        A name within a longer one (长护险 in 长护险上门) does not count.
        """
        found = [(name, owner) for name, owner in self._names if len(name) >= _SURE_NAME and name in text]
        longest = [owner for name, owner in found if not any(name != other and name in other for other, _ in found)]
        return longest[0] if len(set(longest)) == 1 else None

    def _fit(self, question_vectors: Vectors) -> Fusion:
        from sklearn.linear_model import LogisticRegression

        features, labels = [], []
        for row, passage in enumerate(self.index.passages):
            if passage.kind is PassageKind.QUESTION:
                candidates, of_row, _ = self._features(passage.text, question_vectors[row], left_out=row)
                features.append(of_row)
                labels.append(candidates == self._owner[row])
        model = LogisticRegression(C=1.0, max_iter=1_000).fit(np.vstack(features), np.concatenate(labels))
        return Fusion(tuple(map(float, model.coef_[0])), float(model.intercept_[0]))


def _lead(scores: Floats) -> Floats:
    """Return how far each score is above the best of the others (negative: below)."""
    if len(scores) < 2:
        return np.zeros_like(scores)
    first, second = np.partition(scores, -2)[-2:][::-1]
    return np.asarray(np.where(scores >= first, scores - second, scores - first), dtype=np.float64)

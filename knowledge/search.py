"""Hybrid search for the service a person means: dense, lexical, people's words and exact names, fused.

The fusion is a logistic model over a few features of a candidate, so its score is a
probability. For the encoder that comes with the project it is fitted on the dev questions
(knowledge/fusion.py); for any other when the index is built, on the list's own questions
with each question's own passage left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Vectors
from knowledge.fusion import Fusion, fitted, fusion_for
from knowledge.index import PassageIndex
from knowledge.lexical import LexicalIndex
from knowledge.passages import PassageKind
from knowledge.words import ServiceWords, asked

Floats = NDArray[np.float64]
_CANDIDATES = 12  # services scored for one query
_TOP_MEAN = 3  # passages averaged for a service
_DEPTH = 300  # passages looked at; those from _CROWD on say how similar anything is
_CROWD = 100
_SURE_NAME = 3  # characters of a name that cannot stand in a text by chance
_FOLDS = 3
_PEOPLES = (PassageKind.QUESTION, PassageKind.NAME, PassageKind.ALIAS)
NAMED_SCORE = 0.7  # the least probability of the only service that a text names


@dataclass(frozen=True)
class Match:
    """A service found: its probability of being meant, and the text that spoke for it."""

    service_id: str
    score: float
    passage: str


class ServiceSearch:
    """Search over one version of the service list. Immutable, safe to share by threads."""

    def __init__(
        self,
        index: PassageIndex,
        question_vectors: Vectors | None = None,
        before: ServiceSearch | None = None,
        words: ServiceWords | None = None,
    ) -> None:
        """Use the index's calibration, or fit one.

        ``question_vectors``, of shape (len(index.passages), dimension), are the passages as
        the encoder sees them when they are asked; with them the fusion is fitted. The model of
        people's words is ``words``, or taken over from the search ``before``, where that was of the
        same services: it hardly changes with the list's texts.
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
        same = before is not None and before.service_ids == self.service_ids
        self.words: ServiceWords = words or (before.words if before and same else self._words_without(None, 1))
        if question_vectors is not None:
            self.fusion = self._fit(question_vectors)
        else:
            self.fusion = fusion_for(index.fingerprint.encoder) or Fusion.of(index.calibration)

    def search(self, text: str, vector: Vectors | None, top: int = 5, only: Sequence[str] = ()) -> list[Match]:
        """Return at most ``top`` matches for normal ``text``, best first.

        ``vector`` has shape (dimension,); without it the search is lexical only. ``only``
        names the services to choose among; all where it is empty.
        """
        among = np.isin(self.service_ids, only) if only else None
        candidates, features, best = self.features(text, vector, among=among)
        scores = self.fusion(features)
        sole = self._sole_name(text) if among is None else None
        if sole is not None:
            scores = np.where(candidates == sole, np.maximum(scores, NAMED_SCORE), scores)
        order = np.argsort(-scores, kind="stable")[:top]
        return [
            Match(self.service_ids[candidates[i]], float(scores[i]), self.index.passages[best[i]].text) for i in order
        ]

    def features(
        self,
        text: str,
        vector: Vectors | None,
        left_out: int | None = None,
        among: NDArray[np.bool_] | None = None,
        words: ServiceWords | None = None,
    ) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
        """Return candidate services (k,), their features (k, len(FEATURES)), their best passages (k,).

        ``left_out`` is a passage that does not count, ``words`` a model that has not seen it.
        """
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
        odds = (words or self.words).odds(text)
        rough = dense_top + 3.0 * lexical_top / lexical_scale + 3.0 * named + 0.5 * odds
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
                odds,
                _lead(odds),
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
        few = starts[:, None] + np.arange(_TOP_MEAN)  # where a service's best stand, some beyond its end
        there = few < ends[:, None]
        mean = np.where(there, ranked[np.minimum(few, len(ranked) - 1)], 0.0).sum(axis=1) / there.sum(axis=1)
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
        folds = [self._words_without(fold, _FOLDS) for fold in range(_FOLDS)]
        features, labels = [], []
        for row, passage in enumerate(self.index.passages):
            if passage.kind is PassageKind.QUESTION:
                unseen = folds[row % _FOLDS]
                candidates, of_row, _ = self.features(passage.text, question_vectors[row], row, words=unseen)
                features.append(of_row)
                labels.append(candidates == self._owner[row])
        return fitted(np.vstack(features), np.concatenate(labels))

    def _words_without(self, fold: int | None, folds: int) -> ServiceWords:
        """Return the model of people's words, fitted without the passages of one fold."""
        number = {service_id: at for at, service_id in enumerate(self.service_ids)}
        told = [(text, number[id_]) for text, ids in asked() for id_ in ids if id_ in number]
        told += [
            (passage.text, int(self._owner[row]))
            for row, passage in enumerate(self.index.passages)
            if passage.kind in _PEOPLES and row % folds != fold
        ]
        texts, owners = zip(*told, strict=True)
        return ServiceWords(texts, owners, len(self.service_ids))


def _lead(scores: Floats) -> Floats:
    """Return how far each score is above the best of the others (negative: below)."""
    if len(scores) < 2:
        return np.zeros_like(scores)
    first, second = np.partition(scores, -2)[-2:][::-1]
    return np.asarray(np.where(scores >= first, scores - second, scores - first), dtype=np.float64)

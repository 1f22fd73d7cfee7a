"""Fits the fusion on questions of which is known what they mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from knowledge.fusion import Fusion, fitted
from knowledge.library import Library
from knowledge.normalise import normalise


def fuse(library: Library, questions: Sequence[tuple[str, Sequence[str]]]) -> tuple[Fusion, float]:
    """Return the model fitted on (text, services meant), and how often it puts a right one first.

    A question that means none of the list's services teaches that none need be meant.
    """
    search = library.search
    texts = [normalise(text) for text, _ in questions]
    features, labels = [], []
    for text, (_, meant), vector in zip(texts, questions, library.encoder.queries(texts), strict=True):
        candidates, of_text, _ = search.features(text, vector)
        features.append(of_text)
        labels.append(np.isin([search.service_ids[at] for at in candidates], list(meant)))
    model = fitted(np.vstack(features), np.concatenate(labels))
    firsts = [
        right[int(np.argmax(model(rows)))]
        for rows, right, (_, meant) in zip(features, labels, questions, strict=True)
        if meant
    ]
    return model, float(np.mean(firsts))

"""An optional second look: a cross-encoder reads the question and each candidate's passage together.

Off by default. ADVISOR_RERANKER names a sentence-transformers CrossEncoder, by name or folder
(BAAI/bge-reranker-base …). It changes the order of the first few and leaves the scores as they
are: what is sure stays as sure as it was fitted to be.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from knowledge.errors import EncoderUnavailable
from knowledge.search import Match

_LOOKED_AT = 5


class Reranker:
    """A loaded cross-encoder."""

    def __init__(self, name: str) -> None:
        """Load the model. Raises EncoderUnavailable with a sentence for the operator."""
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
        try:
            from sentence_transformers import CrossEncoder

            self._model = CrossEncoder(name, device="cpu", local_files_only=True)
        except Exception as error:
            raise EncoderUnavailable(
                f"The reranker «{name}» cannot be loaded ({error}); set ADVISOR_RERANKER to a model folder on this "
                "machine, or remove the setting: the search works without one."
            ) from error

    def order(self, text: str, matches: Sequence[Match]) -> list[Match]:
        """Return the matches with the first few in the model's order; the scores keep their places."""
        first, rest = list(matches[:_LOOKED_AT]), list(matches[_LOOKED_AT:])
        if len(first) < 2:
            return [*first, *rest]
        read = self._model.predict([(text, match.passage) for match in first], show_progress_bar=False)
        best = [first[at] for at in np.argsort(-np.asarray(read), kind="stable")]
        scores = sorted((match.score for match in first), reverse=True)
        return [*(replace(match, score=score) for match, score in zip(best, scores, strict=True)), *rest]

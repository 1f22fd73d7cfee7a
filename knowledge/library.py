"""The knowledge in use: one version of the list with its index and search, and how it is swapped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from knowledge.encoder import Encoder, SentenceEncoder, Vectors
from knowledge.errors import IndexUnusable
from knowledge.index import Fingerprint, PassageIndex
from knowledge.normalise import normalise
from knowledge.passages import passages
from knowledge.search import Match, ServiceSearch
from knowledge.store import ServiceList

logger = logging.getLogger(__name__)
_BATCH = 64


class Library:
    """Everything that answers are made of: one version of the list; a new version is a new Library."""

    def __init__(self, services: ServiceList, search: ServiceSearch, encoder_name: str) -> None:
        self.services = services
        self.search = search
        self.encoder_name = encoder_name
        self._loading = threading.Lock()
        self._encoder: Encoder | None = None

    @property
    def encoder(self) -> Encoder:
        """Return the encoder, loaded on first use (seconds). Raises EncoderUnavailable."""
        with self._loading:
            if self._encoder is None:
                self._encoder = SentenceEncoder(self.encoder_name)
            return self._encoder

    def use(self, encoder: Encoder) -> None:
        """Take an encoder that is loaded already."""
        self._encoder = encoder

    def find(self, text: str, top: int = 5) -> list[Match]:
        """Search for any text, encoded here. Raises EncoderUnavailable."""
        text = normalise(text)
        return self.search.search(text, self.encoder.queries([text])[0], top)

    def find_at_once(self, text: str, top: int = 5) -> list[Match]:
        """Search for any text without waiting for the encoder: by words only until it is loaded."""
        text = normalise(text)
        vector = self._encoder.queries([text])[0] if self._encoder is not None else None
        return self.search.search(text, vector, top)

    def find_by_vector(self, text: str, vector: Vectors | None, top: int = 5, only: Sequence[str] = ()) -> list[Match]:
        """Search for normal text whose vector came with it; without one, by words only."""
        return self.search.search(text, vector, top, only)


def open_library(
    index_folder: Path,
    encoder_name: str,
    services: ServiceList,
    progress: Callable[[int, int], None] = lambda done, total: None,
    rebuild: bool = False,
) -> Library:
    """Return the library; a missing, damaged or foreign index is built anew and saved.

    Raises EncoderUnavailable where it must be built and cannot be.
    """
    listed = list(passages(services))
    wanted = Fingerprint(encoder_name, services.version)
    try:
        if rebuild:
            raise IndexUnusable("a rebuild was asked for")
        index = PassageIndex.load(index_folder, wanted, listed)
    except IndexUnusable as error:
        logger.info("building the index: %s", error)
        encoder = SentenceEncoder(encoder_name)
        as_passages, as_questions = _encode([passage.text for passage in listed], encoder, progress)
        index = PassageIndex.build(listed, as_passages, wanted)
        search = ServiceSearch(index, as_questions)
        index.save(index_folder, (*search.fusion.weights, search.fusion.bias))
        library = Library(services, search, encoder_name)
        library.use(encoder)
        return library
    return Library(services, ServiceSearch(index), encoder_name)


def _encode(texts: list[str], encoder: Encoder, progress: Callable[[int, int], None]) -> tuple[Vectors, Vectors]:
    """Return the texts as passages and as questions, each of shape (len(texts), dimension)."""
    passage_rows, question_rows = [], []
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        passage_rows.append(encoder.passages(batch))
        question_rows.append(encoder.queries(batch))
        progress(min(start + _BATCH, len(texts)), len(texts))
    return np.vstack(passage_rows), np.vstack(question_rows)

"""The knowledge in use: one version of the list with its index and search, and how it is swapped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from knowledge.encoder import Encoder, SentenceEncoder, Vectors
from knowledge.errors import EncoderUnavailable, IndexUnusable
from knowledge.fusion import fusion_for, fusion_of_words
from knowledge.index import WORDS_ONLY, PassageIndex
from knowledge.normalise import normalise
from knowledge.passages import Passage, passages
from knowledge.reranker import Reranker
from knowledge.search import Match, ServiceSearch
from knowledge.store import ServiceList
from knowledge.words import ServiceWords, made_from

logger = logging.getLogger(__name__)
_BATCH = 64
_WORDS = "words.npz"
_REBUILD_FROM = 0.2  # above this share of new passages the fusion is fitted anew


class Library:
    """Everything that answers are made of: one version of the list; a new version is a new Library."""

    def __init__(self, services: ServiceList, search: ServiceSearch, encoder_name: str) -> None:
        self.services = services
        self.search = search
        self.encoder_name = encoder_name
        self._loading = threading.Lock()
        self._encoder: Encoder | None = None
        self._missing: EncoderUnavailable | None = None  # said once, not tried again for each message
        self.reranker: Reranker | None = None

    @property
    def encoder(self) -> Encoder:
        """Return the encoder, loaded on first use (seconds). Raises EncoderUnavailable."""
        with self._loading:
            if self._missing:
                raise self._missing
            if self._encoder is None:
                try:
                    self._encoder = SentenceEncoder(self.encoder_name)
                except EncoderUnavailable as error:
                    self._missing = error
                    logger.warning("%s Until then the search goes by words alone.", error)
                    raise
            return self._encoder

    def vector_of(self, text: str) -> Vectors | None:
        """Return the vector of normal text; None where there is no encoder: then words alone must do."""
        try:
            vector: Vectors = self.encoder.queries([text])[0]
        except EncoderUnavailable:
            return None
        return vector

    @property
    def loaded_encoder(self) -> Encoder | None:
        """Return the encoder if it is loaded: for what is better with it but must not wait."""
        return self._encoder

    def use(self, encoder: Encoder) -> None:
        """Take an encoder that is loaded already."""
        self._encoder = encoder

    def share_encoder(self, other: Library) -> None:
        """Take the other's encoder where it is loaded, and its reranker."""
        self._encoder, self.reranker = other._encoder, other.reranker

    def find(self, text: str, top: int = 5) -> list[Match]:
        """Search for any text, encoded here; by words only where there is no encoder."""
        text = normalise(text)
        return self.find_by_vector(text, self.vector_of(text), top)

    def find_at_once(self, text: str, top: int = 5) -> list[Match]:
        """Search for any text without waiting for the encoder: by words only until it is loaded."""
        text = normalise(text)
        vector = self._encoder.queries([text])[0] if self._encoder is not None else None
        return self.find_by_vector(text, vector, top)

    def find_by_vector(self, text: str, vector: Vectors | None, top: int = 5, only: Sequence[str] = ()) -> list[Match]:
        """Search for normal text whose vector came with it; without one, by words only."""
        found = self.search.search(text, vector, top, only)
        return self.reranker.order(text, found) if self.reranker else found


def open_library(
    index_folder: Path,
    encoder_name: str,
    services: ServiceList,
    progress: Callable[[int, int], None] = lambda done, total: None,
    rebuild: bool = False,
) -> Library:
    """Return the library; a missing, damaged, foreign or much older index is built anew and saved.

    Where it must be built and there is no encoder the search goes by words alone; only a
    ``rebuild`` that was asked for raises EncoderUnavailable.
    """
    listed = list(passages(services))
    try:
        if rebuild:
            raise IndexUnusable("a rebuild was asked for")
        index = PassageIndex.load(index_folder, encoder_name)
        library = Library(services, _opened(index, index_folder), encoder_name)
        if index.is_of(listed):
            return library
        if len(_unknown(listed, index)) > _REBUILD_FROM * len(listed):
            raise IndexUnusable("much of the list is new")
        return renewed(library, services, index_folder)
    except IndexUnusable as error:
        logger.info("building the index: %s", error)
    try:
        encoder = SentenceEncoder(encoder_name)
    except EncoderUnavailable as error:
        if rebuild:
            raise
        logger.warning("%s Until then the search goes by words alone.", error)
        return by_words(services)
    texts = [passage.text for passage in listed]
    fits = fusion_for(encoder_name) is None  # the fusion has to be fitted here
    whole = len(texts) * (2 if fits else 1)
    index = PassageIndex.build(
        listed, _encode(texts, encoder.passages, lambda done: progress(done, whole)), encoder_name
    )
    asked = _encode(texts, encoder.queries, lambda done: progress(len(texts) + done, whole)) if fits else None
    search = ServiceSearch(index, asked)
    _save(index, index_folder, (*search.fusion.weights, search.fusion.bias))
    library = Library(services, search, encoder_name)
    library.use(encoder)
    return library


def by_words(services: ServiceList) -> Library:
    """Return a library that needs no encoder: it finds what is said in the list's own words."""
    index = PassageIndex.of_words(list(passages(services)), fusion_of_words())
    library = Library(services, ServiceSearch(index), WORDS_ONLY)
    library._missing = EncoderUnavailable("The search goes by words alone: there was no encoder at the start.")
    return library


def _opened(index: PassageIndex, folder: Path) -> ServiceSearch:
    """Return the search of a saved index, with the words that were fitted for it; they are fitted once."""
    file, digest = folder / _WORDS, made_from(index.fingerprint.passages)
    kept = ServiceWords.load(file, digest)
    search = ServiceSearch(index, words=kept)
    if kept is None:
        try:
            search.words.save(file, digest)
        except OSError as error:
            logger.warning("%s cannot be kept (%s); it will be made again at the next start", file, error)
    return search


def _save(index: PassageIndex, folder: Path, calibration: tuple[float, ...]) -> None:
    """Keep the index; one that cannot be kept is as good until the next start."""
    try:
        index.save(folder, calibration)
    except OSError as error:
        logger.warning("the index cannot be kept in %s (%s); it will be built again at the next start", folder, error)


def renewed(library: Library, services: ServiceList, index_folder: Path) -> Library:
    """Return the library for a new version of its list, and save its index.

    Only texts that are new are encoded; the fusion keeps its fit until the next full build.
    Raises EncoderUnavailable where there are new texts and no encoder.
    """
    if library.encoder_name == WORDS_ONLY:
        return by_words(services)
    old = library.search.index
    listed = list(passages(services))
    search = library.search
    if not old.is_of(listed):
        vectors = old.vectors()
        new = _unknown(listed, old)
        if new:
            vectors.update(zip(new, library.encoder.passages(new), strict=True))
        rows = np.vstack([vectors[passage.text] for passage in listed])
        fusion = search.fusion
        index = PassageIndex.build(listed, rows, library.encoder_name, (*fusion.weights, fusion.bias))
        search = ServiceSearch(index, before=search)
        _save(index, index_folder, index.calibration)
    after = Library(services, search, library.encoder_name)
    after.share_encoder(library)
    return after


def _unknown(listed: Sequence[Passage], index: PassageIndex) -> list[str]:
    known = {passage.text for passage in index.passages}
    return list(dict.fromkeys(passage.text for passage in listed if passage.text not in known))


def _encode(texts: list[str], encode: Callable[[Sequence[str]], Vectors], progress: Callable[[int], None]) -> Vectors:
    """Return the vectors of the texts, shape (len(texts), dimension)."""
    rows = []
    for start in range(0, len(texts), _BATCH):
        rows.append(encode(texts[start : start + _BATCH]))
        progress(min(start + _BATCH, len(texts)))
    return np.vstack(rows)

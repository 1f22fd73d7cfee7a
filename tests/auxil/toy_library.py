"""The real service list with the toy encoder: a whole Library in a second."""

from __future__ import annotations

import functools

from knowledge.index import PassageIndex
from knowledge.library import Library
from knowledge.passages import passages
from knowledge.search import ServiceSearch
from knowledge.store import load
from tests.auxil.toy_encoder import ToyEncoder


def toy_library() -> Library:
    """Return a library of its own; the search in it is made once."""
    library = Library(load(), _search(), "toy")
    library.use(ToyEncoder())
    return library


@functools.cache
def _search() -> ServiceSearch:
    listed = list(passages(load()))
    vectors = ToyEncoder().passages([passage.text for passage in listed])
    return ServiceSearch(PassageIndex.build(listed, vectors, "toy"), vectors)

"""The real service list with the toy encoder: a whole Library in a second."""

from __future__ import annotations

from knowledge.index import PassageIndex
from knowledge.library import Library
from knowledge.passages import passages
from knowledge.search import ServiceSearch
from knowledge.store import load
from tests.auxil.toy_encoder import ToyEncoder


def toy_library() -> Library:
    services, encoder = load(), ToyEncoder()
    listed = list(passages(services))
    vectors = encoder.passages([passage.text for passage in listed])
    index = PassageIndex.build(listed, vectors, "toy")
    library = Library(services, ServiceSearch(index, vectors), "toy")
    library.use(encoder)
    return library

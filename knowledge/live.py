"""The knowledge in use by a running server, and how it takes in new files without a stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from knowledge.library import Library, renewed
from knowledge.places import PlaceBook
from knowledge.places_store import load_places
from knowledge.settings import KnowledgeSettings
from knowledge.store import load

logger = logging.getLogger(__name__)
EVERY_S = 0.5
_Stamp = tuple[tuple[str, int, int], ...]


class LiveKnowledge:
    """The library and the places of this moment.

    A question takes ``library`` once and keeps it, so no answer mixes two versions. Files
    that cannot be used are refused: the version in use stays, and ``refused`` says why.
    """

    def __init__(self, library: Library, settings: KnowledgeSettings) -> None:
        self.library = library
        self.places = PlaceBook()
        self.refused: str | None = None
        self._settings = settings
        self._last = self._taken = self._stamp()
        self._take(services=False)

    def poll(self) -> bool:
        """Take in files that changed and then stood still for one poll; return whether they were."""
        stamp = self._stamp()
        settled, self._last = stamp == self._last, stamp
        if not settled or stamp == self._taken:
            return False
        self._taken = stamp
        return self._take(services=True)

    async def watch(self) -> None:
        """Poll for ever, outside the event loop."""
        while True:
            await asyncio.sleep(EVERY_S)
            await asyncio.to_thread(self.poll)

    def _take(self, services: bool) -> bool:
        try:
            places = load_places(self._settings.places_file)
            if services:
                listed = load(self._settings.services)
                if listed.version != self.library.services.version:
                    self.library = renewed(self.library, listed, self._settings.index_folder)
                    logger.info("the service list is now version %s", listed.version)
            self.places = places
        except Exception as error:  # whatever is wrong with a file, the version in use stays
            self.refused = str(error)
            logger.error("new files are refused, the version in use stays: %s", error)
            return False
        self.refused = None
        return True

    def _stamp(self) -> _Stamp:
        return tuple(sorted(_stamps([*self._settings.services.glob("*.yaml"), self._settings.places_file])))


def _stamps(files: Iterable[Path]) -> Iterable[tuple[str, int, int]]:
    for file in files:
        try:
            found = file.stat()
        except OSError:  # gone since it was listed, or not there yet
            continue
        yield file.name, found.st_mtime_ns, found.st_size

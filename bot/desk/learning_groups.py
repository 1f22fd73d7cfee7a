"""The questions that were not answered, grouped by meaning, as an editor sees them."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from knowledge.clusters import Cluster, clusters
from knowledge.encoder import Encoder, Vectors
from knowledge.errors import EncoderUnavailable
from knowledge.library import Library
from knowledge.live import LiveKnowledge
from knowledge.normalise import normalise
from storage.lessons import Lessons, Question

logger = logging.getLogger(__name__)
_MOST = 2_000  # questions looked at: the latest
_CROWD = 500  # texts of the list that say how similar anything is
_BATCH = 64
_PATIENCE_S = 5.0  # of encoding at one look; two cores encode about a hundred questions a second
LONGEST = 200  # characters of a lesson


@dataclass(frozen=True)
class Group:
    """Questions of one meaning: ``id`` is the medoid's, ``texts`` are different ones, the medoid first."""

    id: int
    title: str
    ids: tuple[int, ...]
    texts: tuple[str, ...]
    reasons: tuple[tuple[str, int], ...]
    nearest: str | None  # a service
    intent: str | None
    latest: datetime
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Known:
    """What is kept of a question as long as it stands on the list; ``vector`` is None until it is encoded."""

    text: str
    vector: Vectors | None = None


class Groups:
    """Groups the questions. Each is encoded once, and forgotten here when it leaves the list."""

    def __init__(self, lessons: Lessons, live: LiveKnowledge, patience_s: float = _PATIENCE_S) -> None:
        """``patience_s`` is how long one look encodes; what is left over waits for the next."""
        self._lessons = lessons
        self._live = live
        self._patience_s = patience_s
        self._known: dict[int, Known] = {}
        self._encoded_by = ""
        self._working = threading.Lock()

    def all(self) -> tuple[list[Group], int]:
        """Return the groups, the biggest first, and how many questions stand by themselves as not yet encoded."""
        library = self._live.library
        questions = self._lessons.questions(_MOST)
        with self._working:
            self._remember(questions, library)
            known = [self._known[each.id] for each in questions]
        crowd = np.array(list(library.search.index.vectors().values()))
        crowd = crowd[:: max(1, len(crowd) // _CROWD)]
        nothing = np.zeros(crowd.shape[1], dtype=np.float32)
        vectors = np.array([nothing if each.vector is None else each.vector for each in known])
        found = clusters([each.text for each in known], vectors, crowd)
        groups = [_group(each, questions, library) for each in found]
        return groups, sum(each.vector is None for each in known)

    def nearest(self, group: Group) -> str | None:
        """Return the service that was nearest when it was asked, else what the search finds now."""
        if group.nearest is not None:
            return group.nearest
        known = self._known.get(group.id) or Known(normalise(group.title))
        found = self._live.library.search.search(known.text, known.vector, 1)
        return found[0].service_id if found else None

    def _remember(self, questions: Sequence[Question], library: Library) -> None:
        if self._encoded_by != library.encoder_name:
            self._known, self._encoded_by = {}, library.encoder_name
        self._known = {each.id: self._known.get(each.id) or Known(normalise(each.text)) for each in questions}
        try:
            encoder: Encoder = library.encoder
        except EncoderUnavailable as error:
            logger.warning("questions are not grouped by meaning: %s", error)
            return
        waiting: dict[str, list[int]] = {}
        for id_, known in self._known.items():
            if known.vector is None:
                waiting.setdefault(known.text, []).append(id_)
        texts, ends = list(waiting), time.monotonic() + self._patience_s
        for start in range(0, len(texts), _BATCH):
            if time.monotonic() >= ends:
                return
            batch = texts[start : start + _BATCH]
            for text, vector in zip(batch, encoder.queries(batch), strict=True):
                self._known |= {id_: Known(text, vector) for id_ in waiting[text]}


def _group(cluster: Cluster, questions: Sequence[Question], library: Library) -> Group:
    of_it = [questions[at] for at in cluster.members]
    medoid = of_it[0]
    texts = dict.fromkeys(" ".join(each.text.split())[:LONGEST] for each in of_it)
    nearest = Counter(each.nearest for each in of_it if each.nearest in library.services.services)
    intents = Counter(each.intent for each in of_it if each.intent)
    return Group(
        id=medoid.id,
        title=medoid.text,
        ids=tuple(each.id for each in of_it),
        texts=tuple(texts),
        reasons=tuple(Counter(each.reason for each in of_it).most_common()),
        nearest=nearest.most_common(1)[0][0] if nearest else None,
        intent=intents.most_common(1)[0][0] if intents else None,
        latest=max(each.at for each in of_it),
        questions=tuple(of_it),
    )

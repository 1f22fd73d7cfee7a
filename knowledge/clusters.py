"""Groups questions that mean the same, so that what is asked most is seen first.

How near two questions are is told as the search tells it (ServiceSearch._similar): by how far
their cosine lies above a crowd's, in standard deviations, for e5's cosines by themselves lie
high and narrow, and those of our own encoder do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering

from knowledge.encoder import Vectors

# On the 799 written questions about a service, 88 of 100 in a group are about the same one (97 with the
# raw e5, which makes smaller groups); at 2.5 it is 80, and an editor treats a whole group at once.
ABOVE = 3.0


@dataclass(frozen=True)
class Cluster:
    """Questions that mean the same, as positions in what was given."""

    medoid: int  # the one nearest to all others
    members: tuple[int, ...]  # the medoid first, then the nearer first; the same text several times too


def clusters(texts: Sequence[str], vectors: Vectors, crowd: Vectors, above: float = ABOVE) -> list[Cluster]:
    """Return the groups of normal ``texts``, the biggest first; of equal ones that with the earlier text.

    ``vectors`` has shape (len(texts), dimension), each row of length 1, or 0 where the meaning is
    not known: then only the same text is the same. ``crowd``, of shape (any, dimension), are vectors
    of other texts of the field. Two thousand texts take about a second.
    """
    same: dict[str, list[int]] = {}
    for position, text in enumerate(texts):
        same.setdefault(text, []).append(position)
    copies = list(same.values())
    if not copies:
        return []
    firsts = vectors[[each[0] for each in copies]].astype(np.float64)
    weights = np.array([len(each) for each in copies], dtype=np.float64)
    cosines = firsts @ firsts.T
    found = []
    for group in _groups(firsts, cosines, crowd, above):
        near = cosines[np.ix_(group, group)]
        medoid = int(np.argmax(near @ weights[group]))
        order = sorted(range(len(group)), key=lambda at: (at != medoid, -near[medoid, at]))
        members = tuple(position for at in order for position in copies[group[at]])
        found.append(Cluster(members[0], members))
    return sorted(found, key=lambda each: (-len(each.members), min(each.members)))


def _groups(
    vectors: NDArray[np.float64], cosines: NDArray[np.float64], crowd: Vectors, above: float
) -> list[NDArray[np.int64]]:
    """Return the groups of different texts: average linkage, as far as the crowd allows."""
    known = np.flatnonzero(vectors.any(axis=1))
    unknown = [np.array([at]) for at in np.flatnonzero(~vectors.any(axis=1))]
    if len(known) < 2:
        return [*unknown, *(np.array([at]) for at in known)]
    others = vectors[known] @ crowd.astype(np.float64).T
    least = float(others.mean()) + above * float(others.std())
    if least >= 1.0:  # a crowd that is like everything: nothing can stand out
        return [*unknown, *(np.array([at]) for at in known)]
    distances = np.clip(1.0 - cosines[np.ix_(known, known)], 0.0, None)
    labels = AgglomerativeClustering(
        n_clusters=None, distance_threshold=1.0 - least, metric="precomputed", linkage="average"
    ).fit_predict(distances)
    order = np.argsort(labels, kind="stable")
    return [*unknown, *(known[part] for part in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1))]

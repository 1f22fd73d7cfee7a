"""How likely each service is by the words people use for it.

TF-IDF of character n-grams and a logistic regression for each service, fitted by stochastic
gradient descent (scikit-learn), which takes seconds and is kept beside the index: on what people
asked (data/encoder/asked.tsv) and on the list's own questions and names. BM25 knows the
list's words; this knows what people say instead of them.
"""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.normalise import DATA, normalise

ASKED = DATA / "encoder" / "asked.tsv"
_LONGEST = 3  # characters of an n-gram
_AT_LEAST = 4  # texts an n-gram stands in
_EPOCHS = 15
_GRAMS: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": (1, _LONGEST), "sublinear_tf": True}
_CERTAIN = 8.0  # log-odds beyond which nothing more is said
_SEED = 1


class ServiceWords:
    """Fitted on texts that mean a service each."""

    def __init__(self, texts: Sequence[str], owners: Sequence[int], services: int) -> None:
        """Fit on normal ``texts``; ``owners`` are their services' numbers, below ``services``."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import SGDClassifier

        self._grams: Any = TfidfVectorizer(**_GRAMS, min_df=min(_AT_LEAST, len(texts)))
        features = self._grams.fit_transform(texts)
        model = SGDClassifier(loss="log_loss", alpha=2e-5, max_iter=_EPOCHS, tol=None, random_state=_SEED)
        model.fit(features, owners)
        self._known = model.classes_
        self._services = services
        two = len(model.classes_) == 2  # then scikit-learn keeps the second one only
        self._weights = (np.vstack([-model.coef_, model.coef_]) if two else model.coef_).astype(np.float32).T.copy()
        self._bias = np.concatenate([-model.intercept_, model.intercept_]) if two else model.intercept_

    def save(self, file: Path, made_from: str) -> None:
        """Keep the fitted model, with a digest of what it was made from. Raises OSError."""
        known = {"grams": self._grams.get_feature_names_out().astype(str), "idf": self._grams.idf_}
        fitted = {"weights": self._weights, "bias": self._bias, "known": self._known, "services": self._services}
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as out:
                np.savez(out, made_from=made_from, **known, **fitted)
            Path(draft).replace(file)
        finally:
            Path(draft).unlink(missing_ok=True)

    @classmethod
    def load(cls, file: Path, made_from: str) -> ServiceWords | None:
        """Return a model that was kept; None where there is none, or it is damaged or made from something else."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        model = cls.__new__(cls)
        try:
            with np.load(file, allow_pickle=False) as kept:
                if str(kept["made_from"]) != made_from:
                    return None
                grams = {str(gram): row for row, gram in enumerate(kept["grams"])}
                model._grams = TfidfVectorizer(**_GRAMS, vocabulary=grams)
                model._grams.idf_ = kept["idf"]
                model._weights, model._bias, model._known = kept["weights"], kept["bias"], kept["known"]
                model._services = int(kept["services"])
        except Exception:  # whatever is wrong with the file, it can be made again
            return None
        return model

    def odds(self, text: str) -> NDArray[np.float64]:
        """Return the log-odds of each service for normal ``text``, shape (services,)."""
        row = self._grams.transform([text])
        odds = np.full(self._services, -_CERTAIN)
        odds[self._known] = row.data @ self._weights[row.indices] + self._bias
        return np.asarray(np.clip(odds, -_CERTAIN, _CERTAIN))


def made_from(passages: str) -> str:
    """Return a digest of all that a model is made from; ``passages`` is the index's own of its passages."""
    import sklearn

    told = hashlib.sha256(f"{passages} {sklearn.__version__}".encode())
    code = Path(__file__).parent
    for file in (code / "words.py", code / "normalise.py", ASKED, *sorted(DATA.glob("*.t*"))):
        told.update(file.read_bytes())
    return told.hexdigest()


@functools.cache
def asked(file: Path = ASKED) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what people asked, as normal text, each with the services it means."""
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return tuple((normalise(text) or text, tuple(ids.split())) for text, ids in rows)

"""Fits the few numbers of config.yml that are chosen on the dev sets, for the trained model.

The classifier's temperature (least negative log-likelihood), how much the gate's two sides
weigh (logistic regression, then shifted so that 0.5 turns away the share allowed of what is
in scope), and from which probability on a message is taken for an emergency.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Sequence

import numpy as np

from nlu.quality.figures import FALSE_REJECTION, threshold
from nlu.quality.sets import OUTSIDE, Row

_TEMPERATURES = np.arange(0.6, 3.01, 0.1)
_DANGER = "emergency"
_FALSE_ALARMS = 0.015  # share of what is no danger (half of danger_dev is made to look like it)


@dataclass(frozen=True)
class Heard:
    """What the trained parts say of rows: shapes (rows, intents) and (rows,)."""

    intents: List[str]
    logits: np.ndarray
    distances: np.ndarray


def heard(model: Path, rows: Sequence[Row]) -> Heard:
    """Return what the model in the archive ``model`` says of ``rows``, before any of the fitted numbers."""
    from rasa.engine.graph import ExecutionContext, GraphSchema
    from rasa.engine.storage.local_model_storage import LocalModelStorage
    from rasa.shared.nlu.constants import TEXT
    from rasa.shared.nlu.training_data.message import Message

    from nlu.components.classifier import LengthFreeLogisticRegression
    from nlu.components.encoder import SentenceEncoderFeaturizer
    from nlu.components.gate import ScopeGate
    from nlu.components.normaliser import TextNormaliser

    messages = [Message(data={TEXT: row.text}) for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        storage, metadata = LocalModelStorage.from_model_archive(Path(folder), model)
        parts: Dict[type, Any] = {}
        for node in metadata.predict_schema.nodes.values():
            if node.uses in (LengthFreeLogisticRegression, ScopeGate, SentenceEncoderFeaturizer):
                config = {**node.uses.get_default_config(), **node.config}
                context = ExecutionContext(GraphSchema({}), node_name="fit")
                parts[node.uses] = node.uses.load(config, storage, node.resource, context)
    parts[SentenceEncoderFeaturizer].process(TextNormaliser({}).process(messages))
    logits = parts[LengthFreeLogisticRegression].logits(messages)
    distances = np.array([parts[ScopeGate].distance(message) for message in messages])
    return Heard(parts[LengthFreeLogisticRegression].intents, logits, distances)


def fitted(rows: Sequence[Row], said: Heard) -> Dict[str, float]:
    """Return the numbers for config.yml."""
    temperature = min(_TEMPERATURES, key=lambda t: _surprise(rows, said, _shares(said.logits, t)))
    shares = _shares(said.logits, temperature)
    return {"temperature": temperature, **_gate(rows, said, shares), "emergency_from": _danger_from(rows, said, shares)}


def _shares(logits: np.ndarray, temperature: float) -> np.ndarray:
    odds = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _surprise(rows: Sequence[Row], said: Heard, shares: np.ndarray) -> float:
    """Return the negative log-likelihood: the labels that are right share their row's probability."""
    right = np.array([[name in row.intents for name in said.intents] for row in rows])
    return float(-np.log((shares * right).sum(axis=1) + 1e-9).mean())


def _gate(rows: Sequence[Row], said: Heard, shares: np.ndarray) -> Dict[str, float]:
    from sklearn.linear_model import LogisticRegression

    outside = np.clip(shares[:, said.intents.index(OUTSIDE)], 1e-6, 1 - 1e-6)
    features = np.column_stack([said.distances, np.log(1 - outside) - np.log(outside)])
    clear = np.array([row.intent == OUTSIDE or OUTSIDE not in row.intents for row in rows])
    inside = np.array([row.intent != OUTSIDE for row in rows])
    model = LogisticRegression(class_weight="balanced").fit(features[clear], inside[clear])
    scores = features @ model.coef_[0]
    bias = threshold(-scores[clear & inside], FALSE_REJECTION)
    return {"distance": model.coef_[0][0], "classifier": model.coef_[0][1], "bias": bias}


def _danger_from(rows: Sequence[Row], said: Heard, shares: np.ndarray) -> float:
    """Return the lowest probability from which on few enough of what is no danger is taken for one; half at most."""
    danger = shares[:, said.intents.index(_DANGER)]
    harmless = danger[np.array([_DANGER not in row.intents for row in rows])]
    starts = np.arange(0.05, 0.5, 0.01)
    few = [start for start in starts if (harmless >= start).mean() <= _FALSE_ALARMS]
    return float(few[0]) if few else 0.5

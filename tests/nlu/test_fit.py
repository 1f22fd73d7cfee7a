"""The numbers fitted on the dev sets do what they are fitted for."""

from __future__ import annotations

import numpy as np
import pytest

from nlu.quality.fit import Heard, fitted
from nlu.quality.sets import Row

INTENTS = ["ask_service", "emergency", "out_of_scope"]
N = 300  # rows of each intent


@pytest.fixture(scope="module")
def rows():
    return [Row("", intent, frozenset([intent]), "") for intent in INTENTS for _ in range(N)]


def said(rows, sureness: float) -> Heard:
    """Return what a model says that is right in four of five rows and ``sureness`` times surer than it should be."""
    rng = np.random.default_rng(1)
    right = np.array([INTENTS.index(row.intent) for row in rows])
    shown = np.where(rng.random(len(rows)) < 0.8, right, (right + 1) % 3)
    logits = np.eye(3)[shown] * 1.4 * sureness
    distances = np.where(right == 2, -2.0, 2.0) + rng.normal(size=len(rows))
    return Heard(INTENTS, logits, distances)


def test_the_surer_the_model_is_of_itself_the_higher_the_temperature(rows) -> None:
    assert fitted(rows, said(rows, 2.0))["temperature"] > fitted(rows, said(rows, 1.2))["temperature"]


def test_the_gate_turns_away_what_it_may_and_no_more(rows) -> None:
    heard = said(rows, 1.0)
    numbers = fitted(rows, heard)
    shares = np.exp(heard.logits / numbers["temperature"])
    outside = shares[:, 2] / shares.sum(axis=1)
    odds = numbers["distance"] * heard.distances + numbers["classifier"] * np.log((1 - outside) / outside)
    refused = odds + numbers["bias"] < 0
    inside = np.array([row.intent != "out_of_scope" for row in rows])
    assert refused[inside].mean() == pytest.approx(0.03, abs=0.005)
    assert refused[~inside].mean() > 0.8


def test_a_danger_need_not_be_the_likeliest(rows) -> None:
    shares = np.array([[0.6, 0.3, 0.1] if row.intent == "emergency" else [0.85, 0.05, 0.1] for row in rows])
    numbers = fitted(rows, Heard(INTENTS, np.log(shares), np.zeros(len(rows))))
    seen = np.exp(np.log(shares) / numbers["temperature"])
    danger = (seen / seen.sum(axis=1, keepdims=True))[:, 1]
    alarm = danger >= numbers["emergency_from"]
    assert list(alarm) == [row.intent == "emergency" for row in rows]

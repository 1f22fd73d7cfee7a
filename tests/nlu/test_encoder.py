"""The encoder keeps the vectors of texts it has seen, as many as it may."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

import nlu.components.encoder as encoder
from nlu.components.base import VECTOR


class Engine:
    """Counts what it encodes."""

    dim = 3

    def __init__(self, folder: object) -> None:
        self.asked = []

    def query(self, texts):
        self.asked += texts
        return np.asarray([[len(text), 0, 1] for text in texts], dtype=np.float32)


@pytest.fixture
def featurizer(monkeypatch):
    monkeypatch.setattr(encoder, "E5Engine", Engine)
    monkeypatch.setattr(encoder, "encoder_folder", lambda: Path("e5"))
    monkeypatch.setattr(encoder, "_KNOWN", 5)
    return encoder.SentenceEncoderFeaturizer(
        encoder.SentenceEncoderFeaturizer.get_default_config(), "encoder", None, None
    )


def vectors(featurizer, *texts):
    messages = [Message({TEXT: text}) for text in texts]
    featurizer.process(messages)
    return [message.get(VECTOR)[0] for message in messages]


def test_the_same_text_is_encoded_once(featurizer):
    assert vectors(featurizer, "一", "二二", "一") == [1, 2, 1]
    assert vectors(featurizer, "二二", "三三三") == [2, 3]
    assert featurizer._engine.asked == ["一", "二二", "三三三"]


def test_it_keeps_no_more_than_it_may_and_the_latest_longest(featurizer):
    vectors(featurizer, *"abcde")
    vectors(featurizer, "a", "f")
    assert len(featurizer._known) == 5
    vectors(featurizer, "a", "b")
    assert featurizer._engine.asked == [*"abcdef", "b"]


def test_a_second_training_encodes_only_what_is_new(featurizer, monkeypatch, tmp_path):
    monkeypatch.setattr(encoder, "encoder_folder", lambda: tmp_path / "e5")

    def train(*texts):
        examples = [Message({TEXT: text}) for text in texts]
        encoder._encode_examples(featurizer._encode, examples)
        featurizer._known.clear()
        return [message.get(VECTOR)[0] for message in examples]

    assert train("一", "二二") == [1, 2]
    assert train("二二", "三三三") == [2, 3]
    assert featurizer._engine.asked == ["一", "二二", "三三三"]
    (tmp_path / "e5.vectors.npz").write_bytes(b"broken")
    assert train("一") == [1]


def test_an_example_is_fingerprinted_by_its_numbers(featurizer, monkeypatch, tmp_path):
    monkeypatch.setattr(encoder, "encoder_folder", lambda: tmp_path / "e5")
    examples = [Message({TEXT: "一"}), Message({TEXT: "二二"})]
    encoder._encode_examples(featurizer._encode, examples)
    one, other = (message.get(VECTOR) for message in examples)
    assert one.fingerprint() != other.fingerprint()
    again = Message({TEXT: "一"})
    encoder._encode_examples(featurizer._encode, [again])
    assert again.get(VECTOR).fingerprint() == one.fingerprint()
    assert again.fingerprint() == examples[0].fingerprint()  # Rasa's, of text and vector

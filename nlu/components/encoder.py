"""The bundled sentence encoder as a dense featurizer. The vector travels on to the search."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional
from zipfile import BadZipFile

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from knowledge.e5_engine import E5Engine
from knowledge.normalise import MAX_QUERY
from nlu.components.base import VECTOR
from nlu.encoder_folder import encoder_folder, kept_vectors

logger = logging.getLogger(__name__)
_BATCH = 64
_KNOWN = 4096  # texts whose vector is kept: 6 MB


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class SentenceEncoderFeaturizer(DenseFeaturizer, GraphComponent):
    """multilingual-e5-small, trained on our field, centred: e5's vectors lie in a narrow cone.

    The feature is ``scale`` times the vector less the training examples' mean; the vector
    itself, of length 1, is kept under VECTOR.
    """

    def __init__(
        self,
        config: Dict[str, Any],
        name: str,
        model_storage: ModelStorage,
        resource: Resource,
        mean: Optional[np.ndarray] = None,
    ) -> None:
        super().__init__(name, config)
        self._storage = model_storage
        self._resource = resource
        self._engine = E5Engine(encoder_folder())
        self._known: "OrderedDict[str, np.ndarray]" = OrderedDict()
        self._lock = threading.Lock()
        self._mean = mean if mean is not None else np.zeros(self._engine.dim, dtype=np.float32)

    @classmethod
    def required_components(cls) -> List[type]:
        """Nothing need come before: the encoder has its own tokenizer."""
        return []

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """``scale``: how much the vector weighs beside the sparse features."""
        return {**DenseFeaturizer.get_default_config(), "scale": 12.0}

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "SentenceEncoderFeaturizer":
        """Create an untrained featurizer."""
        return cls(config, execution_context.node_name, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "SentenceEncoderFeaturizer":
        """Load the training examples' mean."""
        with model_storage.read_from(resource) as folder:
            mean = np.load(folder / "mean.npy", allow_pickle=False)
        return cls(config, execution_context.node_name, model_storage, resource, mean)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the mean of the examples' vectors. Those of the last training are taken from its file."""
        _encode_examples(self._encode, training_data.training_examples)
        vectors = [message.get(VECTOR) for message in training_data.training_examples if message.get(TEXT)]
        self._mean = np.mean(vectors, axis=0).astype(np.float32)
        with self._storage.write_to(self._resource) as folder:
            np.save(folder / "mean.npy", self._mean)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the sentence feature, shape (1, 384), of every message with a text."""
        self._encode(messages)
        for message in messages:
            if message.get(TEXT):
                feature = (message.get(VECTOR) - self._mean) * self._config["scale"]
                self.add_features_to_message(None, feature[np.newaxis, :], TEXT, message)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Set the feature of every example."""
        # Rasa may have taken the training from its cache, and then nothing is encoded yet.
        _encode_examples(self._encode, training_data.training_examples)
        self.process(training_data.training_examples)
        return training_data

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Nothing to check: the defaults hold."""

    def _encode(self, messages: List[Message]) -> None:
        waiting = [message for message in messages if message.get(TEXT) and message.get(VECTOR) is None]
        for start in range(0, len(waiting), _BATCH):
            batch = waiting[start : start + _BATCH]
            texts = [message.get(TEXT)[:MAX_QUERY] for message in batch]
            # People ask the same things in the same words, and one encoding is most of a message's cost.
            with self._lock:
                vectors = {text: self._known[text] for text in texts if text in self._known}
            new = [text for text in dict.fromkeys(texts) if text not in vectors]
            if new:
                vectors.update(zip(new, self._engine.query(new), strict=True))
            for message, text in zip(batch, texts, strict=True):
                message.set(VECTOR, vectors[text])
            with self._lock:  # two messages may be understood at once (nlu/quicker.py)
                for text, vector in vectors.items():
                    self._known[text] = vector
                    self._known.move_to_end(text)
                while len(self._known) > _KNOWN:
                    self._known.popitem(last=False)


class _Fingerprinted(np.ndarray):
    """An example's vector. Rasa fingerprints all examples before and after each step, and would print each number."""

    def fingerprint(self) -> str:
        """Return a hash of the numbers."""
        return hashlib.sha256(self.tobytes()).hexdigest()


def _encode_examples(encode: Callable[[List[Message]], None], examples: List[Message]) -> None:
    """Set the vectors of ``examples``; encoding is most of a training, so they are kept beside the encoder's folder."""
    file = kept_vectors(encoder_folder())
    kept: Dict[str, np.ndarray] = {}
    if file.exists():
        try:
            with np.load(file, allow_pickle=False) as arrays:
                kept = dict(zip(arrays["texts"].tolist(), arrays["vectors"].astype(np.float32), strict=True))
        except (OSError, ValueError, KeyError, BadZipFile):
            logger.warning("%s cannot be read; all examples are encoded anew", file)
    for message in examples:
        if message.get(TEXT) in kept:
            message.set(VECTOR, kept[message.get(TEXT)])
    encode(examples)
    for message in examples:
        if message.get(VECTOR) is not None:
            message.set(VECTOR, message.get(VECTOR).view(_Fingerprinted))
    vectors = {message.get(TEXT): message.get(VECTOR) for message in examples if message.get(TEXT)}
    if not vectors.keys() <= kept.keys():
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".new-", suffix=".npz")
        with os.fdopen(handle, "wb") as out:
            np.savez(out, texts=np.array(list(vectors)), vectors=np.array(list(vectors.values())).astype(np.float16))
        Path(draft).replace(file)

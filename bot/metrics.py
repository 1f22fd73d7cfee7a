"""What is counted while messages are answered. docs/operations.md lists every figure.

Labels have few values, none of them from a person: a value nobody foresaw counts as "other".
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from knowledge.reply import EmergencyBlock, Outcome, Reply

STEPS = ("receive", "guard", "hand_over", "understand", "record")
CHANNELS = ("web", "telegram", "signed", "terminal", "cli")
_MADE_BY_US = re.compile(r"[a-z_]{1,40}")
_MOST_VALUES = 100  # of a label
_STEP_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
_ANSWER_S = (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 3, 5, 10, 30)
_HANDED = (Outcome.HANDED_OFF_REQUESTED, Outcome.HANDED_OFF_MISSES, Outcome.GUARDED_ABUSE)


class Metrics:
    """The figures of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._step = Histogram(
            "advisor_step_seconds", "Time of a step of the path", ["step"], registry=registry, buckets=_STEP_S
        )
        self._answer = Histogram(
            "advisor_answer_seconds",
            "From a message's coming in to its recorded answer",
            ["channel"],
            registry=registry,
            buckets=_ANSWER_S,
        )
        self._turns = Counter("advisor_turns", "Answers by how they ended", ["channel", "outcome"], registry=registry)
        self._intents = Counter("advisor_intents", "Answers by what was understood", ["intent"], registry=registry)
        self._degraded = Counter(
            "advisor_degraded", "Answers by search alone, without the dialogue server", registry=registry
        )
        self._handoffs = Counter("advisor_handoffs", "Answers that put somebody into the queue", registry=registry)
        self._emergencies = Counter("advisor_emergencies", "Answers to a danger", ["danger"], registry=registry)
        self._errors = Counter("advisor_errors", "Messages in which something of ours broke", ["at"], registry=registry)
        self._http = Counter(
            "advisor_http_requests", "Requests by route", ["method", "route", "status"], registry=registry
        )
        self._values: dict[str, set[str]] = {}
        for step in STEPS:  # so that a figure is there before it happens: then its first rise is seen
            self._step.labels(step)
        for at in ("store", "answer", "record"):
            self._errors.labels(at)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._step.labels(name).observe(time.perf_counter() - began)

    def answered(self, channel: str, reply: Reply, took_s: float | None) -> None:
        """Count an answer; ``took_s`` is None where it says nothing, as for one from before a restart."""
        channel = channel if channel in CHANNELS else "other"
        outcome = reply.outcome
        self._turns.labels(channel, outcome.value).inc()
        self._intents.labels(self._bounded("intent", reply.evidence.intent or "none")).inc()
        if took_s is not None:
            self._answer.labels(channel).observe(max(took_s, 0.0))
        if outcome is Outcome.ERROR_DIALOGUE_DOWN:
            self._degraded.inc()
        if outcome in _HANDED:
            self._handoffs.inc()
        if outcome is Outcome.GUARDED_EMERGENCY:
            danger = next((block.danger for block in reply.blocks if isinstance(block, EmergencyBlock)), "none")
            self._emergencies.labels(self._bounded("danger", danger)).inc()

    def broke(self, at: str) -> None:
        """Count an error: at store, answer or record."""
        self._errors.labels(at).inc()

    def requested(self, method: str, route: str | None, status: int) -> None:
        """Count a request; ``route`` is the route's pattern, never the address itself."""
        method = method if method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS") else "other"
        self._http.labels(method, route or "other", str(status)).inc()

    def _bounded(self, label: str, value: str) -> str:
        known = self._values.setdefault(label, set())
        if value not in known:
            if len(known) >= _MOST_VALUES or not _MADE_BY_US.fullmatch(value):
                return "other"
            known.add(value)
        return value

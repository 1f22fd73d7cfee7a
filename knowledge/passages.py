"""Which texts stand for a service in the index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from knowledge.normalise import normalise_listed
from knowledge.schema import Service


class PassageKind(StrEnum):
    """Where in a service the text stands."""

    NAME = "name"
    ALIAS = "alias"
    SUMMARY = "summary"
    CONTENT = "content"
    TOPIC = "topic"
    QUESTION = "question"


@dataclass(frozen=True)
class Passage:
    """One indexed text of one service."""

    service_id: str
    kind: PassageKind
    text: str


def passages(services: Iterable[Service]) -> Iterator[Passage]:
    """Yield the passages of all services, in a stable order, as normal text."""
    for service in services:
        texts = [
            (PassageKind.NAME, service.name),
            *((PassageKind.ALIAS, alias) for alias in service.aliases),
            (PassageKind.SUMMARY, f"{service.name}：{service.summary}"),
            (PassageKind.CONTENT, f"{service.name}：{service.who or ''}{service.content}"),
            *((PassageKind.TOPIC, f"{service.name}：{topic.text}") for topic in service.topics),
            *((PassageKind.QUESTION, question) for question in service.questions),
        ]
        for kind, text in texts:
            yield Passage(service.id, kind, normalise_listed(text))

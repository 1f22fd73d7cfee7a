"""What the encoder is trained on: the intents' utterances, and what was asked about which service."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from knowledge.normalise import DATA, normalise
from knowledge.passages import PassageKind, passages
from knowledge.schema import Service
from knowledge.words import ASKED, asked

UTTERANCES = DATA.parents[1] / "nlu" / "data" / "nlu"


@dataclass(frozen=True)
class Said:
    """An utterance: its intent's number, and the services it means (none where it names none)."""

    text: str
    intent: int
    services: tuple[str, ...]


@dataclass(frozen=True)
class Lessons:
    """All that is learnt from, as normal text; ``about`` holds each service's passages."""

    said: tuple[Said, ...]
    intents: tuple[str, ...]
    asked: tuple[tuple[str, str], ...]  # a question of the list, and its service
    about: dict[str, tuple[str, ...]]


def lessons(services: Sequence[Service], utterances: Path, asked_file: Path = ASKED) -> Lessons:
    """Return the lessons in the folder ``utterances`` (Rasa's YAML) and the file ``asked_file``."""
    meant = dict(asked(asked_file))
    by_text: dict[str, str] = {}
    for file in sorted(utterances.glob("*.yml")):
        for block in yaml.safe_load(file.read_text(encoding="utf-8"))["nlu"]:
            for line in block["examples"].splitlines():
                if line.strip():
                    by_text.setdefault(_normal(line.strip()[2:]), block["intent"])
    intents = tuple(sorted(set(by_text.values())))
    number = {intent: position for position, intent in enumerate(intents)}
    about: dict[str, list[str]] = {}
    questions = []
    for passage in passages(services):
        about.setdefault(passage.service_id, []).append(passage.text)
        if passage.kind is PassageKind.QUESTION:
            questions.append((passage.text, passage.service_id))
    said = tuple(
        Said(text, number[intent], tuple(id_ for id_ in meant.get(text, ()) if id_ in about))
        for text, intent in by_text.items()
    )
    return Lessons(said, intents, tuple(questions), {id_: tuple(texts) for id_, texts in about.items()})


def batches(said: Sequence[Said], size: int, rng: random.Random) -> list[list[Said]]:
    """Return all of ``said`` in random batches of about one length: padding costs time."""
    mixed = rng.sample(said, len(said))
    made: list[list[Said]] = []
    for start in range(0, len(mixed), size * 20):
        near = sorted(mixed[start : start + size * 20], key=lambda each: len(each.text))
        made += [near[at : at + size] for at in range(0, len(near), size)]
    rng.shuffle(made)
    return made


def _normal(text: str) -> str:
    return normalise(text) or text

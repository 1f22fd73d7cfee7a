"""Measures whether answers are in plain language; the limits are those of the design, section 7."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from knowledge.answer import ASPECTS, MAX_ANSWER, MAX_LEAD, Asked, compose, length
from knowledge.reply import AnswerBlock
from knowledge.schema import Service
from knowledge.terms import unexplained

MAX_SENTENCE = 25
_BRACKETED = re.compile(r"（[^（）]*）")
_ENDS = re.compile(r"[。！？；：\n]")


@dataclass(frozen=True)
class Offence:
    """One thing in one answer that is hard to read."""

    service_id: str
    aspect: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.service_id} · {self.aspect}: {self.rule}: {self.text}"


def offences(services: Iterable[Service], today: date) -> Iterator[Offence]:
    """Yield every offence of every aspect of every service."""
    for service in services:
        seen: set[tuple[str, str]] = set()
        topics = [
            (f"topic {topic.words[0]}", Asked(today, text=topic.words[0].replace("&", ""))) for topic in service.topics
        ]
        for aspect, asked in [*((aspect, Asked(today)) for aspect in ASPECTS), *topics]:
            block, _ = compose(service, aspect, asked)
            for rule, text in _of_block(block):
                if (rule, text) not in seen:  # the same sentence in two aspects is one thing to mend
                    seen.add((rule, text))
                    yield Offence(service.id, aspect, rule, text)


def _of_block(block: AnswerBlock) -> Iterator[tuple[str, str]]:
    texts = [block.lead, *block.points, *([block.how] if block.how else [])]
    for text in texts:
        for sentence in _ENDS.split(_BRACKETED.sub("", text)):
            if length(sentence) > MAX_SENTENCE:
                yield f"a sentence of {length(sentence)} characters (at most {MAX_SENTENCE})", sentence
    if length(block.lead) > MAX_LEAD:
        yield f"a lead of {length(block.lead)} characters (at most {MAX_LEAD})", block.lead
    whole = "".join(texts)
    if length(whole) > MAX_ANSWER:
        yield f"an answer of {length(whole)} characters (at most {MAX_ANSWER})", whole
    for term in unexplained(block.title, texts):
        yield "a term without its explanation", term

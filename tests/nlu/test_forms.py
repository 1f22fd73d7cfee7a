"""Pain 1: blanks between Chinese characters, full-width ones, or English around them change no intent."""

from __future__ import annotations

import asyncio
import csv
import os
from pathlib import Path

import pytest
from rasa.core.agent import Agent

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "var" / "models" / "advisor.tar.gz"
FORMS = {
    "a blank between all": " ".join,
    "a full-width blank between all": "\u3000".join,
    "English before it": lambda text: f"please {text}",
}
SIZE = None if os.environ.get("ADVISOR_SOAK") else 60


@pytest.fixture(scope="module")
def agent() -> Agent:
    assert MODEL.exists(), "make train"
    return Agent.load(str(MODEL))


def questions() -> list[str]:
    with (ROOT / "tests" / "quality" / "questions_dev.tsv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file, delimiter="\t") if not row["context"]]
    return texts[:SIZE]


def test_a_question_in_four_forms_has_one_intent(agent: Agent) -> None:
    async def intent_of(text: str) -> str:
        return str((await agent.parse_message(text))["intent"]["name"])

    async def all_of(texts: list[str]) -> list[str]:
        return [await intent_of(text) for text in texts]

    plain = asyncio.run(all_of(questions()))
    for name, form in FORMS.items():
        changed = asyncio.run(all_of([form(text) for text in questions()]))
        same = sum(a == b for a, b in zip(plain, changed))  # noqa: B905 (Python 3.10 of nlu: either is fine)
        assert same >= 0.95 * len(plain), (name, same, len(plain))

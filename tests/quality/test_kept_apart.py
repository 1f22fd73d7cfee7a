"""What measures the system must not be what it learnt from: checked by encoder distance."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import yaml

from knowledge.encoder import SentenceEncoder
from knowledge.normalise import normalise
from knowledge.settings import KnowledgeSettings
from knowledge.store import load

pytestmark = pytest.mark.processes
ROOT = Path(__file__).resolve().parents[2]
NEAR = 0.985  # cosine of multilingual-e5-small; paraphrases of one question lie below 0.98
SHORT = 4  # greetings and single words cannot be told apart from a copy


def learnt() -> list[str]:
    texts = [question for service in load() for question in service.questions]
    for file in (ROOT / "nlu/data/nlu").glob("*.yml"):
        for block in yaml.safe_load(file.read_text())["nlu"]:
            texts += [line[2:].strip() for line in block["examples"].splitlines()]
    return [normalise(text) or text for text in texts]


@pytest.mark.parametrize("file", sorted(Path(__file__).parent.glob("*.tsv")), ids=lambda file: file.stem)
def test_no_question_of_the_set_or_near_copy_of_one_was_learnt_from(file: Path) -> None:
    with file.open(encoding="utf-8") as handle:
        asked = [normalise(row["text"]) for row in csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)]
    asked = [text for text in asked if len(text) > SHORT]
    known = learnt()
    encoder = SentenceEncoder(KnowledgeSettings().encoder)
    similar = (
        encoder.queries(asked) @ np.vstack([encoder.queries(known[i : i + 64]) for i in range(0, len(known), 64)]).T
    )
    copies = [
        (asked[row], known[int(similar[row].argmax())]) for row in range(len(asked)) if similar[row].max() >= NEAR
    ]
    assert copies == []

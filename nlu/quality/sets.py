"""Reads the training data and the evaluation sets, each row with the place it stands in."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import FrozenSet, List

ROOT = Path(__file__).resolve().parents[2]
TRAINING = ROOT / "nlu" / "data" / "nlu"
EVALUATION = ROOT / "tests" / "quality"
OUTSIDE = "out_of_scope"


@dataclass(frozen=True)
class Row:
    """An utterance and its label; ``intents`` are all labels that are right, ``where`` is file:line."""

    text: str
    intent: str
    intents: FrozenSet[str]
    where: str
    in_context: bool = False  # needs the turns before it


def training(folder: Path = TRAINING) -> List[Row]:
    """Return the training utterances. Raises ValueError, with the line, where a file is not as it should be."""
    rows: List[Row] = []
    for file in sorted(folder.glob("*.yml")):
        intent = ""
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            stripped = line.strip()
            if stripped.startswith("- intent:"):
                intent = stripped.split(":", 1)[1].strip()
            elif line.startswith("    - "):
                text = stripped[2:].strip()
                if not intent or not text:
                    raise ValueError(f"{file.name}:{number}: an example without a text or outside an intent")
                rows.append(Row(text, intent, frozenset([intent]), f"{file.name}:{number}"))
    return rows


def evaluation(file: Path) -> List[Row]:
    """Return the rows of a .tsv of section 10 of the design. Raises KeyError where a column is missing."""
    rows = []
    with file.open(encoding="utf-8", newline="") as handle:
        for number, raw in enumerate(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
            intent = raw["intent"].strip()
            right = frozenset([intent, *raw["intent_alt"].split()])
            rows.append(Row(raw["text"], intent, right, f"{file.name}:{number}", bool((raw["context"] or "").strip())))
    return rows

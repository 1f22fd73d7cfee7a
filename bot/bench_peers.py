"""``advisor bench peers``: our search beside what else one could take, in one run on the same questions."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from bot.evaluate import Row, read_rows
from bot.settings import GatewaySettings
from knowledge.encoder import Encoder, SentenceEncoder
from knowledge.field_encoder import BUNDLED
from knowledge.lexical import LexicalIndex
from knowledge.library import Library
from knowledge.normalise import normalise
from knowledge.passages import PassageKind
from knowledge.search import ServiceSearch

SETS = ("questions_dev", "written_dev", "written_test")
_RESAMPLED = 2_000
_TOP = 10
Ranker = Callable[[str], list[str]]


@dataclass(frozen=True)
class Figures:
    """How good a ranking is: recall@1 with its 95 % interval, recall@3, mean reciprocal rank, milliseconds."""

    n: int
    recall_at_1: float
    low: float
    high: float
    recall_at_3: float
    mrr: float
    p50_ms: float


def measure(library: Library, settings: GatewaySettings, say: Callable[[str], None]) -> dict[str, dict[str, Figures]]:
    """Return the figures of each peer on each set; rows that need the turns before them are left out."""
    sets = {
        name: [
            row
            for row in read_rows(Path("tests/quality") / f"{name}.tsv")
            if row.services and not row.earlier and not row.bot_only
        ]
        for name in SETS
    }
    found: dict[str, dict[str, Figures]] = {}
    for peer, ranker in _peers(library).items():
        say(peer)
        ranker(normalise("长护险"))  # what is loaded lazily is loaded
        found[peer] = {name: _figures(rows, *_asked(rows, ranker)) for name, rows in sets.items()}
    _draw_risk(library, settings, sets)
    say("Rasa's ResponseSelector (training)")
    found["ResponseSelector (Rasa)"] = _selector(library, settings, sets)
    return found


def _draw_risk(library: Library, settings: GatewaySettings, sets: dict[str, list[Row]]) -> None:
    """Draw docs/quality/risk_coverage.png: how much can be answered, and how much of that is wrong."""
    answers = {}
    for name, rows in sets.items():
        best = [(row, library.find(row.text, 1)[0]) for row in rows]
        answers[name] = [(match.score, float(match.service_id in row.services)) for row, match in best]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answers.json"
        file.write_text(json.dumps(answers), encoding="utf-8")
        _in_dialogue(settings, "risk", file, Path("docs/quality/risk_coverage.png"))


def _in_dialogue(settings: GatewaySettings, *arguments: str | Path) -> None:
    command = [settings.dialogue_python, "-m", "nlu.quality", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 (our own program)


def table(found: dict[str, dict[str, Figures]]) -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| | " + " | ".join(SETS) + " | p50 |", "|---" * (len(SETS) + 2) + "|"]
    for peer, by_set in found.items():
        cells = [
            f"{f.recall_at_1:.2f} ({f.low:.2f} to {f.high:.2f}) / {f.recall_at_3:.2f} / {f.mrr:.2f}"
            for f in by_set.values()
        ]
        lines.append(f"| {peer} | " + " | ".join(cells) + f" | {by_set[SETS[1]].p50_ms:.1f} ms |")
    return "\n".join(lines)


def _peers(library: Library) -> dict[str, Ranker]:
    search, index = library.search, library.search.index
    owners = [passage.service_id for passage in index.passages]
    texts = [passage.text for passage in index.passages]
    lexical = LexicalIndex(texts)
    raw = SentenceEncoder(BUNDLED)
    raw_rows = raw.passages(texts)
    ours = library.encoder
    vectors = index.vectors()
    own_rows = np.vstack([vectors[text] for text in texts])

    def brute(encoder: Encoder, rows: np.ndarray) -> Ranker:
        def rank(text: str) -> list[str]:
            vector = encoder.queries([text])[0]
            with threadpool_limits(1):  # else numpy's threads and the encoder's fight over the cores
                return _best(rows @ vector, owners)

        return rank

    def fused(of: ServiceSearch, encoder: Encoder | None) -> Ranker:
        return lambda text: [
            match.service_id for match in of.search(text, encoder.queries([text])[0] if encoder else None, _TOP)
        ]

    def by_words(text: str) -> list[str]:
        odds = search.words.odds(text)
        return [search.service_ids[at] for at in np.argsort(-odds)[:_TOP]]

    return {
        "BM25": lambda text: _best(lexical.scores(text), owners),
        "raw encoder, brute force (numpy)": brute(raw, raw_rows),
        "our encoder, brute force (numpy)": brute(ours, own_rows),
        "people's words alone": by_words,
        "ours without the encoder": fused(search, None),
        "ours": fused(search, ours),
    }


def _best(scores: np.ndarray, owners: Sequence[str]) -> list[str]:
    order = np.argsort(-scores, kind="stable")[:300]
    return list(dict.fromkeys(owners[at] for at in order))[:_TOP]


def _asked(rows: Sequence[Row], ranker: Ranker) -> tuple[list[list[str]], list[float]]:
    rankings, took = [], []
    for row in rows:
        text = normalise(row.text)
        began = time.perf_counter()
        rankings.append(ranker(text))
        took.append((time.perf_counter() - began) * 1000)
    return rankings, took


def _figures(rows: Sequence[Row], rankings: Sequence[Sequence[str]], took: Sequence[float]) -> Figures:
    places = np.array(
        [
            next((at for at, service in enumerate(ranking, 1) if service in row.services), 0)
            for row, ranking in zip(rows, rankings, strict=True)
        ]
    )
    first = places == 1
    rng = np.random.default_rng(1)
    again = first[rng.integers(0, len(first), (_RESAMPLED, len(first)))].mean(axis=1)  # bootstrap (Efron 1979)
    low, high = np.quantile(again, [0.025, 0.975])
    within = (places >= 1) & (places <= 3)
    reciprocal = np.where(places > 0, 1.0 / np.maximum(places, 1), 0.0)
    return Figures(
        len(rows),
        float(first.mean()),
        float(low),
        float(high),
        float(within.mean()),
        float(reciprocal.mean()),
        float(np.median(took)),
    )


def _selector(library: Library, settings: GatewaySettings, sets: dict[str, list[Row]]) -> dict[str, Figures]:
    kinds = (PassageKind.QUESTION, PassageKind.NAME, PassageKind.ALIAS)
    listed: dict[str, list[str]] = {}
    for passage in library.search.index.passages:
        if passage.kind in kinds:
            listed.setdefault(passage.service_id, []).append(passage.text)
    rows = [row for of in sets.values() for row in of]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("list.json", "questions.json", "out.json")]
        files[0].write_text(json.dumps(listed, ensure_ascii=False), encoding="utf-8")
        files[1].write_text(json.dumps([normalise(row.text) for row in rows], ensure_ascii=False), encoding="utf-8")
        _in_dialogue(settings, "selector", *files)
        answers = json.loads(files[2].read_text(encoding="utf-8"))["found"]
    found, start = {}, 0
    for name, of in sets.items():
        part = answers[start : start + len(of)]
        start += len(of)
        found[name] = _figures(of, [each["services"] for each in part], [each["ms"] for each in part])
    return found

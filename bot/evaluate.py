"""Measures the running system on a set of questions: section 10 of the design."""

from __future__ import annotations

import csv
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.client import AdvisorClient
from knowledge.plain_text import plain_text
from knowledge.reply import AnswerBlock, Outcome, Reply

_COLUMNS = {"text", "context", "intent", "intent_alt", "service"}
CONFIDENT_OUTCOMES = {Outcome.ANSWERED_SERVICE, Outcome.ANSWERED_REFERRAL, Outcome.ANSWERED_SEVERAL}


class EvaluationSetError(Exception):
    """The file is not a set of questions; the message says what is wrong with it."""


@dataclass(frozen=True)
class Row:
    """One question and what is right."""

    id: str
    text: str
    earlier: tuple[str, ...]  # the user's earlier turns
    bot_only: bool  # the context has only turns of the bot
    intent: str
    intents: frozenset[str]  # all that are right
    services: frozenset[str]


@dataclass(frozen=True)
class Result:
    """A question and the system's reply."""

    row: Row
    reply: Reply

    @property
    def intent(self) -> str:
        """Return the intent understood."""
        return self.reply.evidence.intent or "none"

    @property
    def ranking(self) -> list[str]:
        """Return the services found, best first; those answered stand before the rest."""
        found = [service_id for service_id, _ in self.reply.evidence.ranking]
        return list(dict.fromkeys([*self.reply.service_ids(), *found]))


def read_rows(file: Path) -> list[Row]:
    """Return the rows of a .tsv file. Raises EvaluationSetError."""
    try:
        with file.open(encoding="utf-8", newline="") as handle:
            raw = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationSetError(f"{file} cannot be read: {error}") from error
    missing = _COLUMNS - set(raw[0] if raw else ())
    if missing:
        raise EvaluationSetError(f"{file}: the columns {sorted(missing)} are missing; the first line must name them")
    return [_row(number, row) for number, row in enumerate(raw, 1)]


def _row(number: int, raw: dict[str, str | None]) -> Row:
    cells = {name: (value or "").strip() for name, value in raw.items() if name}
    turns = [turn.strip() for turn in cells["context"].split(" | ") if turn.strip()]
    earlier = tuple(turn.removeprefix("user:").strip() for turn in turns if turn.startswith("user:"))
    return Row(
        id=cells.get("id") or str(number),
        text=cells["text"],
        earlier=earlier,
        bot_only=bool(turns) and not earlier,
        intent=cells["intent"],
        intents=frozenset([cells["intent"], *cells["intent_alt"].split()]),
        services=frozenset(cells["service"].split()),
    )


async def evaluate_file(file: Path, client: AdvisorClient, answers: Path | None) -> dict[str, float | int | None]:
    """Ask every question of ``file`` and return the figures; ``answers`` gets a row for each."""
    results = []
    try:
        for row in read_rows(file):
            conversation = f"evaluate:{uuid.uuid4().hex}"
            for earlier in row.earlier:
                await client.send(conversation, earlier)
            results.append(Result(row, await client.send(conversation, row.text)))
    finally:
        await client.close()
    if answers:
        _write_answers(answers, results)
    return figures(results)


def figures(results: Sequence[Result]) -> dict[str, float | int | None]:
    """Return the figures; a share of nothing is None.

    Rows whose context has only the bot's turns stand in a form that is not asked for yet,
    so they are counted apart in ``seeded_*``.
    """
    scored = [result for result in results if not result.row.bot_only]
    seeded = [result for result in results if result.row.bot_only]
    with_service = [result for result in scored if result.row.services]
    confident = [result for result in with_service if result.reply.outcome in CONFIDENT_OUTCOMES]
    emergencies = [result for result in scored if result.row.intent == "emergency"]
    alarms = [result for result in scored if result.reply.outcome is Outcome.GUARDED_EMERGENCY]
    outside = [result for result in scored if result.row.intent == "out_of_scope"]
    return {
        "n": len(scored),
        "intent_accuracy": _share(scored, lambda r: r.intent == r.row.intent),
        "intent_accuracy_lenient": _share(scored, lambda r: r.intent in r.row.intents),
        "macro_f1": _macro_f1(scored),
        "service_n": len(with_service),
        "service_recall_at_1": _share(with_service, lambda r: bool(r.row.services & set(r.ranking[:1]))),
        "service_recall_at_3": _share(with_service, lambda r: bool(r.row.services & set(r.ranking[:3]))),
        "emergency_recall": _share(emergencies, lambda r: r.reply.outcome is Outcome.GUARDED_EMERGENCY),
        "emergency_precision": _share(alarms, lambda r: "emergency" in r.row.intents),
        "out_of_scope_recall": _share(
            outside, lambda r: r.reply.outcome in (Outcome.UNANSWERED_OUT_OF_SCOPE, Outcome.UNANSWERED_UNKNOWN)
        ),
        "wrong_confident_rate": _share(confident, lambda r: not r.row.services & set(r.reply.service_ids())),
        "seeded_n": len(seeded),
        "seeded_intent_accuracy_lenient": _share(seeded, lambda r: r.intent in r.row.intents),
    }


def _share(results: Sequence[Result], holds) -> float | None:  # type: ignore[no-untyped-def]
    return round(sum(map(holds, results)) / len(results), 4) if results else None


def _macro_f1(results: Sequence[Result]) -> float | None:
    """Return the mean F1 over the intents that occur as the right one (strict)."""
    right: dict[str, int] = defaultdict(int)
    said: dict[str, int] = defaultdict(int)
    true: dict[str, int] = defaultdict(int)
    for result in results:
        true[result.row.intent] += 1
        said[result.intent] += 1
        right[result.row.intent] += result.intent == result.row.intent
    if not true:
        return None
    return round(sum(2 * right[name] / (true[name] + said[name]) for name in true) / len(true), 4)


def _write_answers(file: Path, results: Sequence[Result]) -> None:
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        writer.writerow(["id", "question", "intent", "service", "outcome", "answer"])
        for result in results:
            service = next((b.service_id for b in result.reply.blocks if isinstance(b, AnswerBlock)), "")
            text = plain_text(result.reply).replace("\n", " ⏎ ")
            writer.writerow(
                [
                    result.row.id,
                    result.row.text,
                    result.intent,
                    service or (result.ranking or [""])[0],
                    result.reply.outcome.value,
                    text,
                ]
            )


def table(figures: dict[str, float | int | None]) -> str:
    """Return the figures for reading."""
    return "\n".join(f"{name:32} {'-' if value is None else value}" for name, value in figures.items())

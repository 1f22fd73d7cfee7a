"""``python -m nlu.quality check`` looks the data over; ``measure`` trains and compares pipelines; ``fit`` fits numbers.

Runs in the dialogue environment (Python 3.10). The measures are of the intent model alone;
``advisor evaluate`` measures the whole system.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np

from nlu.noise import VARIANTS
from nlu.quality import checker, figures, pictures
from nlu.quality.figures import Understood
from nlu.quality.sets import EVALUATION, ROOT, Row, evaluation, training

REPORT = ROOT / "docs" / "quality"
MODEL = ROOT / "var" / "models" / "advisor.tar.gz"
_OURS = "ours"
_COMPARED = ("stock", "encoder_logistic", _OURS)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m nlu.quality", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="duplicates, contradictions, near copies between training and evaluation")
    fit = commands.add_parser("fit", help="print the numbers of config.yml that are chosen on the dev sets")
    fit.add_argument("--model", type=Path, default=MODEL, help="the trained model")
    selector = commands.add_parser("selector", help="Rasa's ResponseSelector as FAQ retrieval (advisor bench peers)")
    selector.add_argument("files", nargs=3, type=Path)
    drawn = commands.add_parser("risk", help="draw the risk-coverage curve (advisor bench peers)")
    drawn.add_argument("files", nargs=2, type=Path)
    commands.add_parser("trials", help="compare simple classifiers on the dev sets")
    measure = commands.add_parser("measure", help="train pipelines and measure them on the evaluation sets")
    measure.add_argument(
        "pipelines", nargs="*", default=list(_COMPARED), help="names in nlu/quality/pipelines, or ours"
    )
    measure.add_argument("--report", type=Path, default=REPORT, help="where figures and pictures go")
    arguments = parser.parse_args()
    if arguments.command == "check":
        found = list(_faults())
        print("\n".join(found) or "no duplicates, no contradictions, no near copies")
        sys.exit(1 if found else 0)
    if arguments.command == "fit":
        _fit(arguments.model)
    elif arguments.command == "selector":
        from nlu.quality.selector import select

        select(*arguments.files)
    elif arguments.command == "risk":
        answers = json.loads(arguments.files[0].read_text(encoding="utf-8"))
        pictures.risk(answers, arguments.files[1])
    elif arguments.command == "trials":
        from nlu.quality.trials import trials

        trials()
    else:
        _measure(arguments.pipelines, arguments.report)


def _faults() -> Sequence[str]:
    learnt = training()
    sets = [evaluation(file) for file in sorted(EVALUATION.glob("*.tsv"))]
    asked = [row for rows in sets for row in rows]
    return [
        *checker.doubles(learnt),
        *checker.contradictions(learnt),
        *(line for rows in sets for line in checker.doubles(rows)),
        *checker.near_copies(learnt, asked),
    ]


def _fit(model: Path) -> None:
    from nlu.quality.fit import fitted, heard

    rows = [row for file in sorted(EVALUATION.glob("*_dev.tsv")) for row in evaluation(file) if not row.in_context]
    for name, value in fitted(rows, heard(model, rows)).items():
        print(f"{name}: {value:.2f}")


def _measure(names: Sequence[str], report: Path) -> None:
    from nlu.quality.pipelines import Pipeline

    # A row that needs the turns before it cannot be understood by the model alone.
    sets = {file.stem: [r for r in evaluation(file) if not r.in_context] for file in sorted(EVALUATION.glob("*.tsv"))}
    report.mkdir(parents=True, exist_ok=True)
    found: Dict[str, Dict[str, Dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as work:
        for name in names:
            pipeline = Pipeline(name, Path(work))
            said, took = {}, []
            for key, rows in sets.items():
                said[key], times = pipeline.ask([row.text for row in rows])
                took += times
            found[name] = {key: _figures(rows, said[key]) for key, rows in sets.items()}
            found[name]["all"] = {"training_s": round(pipeline.seconds), "p50_ms": round(float(np.median(took)), 1)}
            _print(name, found[name])
            if name == _OURS:
                _ours(pipeline, sets, said, report, found)
    _write(report, found)


def _ours(pipeline, sets, said, report: Path, found) -> None:  # type: ignore[no-untyped-def]
    for key, rows in sets.items():
        pictures.confusion(rows, said[key], f"{key}: what was understood", report / f"confusion_{key}.png")
        _write_intents(report / f"intents_{key}.md", key, rows, said[key])
    pictures.reliability(sets, said, report / "reliability.png")
    pictures.refusals(sets, said, report / "out_of_scope.png")
    rng = random.Random(20261125)  # noqa: S311 (which words are changed is no secret)
    for key, rows in sets.items():
        for variant, change in VARIANTS.items():
            texts = [change(row.text, rng) for row in rows]
            again, _ = pipeline.ask(texts)
            found[_OURS][key][f"lenient_{variant}"] = round(figures.accuracy(rows, again, strict=False), 4)
    _print("ours, changed", {key: found[_OURS][key] for key in sets})


def _figures(rows: List[Row], said: List[Understood]) -> Dict[str, float]:
    danger = [row.intent == "emergency" for row in rows]
    alarm = [u.intent == "emergency" for u in said]
    hit = sum(d and a for d, a in zip(danger, alarm, strict=True))
    fair = sum(a and "emergency" in row.intents for row, a in zip(rows, alarm, strict=True))
    values = {
        "n": len(rows),
        "accuracy": figures.accuracy(rows, said),
        "accuracy_lenient": figures.accuracy(rows, said, strict=False),
        "macro_f1": figures.macro_f1(rows, said),
        "out_of_scope_recall": figures.outside_recall(rows, said),
        "ece": figures.calibration_error(rows, said),
        "emergency_recall": hit / sum(danger) if any(danger) else float("nan"),
        "emergency_precision": fair / sum(alarm) if any(alarm) else float("nan"),
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def _print(name: str, by_set: Dict[str, Dict[str, float]]) -> None:
    for key, values in by_set.items():
        print(f"{name:18} {key:14} " + "  ".join(f"{k} {v:g}" for k, v in values.items()), flush=True)


def _write_intents(file: Path, key: str, rows: List[Row], said: List[Understood]) -> None:
    lines = [f"# {key}: the intents", "", "| intent | n | precision | recall | F1 |", "|---|---|---|---|---|"]
    for intent, each in figures.by_intent(rows, said).items():
        lines.append(f"| {intent} | {each.n} | {each.precision:.2f} | {each.recall:.2f} | {each.f1:.2f} |")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write(report: Path, found: Dict[str, Dict[str, Dict[str, float]]]) -> None:
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    result = {"commit": commit, "training_utterances": len(training()), "pipelines": found}
    (report / "intents.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()

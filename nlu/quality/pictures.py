"""The pictures of a run: who is taken for whom, how true the confidence is, what it costs to refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Sequence

import numpy as np

from nlu.quality.figures import FALSE_REJECTION, Understood, calibration, calibration_error, threshold
from nlu.quality.sets import OUTSIDE, Row


def confusion(rows: Sequence[Row], said: Sequence[Understood], title: str, file: Path) -> None:
    """Draw the confusion matrix, in shares of each row; another right label counts as the first."""
    names = sorted({row.intent for row in rows} | {u.intent for u in said})
    number = {name: at for at, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)))
    for row, u in zip(rows, said, strict=True):
        counts[number[row.intent], number[row.intent if u.intent in row.intents else u.intent]] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _figure(12, 11)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    for i, j in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[i, j] > 0.5 else "black"
        axes.text(j, i, int(counts[i, j]), ha="center", va="center", fontsize=6, color=colour)
    axes.set_xlabel("understood as")
    axes.set_ylabel("is")
    axes.set_title(title)
    _save(figure, file)


def risk(answers: Dict[str, Sequence[Sequence[float]]], file: Path) -> None:
    """Draw, for each set of (score, right), the share that is wrong among what is answered, against that share."""
    figure, axes = _figure(6, 5)
    for name, pairs in answers.items():
        best_first = sorted(pairs, reverse=True)
        wrong = np.cumsum([1.0 - right for _, right in best_first])
        answered = np.arange(1, len(best_first) + 1)
        axes.plot(answered / len(best_first), wrong / answered, label=f"{name} ({len(pairs)})")
    axes.axhline(0.02, color="grey", linestyle="--", label="2 % wrong")
    axes.set_xlabel("answered (the surest first)")
    axes.set_ylabel("wrong among them")
    axes.set_title("search: what it costs to answer more")
    axes.legend()
    _save(figure, file)


def reliability(sets: Dict[str, Sequence[Row]], said: Dict[str, Sequence[Understood]], file: Path) -> None:
    """Draw, for each set, the share understood against the confidence it was understood with."""
    figure, axes = _figure(6, 6)
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="as sure as right")
    for marker, (name, rows) in zip("osd^", sets.items()):  # noqa: B905 (as many markers as sets)
        points = [each for each in calibration(rows, said[name]) if each]
        error = calibration_error(rows, said[name])
        axes.plot(
            [p["confidence"] for p in points],
            [p["right"] for p in points],
            marker=marker,
            label=f"{name}: ECE {error:.3f}",
        )
    axes.set_xlabel("confidence")
    axes.set_ylabel("share understood")
    axes.legend()
    _save(figure, file)


def refusals(sets: Dict[str, Sequence[Row]], said: Dict[str, Sequence[Understood]], file: Path) -> None:
    """Draw, for each set, the recall of out_of_scope against what is turned away of the rest."""
    figure, axes = _figure(6, 6)
    for style, (name, rows) in zip(("-", "--", "-.", ":"), sets.items()):  # noqa: B905 (as many styles as sets)
        outside = np.array([u.outside for row, u in zip(rows, said[name], strict=True) if row.intent == OUTSIDE])
        inside = np.array([u.outside for row, u in zip(rows, said[name], strict=True) if OUTSIDE not in row.intents])
        if not len(outside):
            continue
        allowed = np.linspace(0, 0.2, 101)
        axes.plot(allowed, [(outside > threshold(inside, a)).mean() for a in allowed], style, label=name)
    axes.axvline(FALSE_REJECTION, color="grey", linewidth=1)
    axes.set_xlabel("share of what is in scope that is turned away")
    axes.set_ylabel("recall of out_of_scope")
    axes.legend()
    _save(figure, file)


def _figure(width: float, height: float):  # type: ignore[no-untyped-def]
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height))


def _save(figure, file: Path) -> None:  # type: ignore[no-untyped-def]
    from matplotlib import pyplot

    figure.tight_layout()
    figure.savefig(file, dpi=110, metadata={"Software": None})
    pyplot.close(figure)

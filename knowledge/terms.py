"""Official terms and what they mean: explained where an answer first uses them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import yaml

from knowledge.normalise import DATA


@functools.cache
def terms() -> dict[str, str]:
    """Return each term with its explanation, the longest terms first."""
    table: dict[str, str] = yaml.safe_load((DATA / "terms.yaml").read_text(encoding="utf-8"))
    return dict(sorted(table.items(), key=lambda pair: -len(pair[0])))


def explained(title: str, texts: Sequence[str]) -> list[str]:
    """Return ``texts`` with each term explained in brackets where it first stands.

    The service that an answer is about is not explained again: its name is the title, and
    what it is has its own button.
    """
    done = {term for term in terms() if term in title}
    return [_explain(text, done) for text in texts]


def unexplained(title: str, texts: Sequence[str]) -> Iterable[str]:
    """Return the terms used whose first use is not followed by the explanation."""
    whole = "\n".join(texts)
    for term, meaning in terms().items():
        at = _first(whole, term)
        if at is not None and term not in title and not whole[at + len(term) :].startswith(f"（{meaning}）"):
            yield term


def _explain(text: str, done: set[str]) -> str:
    for term, meaning in terms().items():
        at = _first(text, term)
        if at is None or term in done:
            continue
        done.add(term)
        text = f"{text[: at + len(term)]}（{meaning}）{text[at + len(term) :]}"
    return text


def _first(text: str, term: str) -> int | None:
    """Return where ``term`` first stands by itself, not within a longer term or an explanation."""
    start = 0
    while (at := text.find(term, start)) >= 0:
        end = at + len(term)
        inside = any(
            longer != term and term in longer and longer in text[max(0, at - len(longer)) : end + len(longer)]
            for longer in terms()
        )
        if not inside and text.count("（", 0, at) == text.count("）", 0, at):
            return at
        start = end
    return None

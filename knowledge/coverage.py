"""Which aspects of which services the list can answer."""

from __future__ import annotations

from datetime import date

from knowledge.answer import ASPECTS, Asked, compose
from knowledge.store import ServiceList

_HEADS = {
    "ask_service": "what",
    "ask_eligibility": "who",
    "ask_amount": "amount",
    "ask_how_to_apply": "how",
    "ask_documents": "papers",
    "ask_where": "where",
    "ask_contact": "phone",
    "ask_time": "when",
}


def coverage_table(services: ServiceList, today: date) -> str:
    """Return a Markdown table, one row a service: ✓ answered, – not on record (says so, and whom to ask)."""
    lines = [
        f"| Service | {' | '.join(_HEADS[aspect] for aspect in ASPECTS)} |",
        "|---|" + ":-:|" * len(ASPECTS),
    ]
    answered = dict.fromkeys(ASPECTS, 0)
    for service in services:
        marks = []
        for aspect in ASPECTS:
            _, known = compose(service, aspect, Asked(today))
            answered[aspect] += known
            marks.append("✓" if known else "–")
        lines.append(f"| {service.name} `{service.id}` | {' | '.join(marks)} |")
    totals = " | ".join(f"{answered[aspect]}/{len(services)}" for aspect in ASPECTS)
    return "\n".join([*lines, f"| **answered** | {totals} |"])

"""Two services side by side: who, what, cost, how."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from actions.about import ANSWER_FROM
from knowledge.answer import source_of
from knowledge.expiry import current
from knowledge.library import Library
from knowledge.normalise import normalise
from knowledge.phrases import say
from knowledge.reply import Act, Button, CompareBlock, CompareRow, ContactLine, Outcome, Reply
from knowledge.schema import FactKind, Service

_ASKS = re.compile(
    r"区别|不同|不一样|两样|哪个[好强划合更]|哪一?[个种样]更?[好强划合]|比较|对比|还是.{1,12}好|分不清|搞不清"
)
_BETWEEN = re.compile(r"和|跟|与|同|还是|跟着|、|，")
_MONEY = (FactKind.PAYS, FactKind.COSTS, FactKind.SHARE)
_TAIL = re.compile(r"(?:有什么|有啥|的?区别|的?不同|哪|到底|好不好|更好|好).*$")


def comparison(
    text: str, library: Library, today: date, find: Callable[[str], str | None] | None = None
) -> Reply | None:
    """Return the comparison that normal ``text`` asks for, or None.

    ``find`` returns the id of the service that a piece of text means; the library's own
    search where it is not given.
    """
    if not _ASKS.search(text):
        return None
    pair = named_in(text, library)
    if len(pair) < 2:
        pair = _by_search(text, find or (lambda piece: _searched(piece, library)), library)
    return _side_by_side(*(current(each, today) for each in pair[:2])) if len(pair) >= 2 else None


def named_in(text: str, library: Library) -> list[Service]:
    """Return the services whose names stand in normal ``text``, in order; a longer name wins."""
    names = sorted(
        ((normalise(name), service) for service in library.services for name in (service.name, *service.aliases)),
        key=lambda pair: -len(pair[0]),
    )
    taken: dict[int, Service] = {}
    rest = text
    for name, service in names:
        at = rest.find(name) if len(name) >= 2 else -1
        if at >= 0:
            taken[at] = service
            rest = rest[:at] + "\0" * len(name) + rest[at + len(name) :]
    return list(dict.fromkeys(taken[at] for at in sorted(taken)))


def _by_search(text: str, find: Callable[[str], str | None], library: Library) -> list[Service]:
    pieces = [_TAIL.sub("", piece).strip("？。！ ") for piece in _BETWEEN.split(text)]
    found = [library.services.get(find(piece)) for piece in pieces if len(piece) >= 2]
    return list(dict.fromkeys(service for service in found if service))


def _searched(piece: str, library: Library) -> str | None:
    matches = library.find(piece, top=1)
    return matches[0].service_id if matches and matches[0].score >= ANSWER_FROM else None


def _side_by_side(left: Service, right: Service) -> Reply:
    rows = [
        CompareRow(title=say(f"compare_{name}"), left=value(left), right=value(right)) for name, value in _ROWS.items()
    ]
    contact = dict.fromkeys((line.name, line.phone) for service in (left, right) for line in service.contact[:1])
    block = CompareBlock(
        service_ids=[left.id, right.id],
        left=left.name,
        right=right.name,
        rows=rows,
        contact=[ContactLine(name=name, phone=phone) for name, phone in contact],
        source=list(dict.fromkeys(source_of(service) for service in (left, right))),
        buttons=[
            Button(
                title=say("finder_how", service=service.name), act=Act(intent="ask_how_to_apply", service_id=service.id)
            )
            for service in (left, right)
        ],
    )
    spoken = "".join(f"{row.title}。{left.name}，{row.left}{right.name}，{row.right}" for row in rows)
    return Reply(blocks=[block], outcome=Outcome.ANSWERED_COMPARISON, speak=spoken)


def _who(service: Service) -> str:
    return service.who or say("no_eligibility")


def _what(service: Service) -> str:
    return service.summary


def _cost(service: Service) -> str:
    standard = service.standard
    if standard and standard.personal and any(fact.current and fact.kind in _MONEY for fact in standard.facts):
        return standard.text
    return f"{service.funding}。" if service.funding else say("no_amount")


def _how(service: Service) -> str:
    if service.apply.steps:
        return service.apply.steps[0]
    return say("no_how") if service.apply.where is None else f"去{service.apply.where}。"


_ROWS: dict[str, Callable[[Service], str]] = {"who": _who, "what": _what, "cost": _cost, "how": _how}

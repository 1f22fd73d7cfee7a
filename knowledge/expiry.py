"""Past its last day an entry shows no figure: an old amount that looks current is worse than none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from knowledge.schema import FactKind, Service

# Money, shares, hours and visits, as the list writes them. Ages, dates, "24小时" and telephone numbers stay.
_FIGURE = (
    r"\d[\d.,]*(?:到\d[\d.,]*)?[万亿千百十多余几]*(?:元|块|%|％|折|人次|次)"
    r"|(?!24)(?<!\d)\d[\d.,]*(?:到\d[\d.,]*)?个?(?:小时|钟头)"
    r"|百分之[一二两三四五六七八九十百零点]+|[一二两三四五六七八九十百千万]+(?:元|块|折)"
)
_MEASURES = {FactKind.PAYS, FactKind.COSTS, FactKind.SHARE, FactKind.HELP}
_SENTENCE = re.compile(r"[^。！？；]+[。！？；]?")


def is_expired(service: Service, today: date) -> bool:
    """Return whether the entry's figures are past their last day."""
    return service.valid_to is not None and today > service.valid_to


def current(service: Service, today: date) -> Service:
    """Return the service as it may be shown on a day: without its figures once they have expired."""
    if not is_expired(service, today):
        return service
    figure = re.compile("|".join([_FIGURE, *_own_figures(service)]))

    def without(text: str | None) -> str:
        return "".join(sentence for sentence in _SENTENCE.findall(text or "") if not figure.search(sentence))

    def all_without(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(text for text in texts if not figure.search(text))

    topics = [topic.model_copy(update={"text": without(topic.text)}) for topic in service.topics]
    apply = service.apply
    how = {name: without(getattr(apply, name)) or None for name in ("where", "online", "time_limit")}
    lists = {"steps": all_without(apply.steps), "documents": all_without(apply.documents)}
    return service.model_copy(
        update={
            "summary": without(service.summary) or f"{service.name}。",
            "content": without(service.content),
            "standard": None,
            "topics": tuple(topic for topic in topics if topic.text),
            "apply": apply.model_copy(update=how | lists),
            **{name: without(getattr(service, name)) or None for name in ("who", "timing", "caution", "funding")},
        }
    )


def _own_figures(service: Service) -> Iterator[str]:
    """Yield patterns of the entry's figures in their own units: 1针."""
    for fact in service.standard.facts if service.standard else ():
        for value in (fact.value, fact.min_value, fact.max_value):
            if value is not None and fact.kind in _MEASURES:
                yield rf"(?<![\d.]){re.escape(f'{value:g}{fact.unit}')}"

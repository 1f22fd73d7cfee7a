"""What is different between two versions of the service list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from knowledge.schema import Service


@dataclass(frozen=True)
class Change:
    """One service added, removed or changed; ``fields`` gives (field, before, after) of each."""

    service_id: str
    name: str
    kind: str  # added, removed, changed
    fields: tuple[tuple[str, str, str], ...] = ()

    def __str__(self) -> str:
        sign = {"added": "+", "removed": "-", "changed": "~"}[self.kind]
        lines = [f"    {field}: {before or '∅'} → {after or '∅'}" for field, before, after in self.fields]
        return "\n".join([f"{sign} {self.service_id} {self.name}", *lines])


def changes(before: Iterable[Service], after: Iterable[Service]) -> list[Change]:
    """Return what ``after`` changes, in its order; what it removes comes last."""
    old = {service.id: service for service in before}
    new = {service.id: service for service in after}
    found = [
        Change(key, service.name, "changed", tuple(_fields(old[key], service)))
        if key in old
        else Change(key, service.name, "added")
        for key, service in new.items()
        if old.get(key) != service
    ]
    return found + [Change(key, service.name, "removed") for key, service in old.items() if key not in new]


def _fields(before: Service, after: Service) -> Iterator[tuple[str, str, str]]:
    old, new = (dict(_flat(service.model_dump(mode="json", exclude_none=True))) for service in (before, after))
    for field in dict.fromkeys([*old, *new]):
        if old.get(field) != new.get(field):
            yield field, old.get(field, ""), new.get(field, "")


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, text) of each value; lists of texts are one value, a line each."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, item in enumerate(value, 1):
            yield from _flat(item, f"{path}[{number}]")
    elif value not in ([], {}):
        yield path, "｜".join(map(str, value)) if isinstance(value, list) else str(value)

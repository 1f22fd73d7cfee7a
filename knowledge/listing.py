"""Writes the service list: one YAML file per category, in the form of the shipped ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from knowledge.schema import Category, Service

_ON_ONE_LINE = {"eligibility", "suits", "payday", "condition"}
_LISTS_ON_ONE_LINE = {"aliases", "related", "any_of", "also", "income", "months", "words"}
_ENTRIES_ON_ONE_LINE = {"facts", "contact"}


class _Flow(dict[str, Any]):
    """A mapping written on one line."""


class _FlowList(list[Any]):
    """A list written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes lists indented under their key, as people do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        """Indent lists too."""
        return super().increase_indent(flow, False)


_Dumper.add_representer(_Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, True))
_Dumper.add_representer(_FlowList, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, True))


def as_yaml(services: Iterable[Service]) -> str:
    """Return the services of one category as the text of its file; loading it gives the same services."""
    entries = [_shaped(service.model_dump(exclude_defaults=True), "") for service in services]
    return yaml.dump(entries, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000)


def write_list(services: Iterable[Service], folder: Path) -> None:
    """Write the files of all categories into ``folder``; a category without services has none."""
    by_category: dict[Category, list[Service]] = {}
    for service in services:
        by_category.setdefault(service.category, []).append(service)
    folder.mkdir(parents=True, exist_ok=True)
    for category, entries in by_category.items():
        (folder / f"{category.value}.yaml").write_text(as_yaml(entries), encoding="utf-8")


def _shaped(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        shaped = {name: _shaped(item, name) for name, item in value.items()}
        return _Flow(shaped) if key in _ON_ONE_LINE or key in _ENTRIES_ON_ONE_LINE else shaped
    if isinstance(value, (tuple, list)):
        items = [_shaped(item, key) for item in value]
        return _FlowList(items) if key in _LISTS_ON_ONE_LINE else items
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return getattr(value, "value", value)  # an enum as its value

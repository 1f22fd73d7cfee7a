"""Loads and validates the service list: one YAML file per category."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import ValidationError

from knowledge.errors import Problem, ServiceListError
from knowledge.normalise import normalise_listed
from knowledge.schema import Service

SERVICES_FOLDER = Path(__file__).parent / "services"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# What to do about each of pydantic's error types; the rest is told in pydantic's own words.
_MENDS = {
    "missing": "add this field",
    "extra_forbidden": "remove it, or mend its spelling: the schema has no such field",
    "string_too_long": "shorten it",
    "string_too_short": "write something here, or leave the field out",
    "too_short": "add more entries",
    "too_long": "keep the most important entries",
    "enum": "use one of the values named",
    "literal_error": "use one of the values named",
    "string_pattern_mismatch": "write it in the form of the pattern named",
    "date_from_datetime_parsing": "write a date as 2027-01-31",
    "string_type": "put the value in quotes",
}


@dataclass(frozen=True)
class ServiceList:
    """All services by id, and a version that changes with their content."""

    services: Mapping[str, Service]
    version: str

    def __getitem__(self, service_id: str) -> Service:
        return self.services[service_id]

    def __iter__(self) -> Iterator[Service]:
        return iter(self.services.values())

    def __len__(self) -> int:
        return len(self.services)

    def get(self, service_id: str | None) -> Service | None:
        """Return the service, or None where the list has no such id."""
        return self.services.get(service_id) if service_id else None


def load(folder: Path = SERVICES_FOLDER) -> ServiceList:
    """Return the service list in ``folder``.

    Raises ServiceListError with all problems found, never only the first.
    """
    services: dict[str, Service] = {}
    problems: list[Problem] = []
    for file in _files(folder):
        for position, (entry, found) in enumerate(_read(file, file.read_bytes())):
            problems += found
            if entry is None:
                continue
            if entry.id in services:
                problems.append(_problem(file, position, (entry.id, "id"), "another entry has this id", "rename one"))
            services[entry.id] = entry
    problems += list(_cross_checks(services, folder))
    if problems:
        raise ServiceListError(problems)
    content = "\n".join(services[key].model_dump_json() for key in sorted(services))
    return ServiceList(MappingProxyType(services), hashlib.sha256(content.encode()).hexdigest()[:16])


def overdue(services: Iterable[Service], today: date) -> list[Service]:
    """Return the services whose ``review_by`` is past, the longest overdue first."""
    return sorted((s for s in services if s.review_by < today), key=lambda s: s.review_by)


def _files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ServiceListError(
            [Problem(str(folder), 0, "-", "-", "no service list here", "put the *.yaml files into this folder")]
        )
    return files


@functools.lru_cache(maxsize=64)  # a running server reads all files again when one changes
def _read(file: Path, content: bytes) -> tuple[tuple[Service | None, list[Problem]], ...]:
    try:
        entries = yaml.load(content.decode("utf-8"), Loader=_Loader)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        told = getattr(error, "problem", None) or "not UTF-8 text"
        return (
            (None, [Problem(file.name, line, "-", "-", f"not YAML: {told}", "mend the indent, quote or colon here")]),
        )
    if not isinstance(entries, list):
        return ((None, [Problem(file.name, 1, "-", "-", "not a list of services", 'begin each service with "- id:"')]),)
    return tuple(_validate(file, position, raw) for position, raw in enumerate(entries))


def _validate(file: Path, position: int, raw: Any) -> tuple[Service | None, list[Problem]]:
    name = raw.get("id", f"entry {position + 1}") if isinstance(raw, dict) else f"entry {position + 1}"
    try:
        entry = Service.model_validate(raw)
    except ValidationError as error:
        return None, [
            _problem(file, position, (name, *item["loc"]), item["msg"], _MENDS.get(item["type"], "correct the value"))
            for item in error.errors()
        ]
    if entry.category.value != file.stem:
        mend = f"move it to {entry.category.value}.yaml or write category: {file.stem}"
        return entry, [_problem(file, position, (name, "category"), "stands in another category's file", mend)]
    return entry, []


def _problem(file: Path, position: int, path: tuple[Any, ...], message: str, mend: str) -> Problem:
    field = ".".join(map(str, path[1:])) or "-"
    return Problem(file.name, _line(file, position, path[1:]), str(path[0]), field, message, mend)


def _line(file: Path, position: int, path: tuple[Any, ...]) -> int:
    """Return the 1-based line of the deepest part of ``path`` that the file has."""
    node: Any = yaml.compose(file.read_text(encoding="utf-8"), Loader=_Loader)
    node = node.value[position]
    line = node.start_mark.line
    for key in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
        elif isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == key), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line, pair[1]
            continue
        else:
            break
        line = node.start_mark.line
    return int(line) + 1


def _cross_checks(services: dict[str, Service], folder: Path) -> Iterator[Problem]:
    """Yield what only shows when all entries are seen together."""
    owner: dict[str, str] = {}
    for service in services.values():
        file = folder / f"{service.category.value}.yaml"

        def told(field: str, message: str, mend: str, service: Service = service, file: Path = file) -> Problem:
            return Problem(file.name, _line_of_id(file, service.id), service.id, field, message, mend)

        for other in service.related:
            if other not in services:
                yield told("related", f"no service has the id {other}", "mend the id or remove it")
        for field, texts in (("aliases", (service.name, *service.aliases)), ("questions", service.questions)):
            for text in texts:
                key = normalise_listed(text)
                if owner.setdefault(key, service.id) != service.id:
                    yield told(field, f"«{text}» also belongs to {owner[key]}", "keep it in one of the two")


def _line_of_id(file: Path, service_id: str) -> int:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.removeprefix("- ").strip() == f"id: {service_id}":
            return number
    return 1

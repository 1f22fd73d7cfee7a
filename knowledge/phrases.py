"""The fixed sentences that answers are composed with; the words are in phrases.yaml."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from knowledge.reply import ContactLine

_FILE = Path(__file__).with_name("phrases.yaml")


@functools.cache
def _phrases() -> dict[str, Any]:
    phrases: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return phrases


def every_phrase() -> Mapping[str, Any]:
    """Return all of them, for a page's template."""
    return MappingProxyType(_phrases())


def say(key: str, **values: object) -> str:
    """Return a sentence. Raises KeyError for an unknown key or a value left out."""
    return str(_phrases()[key]).format(**values)


def points(key: str) -> list[str]:
    """Return a list of short sentences."""
    return list(_phrases()[key])


def phrase(key: str) -> dict[str, str]:
    """Return a table of short phrases."""
    return dict(_phrases()[key])


def hotline() -> ContactLine:
    """Return the number that is always right."""
    return ContactLine(name=say("hotline_name"), phone=say("hotline_phone"))

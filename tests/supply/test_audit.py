"""`make audit` never calls clean what it could not look up."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def parts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parts", Path("setup/parts.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CLEAN = {"name": "a", "version": "1", "vulns": []}
HOLE = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("found", "code", "says"),
    [
        ([CLEAN], 0, "no hole is known"),
        ([CLEAN, HOLE], 1, "b 2: PYSEC-1, mended in ['3']"),
        ([CLEAN, UNKNOWN], 2, "1 of 2 parts NOT AUDITED"),
        ([HOLE, UNKNOWN], 1, "NOT AUDITED"),
    ],
)
def test_what_was_found_is_told(
    parts: ModuleType, capsys: pytest.CaptureFixture[str], found: list[object], code: int, says: str
) -> None:
    assert parts.told("x.lock", json.dumps({"dependencies": found}), "") == code
    assert says in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["", "[]", "null", "{}"])
def test_without_a_database_it_says_so(parts: ModuleType, capsys: pytest.CaptureFixture[str], answer: str) -> None:
    assert parts.told("x.lock", answer, "ConnectionError: no route") == 2
    told = capsys.readouterr().out
    assert "NOT AUDITED" in told
    assert "could not be reached" in told
    assert "no hole" not in told

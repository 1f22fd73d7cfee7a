"""Every test that a document names is there; every entry of the pains has a line."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

TABLES = ["docs/reliability.md", "docs/pains.md", "docs/security.md"]
PAINS = (1, 3, 4, 5, 7, 8, 9, 10, 13, 14, 15, 16, 17, 18, 19, 21, 22, 23, 26, 27, 28, 29, 31, 32)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@functools.cache
def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("table", TABLES)
def test_every_test_that_is_named_is_there(table: str) -> None:
    named = NAMED.findall(Path(table).read_text(encoding="utf-8"))
    assert len(named) > 10
    missing = [
        f"{file}::{name}" for file, name in named if not Path(file).exists() or name not in functions(Path(file))
    ]
    assert not missing
    assert all(name.startswith("test_") for _, name in named)


def lines_of(table: str) -> list[str]:
    lines = Path(table).read_text(encoding="utf-8").splitlines()
    return [
        line for line in lines if line.startswith("| ") and not line.startswith(("| -", "| #", "| fault", "| what"))
    ]


def test_every_pain_has_a_test_or_says_why_not() -> None:
    lines = {int(line.split("|")[1]): line for line in lines_of("docs/pains.md")}
    assert tuple(lines) == PAINS
    for number, line in lines.items():
        assert NAMED.search(line) or "Why not:" in line, number


@pytest.mark.parametrize("table", ["docs/reliability.md", "docs/security.md"])
def test_no_line_of_a_table_is_without_a_test(table: str) -> None:
    rows = lines_of(table)
    assert len(rows) > 12
    assert not [row for row in rows if not NAMED.search(row)]

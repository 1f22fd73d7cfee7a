"""docs/privacy.md names everything that is kept, and what the page tells people is true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer.main

from bot.cli import app
from bot.settings import GatewaySettings
from knowledge.phrases import phrase
from storage.records import conversation_tables
from storage.rotation import DIGESTS, encrypted
from storage.tables import Base

TOLD = Path("docs/privacy.md").read_text(encoding="utf-8")
ROWS = {
    name.strip("` "): line
    for line in TOLD.splitlines()
    if line.startswith("| `")
    for name in line.split("|")[1].split(",")
}


@pytest.mark.parametrize("table", sorted(Base.metadata.tables))
def test_every_table_has_its_line(table: str) -> None:
    assert table in ROWS
    assert len(ROWS[table].split("|")) == 7  # what, encrypted, kept, who sees it


def test_every_encrypted_column_is_named_in_its_tables_line_and_no_other() -> None:
    for table, columns in encrypted().items():
        for column in columns:
            assert f"`{table.name}.{column.name}`" in ROWS[table.name]
    bare = Base.metadata.tables.keys() - {table.name for table in encrypted()}
    assert not [table for table in bare if f"`{table}." in ROWS[table]]


def test_every_keyed_digest_is_named() -> None:
    assert all(f"`{column}`" in ROWS[table] for table, columns in DIGESTS.items() for column in columns)


def test_no_line_is_of_a_table_that_is_gone() -> None:
    assert {name for name in ROWS if name.isidentifier()} == set(Base.metadata.tables)


def test_the_days_and_the_commands_are_those_of_the_program() -> None:
    assert f"`ADVISOR_RECORD_DAYS` ({GatewaySettings.model_fields['record_days'].default})" in TOLD
    groups: Any = typer.main.get_command(app)
    for words in ("key rotate", "privacy export", "privacy erase", "bookings cancel"):
        assert f"advisor {words}" in TOLD
        group, name = words.split()
        assert name in groups.commands[group].commands


def test_every_part_of_a_persons_record_has_a_name_to_read() -> None:
    names = phrase("record_tables")
    told_as_a_talk = {"turns"}
    assert {table.name for table in conversation_tables()} | {"audit", "events"} == names.keys() | told_as_a_talk

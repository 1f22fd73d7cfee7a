"""``advisor places``: take in and list the places."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from knowledge.errors import TableError
from knowledge.places import KIND_NAMES, PlaceBook
from knowledge.places_store import import_places, load_places
from knowledge.settings import KnowledgeSettings

places_app = typer.Typer(no_args_is_help=True, help="Advisor points, canteens, day care and other places.")


@places_app.command("import")
def import_(file: Path) -> None:
    """Replace all places by the rows of a .csv or .xlsx file; one bad row changes nothing."""
    try:
        _print(import_places(file, KnowledgeSettings().places_file))
    except TableError as error:
        _fail(error)


@places_app.command("list")
def list_() -> None:
    """Count the places kept."""
    try:
        _print(load_places(KnowledgeSettings().places_file))
    except TableError as error:
        _fail(error)


def _print(book: PlaceBook) -> None:
    for kind, count in Counter(place.kind for place in book.places).items():
        print(f"{count:5} {KIND_NAMES[kind]}")
    print(f"{len(book):5} places")
    if any(place.sample for place in book.places):
        print("      some are samples (示例): not for the public")


def _fail(error: TableError) -> None:
    for problem in error.problems:
        typer.echo(problem, err=True)
    typer.echo(f"nothing was changed: {len(error.problems)} problems", err=True)
    raise typer.Exit(1)

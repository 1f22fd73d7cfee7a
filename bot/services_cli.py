"""``advisor services``: check and build the service list."""

from __future__ import annotations

from typing import Annotated

import typer

from knowledge.answer import ASPECTS
from knowledge.errors import KnowledgeError, ServiceListError
from knowledge.plain import offences
from knowledge.settings import KnowledgeSettings
from knowledge.store import load, overdue
from storage.clock import now

services_app = typer.Typer(no_args_is_help=True, help="The service list.")


@services_app.command()
def check(
    plain: Annotated[
        bool, typer.Option("--plain", help="Also measure whether every answer is in plain language.")
    ] = False,
) -> None:
    """Validate every file; names file, line, field and mend of each problem."""
    try:
        services = load(KnowledgeSettings().services)
    except ServiceListError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        typer.echo(f"{len(error.problems)} problems in the service list", err=True)
        raise typer.Exit(1) from error
    referrals = sum(service.kind == "referral" for service in services)
    questions = sum(len(service.questions) for service in services)
    print(f"{len(services) - referrals} services, {referrals} referrals, {questions} questions: all right")
    for service in overdue(services, now().date()):
        print(f"due for review since {service.review_by}: {service.id} {service.name}")
    if plain:
        found = list(offences(services, now().date()))
        for offence in found:
            typer.echo(str(offence), err=True)
        print(f"{len(services) * len(ASPECTS)} answers measured, {len(found)} hard to read")
        if found:
            raise typer.Exit(1)


@services_app.command()
def build() -> None:
    """Rebuild the index, with a progress bar."""
    from bot.cli import library_with_progress

    try:
        library = library_with_progress(rebuild=True)
    except KnowledgeError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    print(f"{len(library.search.index.passages)} passages of {len(library.services)} services indexed")

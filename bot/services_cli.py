"""``advisor services``: check, build and keep the service list."""

from __future__ import annotations

import getpass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.progress import Progress, TextColumn

from knowledge.answer import ASPECTS
from knowledge.changes import Change
from knowledge.coverage import coverage_table
from knowledge.errors import KnowledgeError, ServiceListError, TableError
from knowledge.field_encoder import LAYERS
from knowledge.keeping import Keeper
from knowledge.plain import offences
from knowledge.settings import KnowledgeSettings
from knowledge.sheet import read_sheet, write_sheet
from knowledge.store import load, overdue
from storage.clock import now

if TYPE_CHECKING:
    from bot.evaluate import Row

services_app = typer.Typer(no_args_is_help=True, help="The service list.")
Who = Annotated[str, typer.Option("--by", help="Who makes the change; kept with the version.")]
_DEV = [Path("tests/quality/questions_dev.tsv"), Path("tests/quality/written_dev.tsv")]
_LINE_EVERY = 50  # steps, where no bar can be drawn
Yes = Annotated[bool, typer.Option("--yes", help="Apply without asking.")]


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
        _fail(error)
    print(f"{len(library.search.index.passages)} passages of {len(library.services)} services indexed")


@services_app.command()
def tune(
    layers: Annotated[Path, typer.Option("--out", help="Where the trained layers go.")] = LAYERS,
    further: Annotated[bool, typer.Option(help="One pass from the layers as they are: after new words.")] = False,
) -> None:
    """Train the encoder's upper layers on the list and on what people say (40 minutes on two cores; --further 30)."""
    from bot.cli import console
    from knowledge.tuning.data import UTTERANCES, lessons
    from knowledge.tuning.train import FURTHER, Plan, Trainer
    from nlu.noise import one_of_all

    with Progress(*Progress.get_default_columns(), TextColumn("{task.fields[loss]:.2f}"), console=console) as bar:
        task = bar.add_task("training the encoder", loss=0.0)

        def progress(step: int, steps: int, loss: float) -> None:
            bar.update(task, completed=step, total=steps, loss=loss)
            if step % _LINE_EVERY == 0 and not console.is_terminal:
                print(f"step {step} of {steps}, loss {loss:.2f}", flush=True)

        try:
            learnt = lessons(list(load(KnowledgeSettings().services)), UTTERANCES)
            plan, before = (FURTHER, LAYERS) if further else (Plan(), None)
            Trainer(learnt, one_of_all, plan, before).run(layers, progress)
        except (KnowledgeError, OSError) as error:
            _fail(error)
    print(f"{layers}: trained on {len(learnt.said)} utterances; `make evaluate` says whether it is better")


@services_app.command()
def fuse(
    sets: Annotated[list[Path] | None, typer.Argument(help="Questions with the services they mean.")] = None,
) -> None:
    """Fit how the search weighs its signs, on the dev questions; after ``tune``."""
    from bot.cli import library_with_progress
    from bot.evaluate import EvaluationSetError, read_rows
    from knowledge.fusing import fuse as fit
    from knowledge.fusion import FILE, write_fusion

    try:
        library = library_with_progress(rebuild=False)
        rows = [row for file in sets or _DEV for row in read_rows(file) if _says_what(row)]
        fusion, right = fit(library, [(row.text, sorted(row.services)) for row in rows])
    except (KnowledgeError, OSError, EvaluationSetError) as error:
        _fail(error)
    write_fusion(fusion, library.encoder_name)
    print(f"{FILE}: fitted on {len(rows)} questions; the right service is first in {right:.1%} of them")


def _says_what(row: Row) -> bool:
    """Return whether a row can be understood by itself, and says which service is meant, or that none is."""
    return not row.earlier and not row.bot_only and bool(row.services or row.intent == "out_of_scope")


@services_app.command()
def export(
    file: Path,
    template: Annotated[bool, typer.Option("--template", help="Only headings, lists and the guide: no rows.")] = False,
) -> None:
    """Write the service list as an .xlsx file for staff to edit."""
    try:
        services = [] if template else list(load(KnowledgeSettings().services))
        write_sheet(services, file)
    except (KnowledgeError, OSError) as error:
        _fail(error)
    print(f"{file}: {len(services)} services")


@services_app.command("import")
def import_(
    file: Path,
    who: Who = "",
    why: Annotated[str, typer.Option("--why", help="Why; kept with the version.")] = "",
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help="Remove services that have no row in the file.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Show what an .xlsx file would change, then apply all of it; one bad row changes nothing."""
    settings = KnowledgeSettings()
    keeper = Keeper(settings.services, settings.versions_folder)
    try:
        services = read_sheet(file, load(settings.services), remove_missing)
        _, changed = keeper.propose(services)
        if not changed:
            print("nothing is different")
            return
        _show(changed)
        if not yes and not typer.confirm("Apply?"):
            print("nothing was changed")
            return
        version = keeper.apply(services, who or getpass.getuser(), why or f"import of {file.name}", now())
    except (KnowledgeError, OSError) as error:
        _fail(error)
    print(f"applied as version {version.number}; a running server takes it within seconds")


@services_app.command()
def versions() -> None:
    """List the versions kept: who changed what, when and why."""
    settings = KnowledgeSettings()
    kept = Keeper(settings.services, settings.versions_folder).versions()
    for version in kept:
        print(f"{version.number:4}  {version.at}  {version.who:12}  {version.changed:3} changed  {version.why}")
    if not kept:
        print("no version is kept yet; the first import or roll-back keeps one")


@services_app.command()
def rollback(number: int, who: Who = "", yes: Yes = False) -> None:
    """Make an earlier version the list again, as a new version."""
    settings = KnowledgeSettings()
    keeper = Keeper(settings.services, settings.versions_folder)
    try:
        _, changed = keeper.propose(keeper.services_of(number))
        _show(changed)
        if not yes and not typer.confirm("Apply?"):
            print("nothing was changed")
            return
        version = keeper.roll_back(number, who or getpass.getuser(), now())
    except (KnowledgeError, OSError) as error:
        _fail(error)
    print(f"version {number} is the list again, as version {version.number}")


@services_app.command()
def due(days: Annotated[int, typer.Option(help="Due within this many days.")] = 60) -> None:
    """List what is to be reviewed, the longest overdue first."""
    services = load(KnowledgeSettings().services)
    found = overdue(services, now().date() + timedelta(days=days))
    for service in found:
        ends = f", ends {service.valid_to}" if service.valid_to else ""
        print(f"{service.review_by}{ends}  {service.id:28} {service.name}  « {service.sources[0].title}")
    print(f"{len(found)} services to be reviewed within {days} days")


@services_app.command()
def coverage() -> None:
    """Print a table of every service and aspect: answered, or not on record."""
    print(coverage_table(load(KnowledgeSettings().services), now().date()))


def _show(changed: list[Change]) -> None:
    for change in changed:
        print(change)
    counts = ", ".join(
        f"{sum(change.kind == kind for change in changed)} {kind}" for kind in ("added", "changed", "removed")
    )
    print(counts)


def _fail(error: Exception) -> NoReturn:
    problems = error.problems if isinstance(error, (ServiceListError, TableError)) else [error]
    for problem in problems:
        typer.echo(str(problem), err=True)
    typer.echo("nothing was changed", err=True)
    raise typer.Exit(1) from error

"""``advisor bench``: the whole system, the search at any size, the search beside its peers."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import httpx
import typer
from rich.progress import Progress

from bot.bench import measure, table
from bot.client import NotRunning
from bot.settings import GatewaySettings
from bot.started import CannotStart, started
from bot.training import TrainingFailed
from knowledge.errors import KnowledgeError

Json = Annotated[bool, typer.Option("--json", help="One object on stdout and nothing else.")]
bench_app = typer.Typer(help="Measure speed, size and quality beside others.")


@bench_app.callback(invoke_without_command=True)
def bench(context: typer.Context, as_json: Json = False) -> None:
    """Measure speed, start time and memory of a system of its own, and of a stock Rasa bot beside it."""
    from bot.cli import fail, library_with_progress, prepare

    if context.invoked_subcommand:
        return
    try:
        settings = GatewaySettings()
        prepare(settings)
        figures = measure(settings, library_with_progress(rebuild=False))
    except (CannotStart, TrainingFailed, KnowledgeError, httpx.HTTPError) as error:
        fail(error)
    print(json.dumps(figures) if as_json else table(figures))


@bench_app.command()
def search(
    passages: Annotated[int, typer.Option(min=100, help="How many synthetic passages.")] = 1_000_000,
    as_json: Json = False,
) -> None:
    """Build the passage index on synthetic vectors, clustered like real ones, and search it."""
    from bot import bench_search
    from bot.cli import console

    with Progress(console=console) as bar:
        task = bar.add_task(f"indexing {passages} passages", total=passages)
        figures = bench_search.measure(passages, lambda done, total: bar.update(task, completed=done))
    print(json.dumps(figures) if as_json else bench_search.table(figures))


@bench_app.command()
def peers(as_json: Json = False) -> None:
    """Measure our search beside BM25, the raw encoder and Rasa's ResponseSelector, on the same questions."""
    from bot import bench_peers
    from bot.cli import console, fail, library_with_progress

    try:
        found = bench_peers.measure(library_with_progress(rebuild=False), GatewaySettings(), console.print)
    except (KnowledgeError, OSError) as error:
        fail(error)
    if as_json:
        print(json.dumps({peer: {name: asdict(f) for name, f in of.items()} for peer, of in found.items()}))
    else:
        print(bench_peers.table(found))


@bench_app.command()
def desk(
    clerks: Annotated[int, typer.Option(min=1, help="How many type at once.")] = 20,
    seconds: Annotated[float, typer.Option(min=2, help="For how long.")] = 30,
    as_json: Json = False,
) -> None:
    """Measure what clerks wait for while they type, on the running system (started where needed)."""
    from bot import bench_desk
    from bot.cli import fail, prepare

    settings = GatewaySettings()
    try:
        with started(settings, prepare) as where:
            figures = bench_desk.measure(settings, where.url, clerks, seconds)
    except (NotRunning, TrainingFailed, KnowledgeError, httpx.HTTPError) as error:
        fail(error)
    print(json.dumps(figures) if as_json else bench_desk.table(figures))

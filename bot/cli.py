"""The ``advisor`` command."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from actions.booking.catalogue import Catalogue
from actions.booking.samples import put_samples
from bot.backup_cli import add_backup
from bot.bench_cli import bench_app
from bot.bookings_cli import bookings_app
from bot.client import AdvisorClient, NotRunning, running
from bot.desk_cli import desk_app
from bot.key_cli import key_app
from bot.places_cli import places_app
from bot.privacy_cli import privacy_app
from bot.servers_cli import add_servers
from bot.services_cli import services_app
from bot.settings import GatewaySettings
from bot.training import TrainingFailed, is_stale
from bot.training import train as train_model
from knowledge.errors import KnowledgeError
from knowledge.library import Library, open_library
from knowledge.plain_text import plain_text
from knowledge.reply import Reply
from knowledge.settings import KnowledgeSettings
from knowledge.store import load
from storage.clock import now
from storage.crypto import Cipher, RotationUnfinished
from storage.database import Database

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The elderly-care service advisor (养老顾问).")
app.add_typer(services_app, name="services")
app.add_typer(bench_app, name="bench")
app.add_typer(places_app, name="places")
app.add_typer(bookings_app, name="bookings")
app.add_typer(desk_app, name="desk-user")
app.add_typer(key_app, name="key")
app.add_typer(privacy_app, name="privacy")
add_backup(app)
add_servers(app)
console = Console(stderr=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def fail(sentence: object) -> NoReturn:
    """Print one sentence for the operator and end with code 1."""
    typer.echo(str(sentence), err=True)
    raise typer.Exit(1)


def library_with_progress(rebuild: bool = False) -> Library:
    """Open the library; a bar shows the building of the index where it is needed."""
    knowledge = KnowledgeSettings()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("building the index", total=None, visible=False)

        quarters = 0

        def progress(done: int, total: int) -> None:
            nonlocal quarters
            if not console.is_terminal and done * 4 // total > quarters:  # no bar there
                quarters = done * 4 // total
                console.print(f"building the index: {done} of {total} passages")
            bar.update(task, completed=done, total=total, visible=True)

        services = load(knowledge.services)
        return open_library(knowledge.index_folder, knowledge.encoder, services, progress, rebuild)


def prepare(settings: GatewaySettings) -> None:
    """Train, index and migrate where that is needed. Raises TrainingFailed or KnowledgeError."""
    check_key(settings)
    settings.var.mkdir(parents=True, exist_ok=True)
    if is_stale(settings):
        if not console.is_terminal:  # no spinner there: say it once
            console.print("training the dialogue model (about five minutes, once) …")
        with console.status("training the dialogue model (about five minutes, once) …"):
            train_model(settings)
    library_with_progress()
    database = Database(settings.database, Cipher(settings.encryption_key()))
    database.migrate()
    if settings.demo:
        put_samples(Catalogue(database, now), now())


def check_key(settings: GatewaySettings) -> None:
    """Say where a change of the key was interrupted."""
    try:
        settings.encryption_key()
    except RotationUnfinished as error:
        fail(error)


@app.command()
def run(demo: Annotated[bool, typer.Option(help="With sample courses and points, marked 示例.")] = False) -> None:
    """Start everything and keep it up; Ctrl-C stops it."""
    settings = GatewaySettings(demo=True) if demo else GatewaySettings()
    try:
        prepare(settings)
    except (TrainingFailed, KnowledgeError) as error:
        fail(error)
    console.print("starting the dialogue server and the advisor server (about 20 s) …")
    # The same process, without what was loaded to prepare: 400 MiB that would only lie there.
    os.execve(  # noqa: S606
        sys.executable, [sys.executable, "-m", "bot.supervisor"], {**os.environ, "ADVISOR_DEMO": str(settings.demo)}
    )


@app.command()
def train() -> None:
    """Train the dialogue model now."""
    settings = GatewaySettings()
    settings.var.mkdir(parents=True, exist_ok=True)
    try:
        with console.status("training the dialogue model …"):
            train_model(settings)
    except TrainingFailed as error:
        fail(error)


@app.command()
def search(text: str, as_json: Json = False, top: int = 5) -> None:
    """Search the service list; needs no server."""
    try:
        library = library_with_progress()
        matches = library.find(text, top)
    except KnowledgeError as error:
        fail(error)
    if as_json:
        rows = [{"service": m.service_id, "score": round(m.score, 4), "passage": m.passage} for m in matches]
        print(json.dumps({"text": text, "results": rows}, ensure_ascii=False))
        return
    for match in matches:
        print(
            f"{match.score:5.2f}  {match.service_id:28} {library.services[match.service_id].name}   « {match.passage}"
        )


@app.command()
def ask(text: str, as_json: Json = False, conversation: str = "") -> None:
    """Ask the running system one question."""
    reply = asyncio.run(_ask(text, conversation or f"cli:{uuid.uuid4().hex}"))
    print(json.dumps(reply.payload(), ensure_ascii=False) if as_json else plain_text(reply))


async def _ask(text: str, conversation: str) -> Reply:
    try:
        client = AdvisorClient(running(GatewaySettings()))
        try:
            return await client.send(conversation, text)
        finally:
            await client.close()
    except NotRunning as error:
        fail(error)
    except httpx.HTTPError as error:
        fail(f"the advisor gave no answer ({error!r}); see the output of: make run")


@app.command()
def chat() -> None:
    """Talk in the terminal; starts the system where it does not run."""
    from bot.started import started

    try:
        with started(GatewaySettings(), lambda settings: prepare(settings)) as where:
            asyncio.run(_chat(AdvisorClient(where)))
    except (NotRunning, TrainingFailed, KnowledgeError) as error:
        fail(error)


async def _chat(client: AdvisorClient) -> None:
    conversation = f"terminal:{uuid.uuid4().hex}"
    print("您好，请问您想了解什么？（输入“再见”或按 Ctrl-D 离开）")
    offered: list[str] = []
    while True:
        try:
            text = (await asyncio.to_thread(input, "> ")).strip()
        except (EOFError, KeyboardInterrupt):
            return
        if not text:
            continue
        token = offered[int(text) - 1] if text.isdigit() and 0 < int(text) <= len(offered) else None
        reply = await client.send(conversation, text, token)
        print(plain_text(reply))
        buttons = [button for block in reply.blocks for button in getattr(block, "buttons", []) if button.token]
        offered = [button.token or "" for button in buttons]
        if buttons:
            print("   ".join(f"[{number}] {button.title}" for number, button in enumerate(buttons, 1)))
        if text in ("再见", "退出"):
            return


@app.command()
def evaluate(
    file: Path,
    as_json: Json = False,
    answers: Annotated[
        Path | None, typer.Option(help="Write question, intent, service and answer, a row each.")
    ] = None,
) -> None:
    """Measure the running system (started where needed) on a set of questions."""
    from bot.evaluate import EvaluationSetError, evaluate_file, table
    from bot.started import started

    try:
        with started(GatewaySettings(), lambda settings: prepare(settings)) as where:
            figures = asyncio.run(evaluate_file(file, AdvisorClient(where), answers))
    except (NotRunning, TrainingFailed, KnowledgeError, EvaluationSetError, httpx.HTTPError) as error:
        fail(error)
    print(json.dumps(figures, ensure_ascii=False) if as_json else table(figures))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def quality(context: typer.Context) -> None:
    """The intent model alone: check the data, measure and compare pipelines, fit config.yml (docs/quality)."""
    from bot.training import quality as run_quality

    try:
        raise typer.Exit(run_quality(GatewaySettings(), *context.args))
    except KnowledgeError as error:
        fail(error)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check this installation, and say what is wrong and how to mend it; code 1 where something must be mended."""
    from bot.doctor import examine

    found = []
    for finding in examine():
        found.append(finding)
        if not as_json:
            print(finding.line(), flush=True)
    sound = not any(finding.level == "bad" for finding in found)
    if as_json:
        print(json.dumps({"sound": sound, "findings": [asdict(each) for each in found]}, ensure_ascii=False))
    raise typer.Exit(0 if sound else 1)


def main() -> None:
    """Run the command."""
    sys.exit(app())

"""The parts of an answer apart, each in this process alone: understanding, search, composing, booking."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from actions.answers import Answerer
from actions.booking.bookings import Bookings
from actions.booking.catalogue import Catalogue
from actions.booking.model import Applicant
from actions.understood import Context, UnderstoodAct
from bot.processes import ROOT, model_file
from bot.settings import GatewaySettings
from bot.training import TrainingFailed, rasa_environment
from knowledge.library import Library
from knowledge.normalise import normalise
from storage.booking_tables import CourseRow, EventRow
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database

_BOOKINGS = 100


def nlu_p50_ms(settings: GatewaySettings, texts: Sequence[str]) -> float:
    """Return what understanding a text takes that was never seen, in the dialogue environment. Raises TrainingFailed."""
    python = str(Path(settings.dialogue_python).absolute())
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("\n".join(texts))
        file.flush()
        command = [python, "-m", "nlu.speed", file.name, str(model_file(settings).resolve())]
        environment = {**rasa_environment(), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(  # noqa: S603 (our own module)
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise TrainingFailed(f"the model cannot be measured: {done.stderr[-300:]}")
    took: list[float] = json.loads(done.stdout.splitlines()[-1])
    return round(statistics.median(took), 1)


def search_and_compose(library: Library, texts: Sequence[str]) -> dict[str, float]:
    """Return what the search takes for a text whose vector came with it, and what the whole reply takes then."""
    normal = [normalise(text) for text in texts]
    vectors = [library.encoder.queries([text])[0] for text in normal]
    acts = [
        UnderstoodAct("ask_service", text, 0.9, encoder=library.encoder_name, vector=vector)
        for text, vector in zip(normal, vectors, strict=True)
    ]
    pairs = iter(list(zip(normal, vectors, strict=True)) * 2)
    answerer, waiting = Answerer(library, now()), iter(acts * 2)
    search = _p50(lambda: library.find_by_vector(*next(pairs)), len(texts))
    answer = _p50(lambda: answerer.reply([next(waiting)], Context()).payload(), len(texts))
    return {
        "search_p50_ms": search,
        "answer_action_p50_ms": answer,
        "compose_p50_ms": round(max(answer - search, 0), 2),
    }


def booking_p50_ms() -> float:
    """Return what one booking takes: a transaction with its seat, its audit line and its reminders."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/bench.db", Cipher(GatewaySettings(var=Path(folder)).encryption_key()))
        database.migrate()
        starts = now() + timedelta(days=30)
        course = CourseRow(id="bench", title="照护课", about="翻身", sample=True)
        event = EventRow(
            **{"id": "bench", "kind": "training", "course_id": "bench", "title": "照护课", "district": "徐汇区"},
            **{"place": "田林路", "starts_at": starts, "ends_at": starts + timedelta(hours=2)},
            **{"seats": _BOOKINGS + 1, "taken": 0, "state": "open", "sample": True},
        )
        Catalogue(database, now).put_courses([course], [event])
        bookings, people = Bookings(database, now), iter(range(_BOOKINGS + 1))

        def book() -> None:
            number = next(people)
            bookings.book("bench", Applicant(f"web:{number}", f"138{number:08}", "本人"), f"bench-{number}")

        took = _p50(book, _BOOKINGS)
        database.engine.dispose()
    return took


def _p50(what: Callable[[], object], times: int) -> float:
    what()  # the first loads what is loaded lazily
    took = []
    for _ in range(times):
        began = time.perf_counter()
        what()
        took.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(took), 2)

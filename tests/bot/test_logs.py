"""The log: one JSON object an event, with the request's id, and no word of people's."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime

import pytest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot import logs
from bot.errors import CannotStore, DialogueDown
from bot.messages import Incoming
from bot.processes import ROOT
from knowledge.library import Library
from storage.database import Database
from tests.bot.test_path import AT, Dialogue, database, fine, library, path_with  # noqa: F401 (fixtures)

SECRET = "我叫欧阳慕云霄，电话13764920583"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, hooks = logging.getLogger(), (sys.excepthook, logging.raiseExceptions)
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, logging.raiseExceptions = hooks


def events(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_event_is_one_json_object_with_the_requests_id(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    with logs.about("a" * 32, "web"):
        logging.getLogger("bot.path").info("answered", extra={"outcome": "answered_service", "took_ms": 12.5})
    logging.getLogger("bot.path").info("after it")
    first, second = events(capsys)
    assert datetime.fromisoformat(str(first.pop("time"))).utcoffset() is not None
    assert first == {
        "level": "info",
        "logger": "bot.path",
        "event": "answered",
        "request_id": "a" * 32,
        "channel": "web",
        "outcome": "answered_service",
        "took_ms": 12.5,
    }
    assert "request_id" not in second


def test_a_field_that_nobody_named_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    logging.getLogger("bot").warning("said", extra={"text": SECRET, "status": "x"})
    assert events(capsys)[0].keys() == {"time", "level", "logger", "event", "status"}


def test_an_exception_is_told_by_kind_and_place_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    class Form(BaseModel):
        age: int

    logs.configure("json")
    try:
        try:
            Form.model_validate({"age": SECRET})
        except ValueError as error:
            raise DialogueDown(f"cannot be read: {error}") from error
    except DialogueDown:
        logging.getLogger("bot").exception("an answer broke")
    (event,) = events(capsys)
    assert event["error"] == "DialogueDown < ValidationError"
    assert "欧阳" not in str(event)
    assert str(event["where"]).endswith("test_an_exception_is_told_by_kind_and_place_without_its_message']")


def test_what_libraries_write_carries_no_words_and_no_long_number(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    logging.getLogger("some.library").warning("cannot send %s", SECRET)
    talkative = logging.getLogger("some.talkative.library")
    talkative.setLevel(logging.DEBUG)
    talkative.debug("looking for %s", "Jane")
    logging.getLogger("httpx").info("POST https://example.invalid/bot1:token/sendMessage")
    (event,) = events(capsys)
    assert event["event"] == "cannot send …"


async def test_a_task_whose_error_nobody_took_shows_no_message(capsys: pytest.CaptureFixture[str]) -> None:
    async def fails() -> None:
        raise ValueError("my name is Jane")

    logs.configure("json")
    task = asyncio.ensure_future(fails())
    await asyncio.wait([task])
    del task
    import gc

    gc.collect()
    (event,) = events(capsys)
    assert (event["event"], event["error"]) == ("Task exception was never retrieved", "ValueError")
    assert "Jane" not in str(event)


@pytest.mark.parametrize("statement", ["INSERT INTO nowhere VALUES (:said)", "SELECT :said FROM inbox WHERE nothing"])
def test_an_error_of_the_database_shows_no_parameter(database: Database, statement: str) -> None:
    with pytest.raises(SQLAlchemyError) as raised, database.write() as session:
        session.execute(text(statement), {"said": SECRET})
    assert "欧阳" not in str(raised.value)
    assert "hide_parameters" in str(raised.value)


async def test_a_message_that_cannot_be_stored_is_no_part_of_the_error(
    database: Database,
    library: Library,
) -> None:
    path = path_with(database, library, Dialogue(fine))
    with database.write() as session:
        session.execute(text("DROP TABLE inbox"))
    with pytest.raises(CannotStore) as raised:
        await path.handle(Incoming("web", "web:a", "1", SECRET, AT))
    assert "OperationalError (SQLITE_ERROR)" in str(raised.value)
    assert "欧阳" not in f"{raised.value} {raised.value.__cause__}"


async def test_an_answer_is_an_event_with_its_outcome_and_no_text(
    database: Database,
    library: Library,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("json")
    message = Incoming("web", "web:a", "1", SECRET, AT)
    await path_with(database, library, Dialogue(fine)).handle(message)
    (event,) = events(capsys)
    assert (event["event"], event["request_id"], event["channel"]) == ("answered", message.inbox_id, "web")
    assert event["outcome"] == "answered_service"
    assert "欧阳" not in str(event)


def test_a_childs_json_stays_one_object_and_names_the_process() -> None:
    line = json.dumps({"time": "2026-11-25T01:00:00Z", "level": "info", "event": "turn", "request_id": "b" * 32})
    assert json.loads(logs.passed_on("dialogue", line, "json")) == {**json.loads(line), "process": "dialogue"}


def test_a_childs_other_output_becomes_an_event_without_words() -> None:
    event = json.loads(logs.passed_on("dialogue", f"ValueError: {SECRET}", "json"))
    assert (event["process"], event["event"]) == ("dialogue", "ValueError: …")


def test_a_reader_at_a_terminal_gets_readable_lines() -> None:
    line = json.dumps({"time": "2026-11-25T01:00:00Z", "level": "info", "event": "turn", "took_ms": 3})
    shown = logs.passed_on("dialogue", line, "console")
    assert not shown.startswith("{")
    assert "turn" in shown
    assert "process=dialogue" in shown
    assert logs.spoken("dialogue: ended with code 1", "console") == "dialogue: ended with code 1"


def test_the_supervisors_own_sentence_is_an_event_too() -> None:
    event = json.loads(logs.spoken("dialogue: ended with code 1", "json"))
    assert (event["process"], event["event"]) == ("supervisor", "dialogue: ended with code 1")


def test_a_process_that_ends_by_an_error_says_so_without_the_message() -> None:
    program = f"from bot import logs; logs.configure(); raise ValueError('{SECRET}')"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    event = json.loads(done.stdout)
    assert done.returncode == 1
    assert (event["level"], event["error"]) == ("critical", "ValueError")
    assert "欧阳" not in done.stdout + done.stderr

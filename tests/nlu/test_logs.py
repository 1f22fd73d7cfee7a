"""The dialogue server's log, in the dialogue environment: events with the request's id, nothing of what was said."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from nlu import logs

SECRET = "我叫欧阳慕云霄，电话13764920583"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raises = list(root.handlers), root.level, logging.raiseExceptions
    logs.configure()
    yield
    logs.request_is(None)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raises
    structlog.reset_defaults()


def events(capsys: pytest.CaptureFixture) -> list:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_turn_is_one_json_object_with_the_requests_id(capsys: pytest.CaptureFixture) -> None:
    logs.request_is("a" * 32)
    logging.getLogger("nlu.components.channel").info("turn", extra={"status": "complete", "took_ms": 9.5})
    (event,) = events(capsys)
    assert event.pop("time").endswith("Z")
    assert event == {
        "level": "info",
        "logger": "nlu.components.channel",
        "event": "turn",
        "request_id": "a" * 32,
        "status": "complete",
        "took_ms": 9.5,
    }


@pytest.mark.parametrize("given", [None, 7, SECRET, "a" * 31, {"x": 1}])
def test_what_is_no_id_is_not_written_as_one(given: object, capsys: pytest.CaptureFixture) -> None:
    logs.request_is(given)
    logging.getLogger("nlu").info("turn")
    assert "request_id" not in events(capsys)[0]


def test_rasas_own_events_are_written_without_their_values(capsys: pytest.CaptureFixture) -> None:
    log = structlog.get_logger("rasa.shared.core.events")
    log.warning("event.deserialization.failed", rasa_event={"text": SECRET}, event_info=f"cannot read {SECRET}")
    log.debug("processor.message.parse", parse_data_text=SECRET)
    try:
        text = SECRET
        raise KeyError(text)
    except KeyError:
        log.exception("interpolator.interpolate.text", response=SECRET)
    first, second = events(capsys)
    assert (first["event"], first["level"]) == ("event.deserialization.failed", "warning")
    assert (second["event"], second["error"]) == ("interpolator.interpolate.text", "KeyError")
    assert "欧阳" not in f"{first}{second}"


def test_an_exception_is_told_by_kind_and_place(capsys: pytest.CaptureFixture) -> None:
    try:
        try:
            int(SECRET)
        except ValueError as error:
            raise RuntimeError(SECRET) from error
    except RuntimeError:
        logging.getLogger("rasa.core.processor").exception("action failed for %s", SECRET)
    (event,) = events(capsys)
    assert (event["event"], event["error"]) == ("action failed for …", "RuntimeError < ValueError")
    assert event["where"][-1].startswith("nlu/test_logs.py:")
    assert "欧阳" not in str(event)

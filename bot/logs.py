"""The log: one JSON object a line on standard output, or lines for a reader at a terminal.

No word of people's gets into it: only the fields named here are written, an exception is told
by its kind and place (its message may quote what was said, or the parameters of a statement),
and of what libraries write, words in Chinese and long numbers are left out.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict, WrappedLogger

FIELDS = (  # what an event may say beside time, level, logger and event
    *("request_id", "channel", "step", "outcome", "intent", "took_ms", "status", "error", "where"),
)
_ORDER = ("time", "level", "process", "logger", "event", *FIELDS)
_OURS = ("bot", "actions", "knowledge", "storage")
_WORDS = re.compile(r"(?:[㐀-鿿＀-￯　-〿]|\d{7,})++")
_ROOT = Path(__file__).resolve().parent.parent
_FRAMES = 12


def configure(form: str = "") -> None:
    """Write every event of this process in ``form``: json, console, or what fits where the output goes."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _Output)]:
        root.removeHandler(handler)
    output = _Output()
    output.setFormatter(_formatter(_form(form)))
    root.addHandler(output)
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # it has handlers of its own
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.raiseExceptions = False  # it would print the arguments of a line that cannot be written
    sys.excepthook = _ended
    threading.excepthook = _thread_ended


def about(request_id: str, channel: str | None = None) -> AbstractContextManager[None]:
    """Name the message that all events within are about."""
    named = {"request_id": request_id, "channel": channel}
    return structlog.contextvars.bound_contextvars(**{name: value for name, value in named.items() if value})


def passed_on(process: str, line: str, form: str = "") -> str:
    """Return a line that a child process wrote, marked with the child's name, as ``form`` has it."""
    event = _event(line) or {"level": "info", "event": scrubbed(line)}
    event = {"time": _now(), **event, "process": process}
    return _rendered(event, _form(form))


def spoken(line: str, form: str = "") -> str:
    """Return the supervisor's own sentence as ``form`` has it; what a child wrote stays as it is."""
    if _form(form) == "console" or _event(line):
        return line
    return _rendered({"time": _now(), "level": "info", "process": "supervisor", "event": line}, "json")


def told(error: BaseException | None) -> str:
    """Return what an exception is, and what caused it, without its messages: DialogueDown < ReadTimeout."""
    kinds: list[str] = []
    while error is not None and len(kinds) < _FRAMES:
        exact = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
        if isinstance(error, OSError) and error.strerror:
            exact = error.strerror
        kinds.append(f"{type(error).__name__} ({exact})" if exact else type(error).__name__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " < ".join(kinds)


def scrubbed(text: str) -> str:
    """Return what a library wrote, in a line, without words in Chinese and long numbers."""
    return _WORDS.sub("…", text.strip().replace("\n", " | "))


class _Output(logging.Handler):
    """Writes to standard output as it is at that time; a closed one is no reason to stop."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep what libraries say from warning on, whatever level they set for themselves."""
        return record.levelno >= logging.WARNING or record.name.split(".")[0] in _OURS

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()
        except (OSError, ValueError):
            pass


def _formatter(form: str) -> ProcessorFormatter:
    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            ExtraAdder(allow=FIELDS),
        ],
        processors=[_without_words, _known_fields, lambda *given: _rendered(given[2], form)],
    )


def _without_words(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Tell exceptions by kind and place; take out of others' lines what people may have said."""
    record: logging.LogRecord = event["_record"]
    raised = event.get("exc_info")
    if isinstance(raised, tuple) and raised[1] is not None:
        event["error"], event["where"] = told(raised[1]), _places(raised[2])
    if record.name.split(".")[0] not in _OURS:
        said = str(event["event"])
        # asyncio shows what a task ended with on the lines below the first.
        event["event"] = scrubbed(said.split("\n")[0] if record.name == "asyncio" else said)
    return {"time": _now(), **event}


def _known_fields(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    return {field: event[field] for field in _ORDER if event.get(field) is not None}


def _rendered(event: EventDict, form: str) -> str:
    if form == "json":
        return json.dumps(event, ensure_ascii=False, default=str)
    console = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), sort_keys=False, pad_event_to=0)
    shown = {"timestamp" if field == "time" else field: value for field, value in event.items()}
    return str(console(None, "", shown))


def _places(trace: TracebackType | None) -> list[str]:
    """Return where an exception came from, the last frame last; never a value."""
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else "/".join(path.parts[-2:])


def _event(line: str) -> dict[str, Any] | None:
    """Return the event that a line of JSON is, or None."""
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "event" in found else None


def _form(form: str) -> str:
    return form or ("console" if sys.stdout.isatty() else "json")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("bot").critical("the process ends by an error", exc_info=error.with_traceback(trace))


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        logging.getLogger("bot").error("a thread ended by an error", exc_info=args.exc_value)

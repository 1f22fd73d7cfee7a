"""The dialogue server's log: one JSON object a line, as the advisor server's (docs/operations.md).

Rasa's own set-up writes the local variables of every frame with a traceback, and at some warnings
the message itself. Here an event is its name, and an exception its kind and place.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import Any, Dict, List, Tuple

import structlog

REQUEST: "ContextVar[str]" = ContextVar("request_id", default="")
_EXTRA = ("channel", "step", "status", "took_ms")
_WORDS = re.compile(r"(?:[㐀-鿿＀-￯　-〿]|\d{7,})+")
_ID = re.compile(r"[0-9a-f]{32}")
_FRAMES = 12
_REPLACED = ("logging", "coloredlogs")  # handlers that Rasa puts there


def configure() -> None:
    """Write every event of this process as JSON: ours from INFO on, others' from WARNING on."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if handler.__class__.__module__ in (*_REPLACED, __name__):
            root.removeHandler(handler)
    output = _Output()
    output.setFormatter(JsonLine())
    root.addHandler(output)
    root.setLevel(logging.WARNING)
    logging.getLogger("nlu").setLevel(logging.INFO)
    for name in ("rasa", "sanic.root", "sanic.error", "sanic.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("sanic.root", "sanic.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.raiseExceptions = False  # it would print the arguments of a line that cannot be written
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _name_only],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        cache_logger_on_first_use=True,
    )


def request_is(inbox_id: Any) -> None:
    """Say which message the events from here on are about."""
    REQUEST.set(inbox_id if isinstance(inbox_id, str) and _ID.fullmatch(inbox_id) else "")


class JsonLine(logging.Formatter):
    """Formats a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without what people said."""
        now = datetime.fromtimestamp(record.created, timezone.utc)
        said = record.getMessage()
        if not record.name.startswith("nlu"):
            # asyncio shows what a task ended with on the lines below the first.
            said = _WORDS.sub("…", (said.split("\n")[0] if record.name == "asyncio" else said).replace("\n", " | "))
        event: Dict[str, Any] = {
            "time": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": said,
        }
        if REQUEST.get():
            event["request_id"] = REQUEST.get()
        event.update({name: record.__dict__[name] for name in _EXTRA if name in record.__dict__})
        if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
            event["error"], event["where"] = _told(record.exc_info[1])
        return json.dumps(event, ensure_ascii=False, default=str)


class _Output(logging.Handler):
    """Writes to standard output; a closed one is no reason to stop."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep what libraries say from warning on, whatever level they set for themselves."""
        return record.levelno >= logging.WARNING or record.name.split(".")[0] == "nlu"

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()
        except (OSError, ValueError):
            pass


def _told(error: BaseException) -> Tuple[str, List[str]]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    where = [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames]
    kinds: List[str] = []
    cause: "BaseException | None" = error
    while cause is not None and len(kinds) < _FRAMES:
        kinds.append(type(cause).__name__)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return " < ".join(kinds), where


def _name_only(logger: Any, level: str, event: Dict[str, Any]) -> "Tuple[Tuple[str], Dict[str, Any]]":
    """Pass on the name of Rasa's event and what was raised; its values may hold a message."""
    raised = event.get("exc_info") or level == "exception"
    return (str(event.get("event", "")),), {"exc_info": sys.exc_info() if raised is True else raised or None}

"""A conversation's record as a file: to read, or as JSON for another program."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from actions.booking_talk.words import clock_time
from knowledge.phrases import phrase, say
from knowledge.plain_text import plain_text
from knowledge.reply import Reply
from storage.database import Database
from storage.records import Records, Rows
from storage.trackers import Trackers

_SAID = ("turns", "desk_messages")  # these are told as a talk
_NOT_TOLD = ("turns", "desk_messages", "deliveries", "buttons")  # nothing that the talk does not say
_REMEMBERED = ("talk", "last_service", "last_aspect")


@dataclass(frozen=True)
class Record:
    """What is kept, and what the dialogue remembers besides."""

    rows: Rows
    remembered: dict[str, Any]
    at: datetime

    def is_empty(self) -> bool:
        """Return whether nothing is kept."""
        return not self.rows and not self.remembered


class RecordFiles:
    """Makes the files. ``tracker_url`` is where the dialogue server keeps what it remembers."""

    def __init__(self, database: Database, tracker_url: str, clock: Callable[[], datetime], days: int) -> None:
        self._database = database
        self._records = Records(database)
        self._tracker_url = tracker_url
        self._clock = clock
        self._days = days

    def of_conversation(self, conversation: str) -> Record:
        """Return all that is kept about a conversation."""
        trackers = Trackers(self._tracker_url, self._database.cipher)
        try:
            slots = trackers.slots(conversation)
        finally:
            trackers.close()
        remembered = {name: _unsealed(slots[name]) for name in _REMEMBERED if slots.get(name)}
        return Record(self._records.of_conversation(conversation), remembered, self._clock())

    def of_phone(self, phone: str) -> Record:
        """Return what is kept beside a telephone number (digits)."""
        return Record(self._records.of_phone(phone), {}, self._clock())

    def text(self, record: Record) -> str:
        """Return it to be read."""
        return "\n".join([*self._lines(record), ""])

    def data(self, record: Record) -> str:
        """Return it as JSON: table → rows."""
        whole = {"made_at": record.at, "kept": record.rows, "remembered": record.remembered}
        return json.dumps(whole, ensure_ascii=False, indent=1, default=_plain)

    def _lines(self, record: Record) -> Iterator[str]:
        yield say("record_title")
        yield say("record_made", at=clock_time(record.at), days=self._days)
        if record.is_empty():
            yield say("record_nothing")
            return
        talk = list(_talk(record.rows))
        if talk:
            yield from ("", f"== {say('record_talk')} ==", *talk)
        names = phrase("record_tables")
        for table, rows in record.rows.items():
            rows = [row for row in rows if table != "inbox" or row["state"] != "done" or "phone" in row]
            if table not in _NOT_TOLD and rows:
                yield from ("", f"== {names.get(table, table)} ==")
                yield from (_told(row) for row in rows)
        if record.remembered:
            yield from ("", f"== {say('record_remembered')} ==", _told(record.remembered))


def _talk(rows: Rows) -> Iterator[str]:
    said = [row for table in _SAID for row in rows.get(table, [])]
    for row in sorted(said, key=lambda row: row["created_at"]):
        yield clock_time(row["created_at"])
        if "text" in row:
            yield f"{say('record_you')}：{row['text']}"
        who = say("record_bot" if "text" in row else "record_staff")
        yield f"{who}：{plain_text(Reply.model_validate(row['reply']))}"
        yield ""


def _told(row: dict[str, Any]) -> str:
    """Return a row on one line, without what says nothing to a reader."""
    shown = {name: value for name, value in row.items() if not name.endswith("id") and name != "number"}
    return "；".join(f"{name}：{_word(value)}" for name, value in shown.items())


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return say("record_yes" if value else "record_no")
    if isinstance(value, datetime):
        return clock_time(value)
    if isinstance(value, dict):
        if "blocks" in value:
            return plain_text(Reply.model_validate(value)).replace("\n", " ")
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return str(value)


def _unsealed(value: Any) -> Any:
    """Return what the dialogue remembers without sealed numbers: the phone stands in the booking itself."""
    if isinstance(value, dict):
        return {name: _unsealed(each) for name, each in value.items() if name != "phone"}
    return value


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)

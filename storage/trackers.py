"""Rasa's tracker store as a table, for what is done to it from outside: a new key, an export, an erasure.

The dialogue server writes it (nlu/components/tracker_store.py): one row an event, ``data`` is the
event as JSON, encrypted with our key. Inside the JSON telephone numbers are sealed once more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    create_engine,
    delete,
    inspect,
    make_url,
    select,
    update,
)

from storage.crypto import CannotDecrypt, Cipher

SEALED_INSIDE = ("booking.phone", "message.phone")  # what a sealed "phone" in an event may be bound to
_BOUND_TO = "tracker"
_BATCH = 500
TRACKER_TABLES = MetaData()
_EVENTS = Table(  # as Rasa's SQLTrackerStore makes it
    "events",
    TRACKER_TABLES,
    Column("id", Integer, primary_key=True),
    Column("sender_id", String(255), nullable=False, index=True),
    Column("type_name", String(255), nullable=False),
    Column("timestamp", Float),
    Column("intent_name", String(255)),
    Column("action_name", String(255)),
    Column("data", Text),
)


class Trackers:
    """The events of all conversations."""

    def __init__(self, url: str, cipher: Cipher) -> None:
        """Take the address as the dialogue server has it; its driver is not ours."""
        parsed = make_url(url)
        self._file = Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None
        if self._file is None:
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.engine = create_engine(parsed)
        self._cipher = cipher

    def exist(self) -> bool:
        """Return whether the dialogue server has written any yet."""
        if self._file is not None and not self._file.is_file():  # to look would make the file
            return False
        looked = inspect(self.engine)
        if not looked.has_table(_EVENTS.name):
            return False
        # We have a table of that name too: what can be booked.
        return _EVENTS.c.sender_id.name in {column["name"] for column in looked.get_columns(_EVENTS.name)}

    def make(self) -> None:
        """Make the table where the dialogue server has not yet."""
        TRACKER_TABLES.create_all(self.engine)

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def renew(self, told: Callable[[int], None] = lambda done: None) -> int:
        """Write every event with the cipher's own key, in one transaction; return how many were not yet.

        ``told`` hears how many were looked at. Raises CannotDecrypt: then nothing is changed.
        """
        if not self.exist():
            return 0
        changed, last = 0, 0
        setting = update(_EVENTS).where(_EVENTS.c.id == bindparam("at")).values(data=bindparam("new"))
        own = self._cipher.only_current()
        with self.engine.begin() as connection:
            while True:
                query = select(_EVENTS.c.id, _EVENTS.c.data).where(_EVENTS.c.id > last).order_by(_EVENTS.c.id)
                rows = connection.execute(query.limit(_BATCH)).all()
                if not rows:
                    return changed
                new = [{"at": row.id, "new": self._renewed(row.data)} for row in rows if not _reads(own, row.data)]
                if new:
                    connection.execute(setting, new)
                changed, last = changed + len(new), rows[-1].id
                told(len(rows))

    def forget(self, conversation: str) -> int:
        """Delete the events of a conversation; return how many."""
        if not self.exist():
            return 0
        with self.engine.begin() as connection:
            gone = connection.execute(delete(_EVENTS).where(_EVENTS.c.sender_id == conversation))
            return int(gone.rowcount)

    def slots(self, conversation: str) -> dict[str, Any]:
        """Return what the dialogue remembers of a conversation: its slots as last set."""
        if not self.exist():
            return {}
        query = (
            select(_EVENTS.c.data)
            .where(_EVENTS.c.sender_id == conversation, _EVENTS.c.type_name == "slot")
            .order_by(_EVENTS.c.id)
        )
        with self.engine.connect() as connection:
            events = [json.loads(self._cipher.unseal(row.data, _BOUND_TO)) for row in connection.execute(query)]
        return {event["name"]: event.get("value") for event in events}

    def _renewed(self, data: str) -> str:
        event = json.loads(self._cipher.unseal(data, _BOUND_TO))
        return self._cipher.seal(json.dumps(self._resealed(event), ensure_ascii=False), _BOUND_TO)

    def _resealed(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resealed(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {
            name: self._phone(each) if name == "phone" and isinstance(each, str) else self._resealed(each)
            for name, each in value.items()
        }

    def _phone(self, sealed: str) -> str:
        for purpose in SEALED_INSIDE:
            try:
                return self._cipher.seal(self._cipher.unseal(sealed, purpose), purpose)
            except CannotDecrypt:
                continue
        return sealed  # another phone: a service's


def _reads(cipher: Cipher, data: str) -> bool:
    try:
        cipher.unseal(data, _BOUND_TO)
    except CannotDecrypt:
        return False
    return True

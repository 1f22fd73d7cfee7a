"""A tracker store that encrypts the events: nobody reads conversations out of the file."""

from __future__ import annotations

import base64
import itertools
import json
import logging
import os
import time
from typing import Any, Dict, Optional

import sqlalchemy
import sqlalchemy.orm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.pool import StaticPool

logger = logging.getLogger(__name__)
_NONCE = 12
_CLEAR_EVERY_S = 3_600
_BOUND_TO = b"tracker"
_STORED = "_advisor_stored"  # of a tracker: how many of its events are in the database


class EncryptedTrackerStore(SQLTrackerStore):
    """SQLTrackerStore whose ``data`` column is AES-256-GCM.

    Conversations are forgotten when nothing was said in them for the days set; an open form
    keeps its time by itself. The vectors of past messages are left out: they are only of use to the action that ran.
    """

    def __init__(
        self,
        domain: Optional[Domain] = None,
        event_broker: Optional[EventBroker] = None,
        key: str = "",
        days: str = "30",
        **kwargs: Any,
    ) -> None:
        """Take the key as base64 of 32 bytes and for how many days events are kept; the rest as SQLTrackerStore.

        The endpoint's ``url`` (its ``host`` here) is the database's whole address.
        """
        self._kept_s = float(days) * 86_400
        self._cleared_at = 0.0
        self._aes = AESGCM(base64.urlsafe_b64decode(key))
        super().__init__(domain=domain, event_broker=event_broker, **kwargs)
        if self.engine.dialect.name == "sqlite":
            # Rasa opens the file anew for every statement. One connection is kept: all is done by one thread.
            self.engine = sqlalchemy.create_engine(
                self.engine.url, poolclass=StaticPool, connect_args={"check_same_thread": False}
            )
            sqlalchemy.event.listen(self.engine, "connect", _quick)
            self.sessionmaker = sqlalchemy.orm.sessionmaker(bind=self.engine)
        self._prepare_statements()

    def _prepare_statements(self) -> None:
        """Make the statements once: building Rasa's query anew took longer than running it."""
        event, sender = self.SQLEvent.__table__.c, sqlalchemy.bindparam("sender")
        started = sqlalchemy.select(sqlalchemy.func.max(event.timestamp)).where(
            event.sender_id == sender, event.type_name == SessionStarted.type_name
        )
        self._every = sqlalchemy.select(event.data).where(event.sender_id == sender).order_by(event.id)
        since = started.scalar_subquery()
        self._last_session = self._every.where(sqlalchemy.or_(event.timestamp >= since, since.is_(None)))
        self._insert = self.SQLEvent.__table__.insert()

    async def create_tracker(self, sender_id: str, append_action_listen: bool = True) -> DialogueStateTracker:
        """Return a new tracker, stored with the first save of its turn: nothing of it is worth keeping before."""
        tracker = self.init_tracker(sender_id)
        setattr(tracker, _STORED, 0)
        if append_action_listen:
            tracker.update(ActionExecuted(ACTION_LISTEN_NAME))
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store the events that are not stored yet."""
        await self.stream_events(tracker)
        self._clear()
        stored = getattr(tracker, _STORED, None)
        if stored is None:  # not one that was read here
            with self.session_scope() as session:
                stored = self._event_query(session, tracker.sender_id, fetch_events_from_all_sessions=False).count()
        rows = [self._row(tracker.sender_id, event) for event in itertools.islice(tracker.events, stored, None)]
        if rows:
            with self.engine.begin() as connection:
                connection.execute(self._insert, rows)
        setattr(tracker, _STORED, len(tracker.events))

    def _row(self, sender_id: str, event: Event) -> Dict[str, Any]:
        data = event.as_dict()
        return {
            "sender_id": sender_id,
            "type_name": event.type_name,
            "timestamp": data.get("timestamp"),
            "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
            "action_name": data.get("name"),
            "data": self._encrypt(_without_vectors(data)),
        }

    async def _retrieve(self, sender_id: str, fetch_events_from_all_sessions: bool) -> Optional[DialogueStateTracker]:
        query = self._every if fetch_events_from_all_sessions else self._last_session
        with self.engine.connect() as connection:
            events = [self._decrypt(data) for (data,) in connection.execute(query, {"sender": sender_id})]
        if not self.domain or not events:
            return None
        tracker = DialogueStateTracker.from_dict(sender_id, events, self.domain.slots)
        if not fetch_events_from_all_sessions:
            setattr(tracker, _STORED, len(tracker.events))
        return tracker

    def forget(self, sender_id: str) -> None:
        """Delete all events of one conversation."""
        with self.session_scope() as session:
            session.query(self.SQLEvent).filter(self.SQLEvent.sender_id == sender_id).delete()
            session.commit()

    def _clear(self) -> None:
        """Delete, once an hour, the events of conversations in which nothing was said for so long."""
        now = time.time()
        if now - self._cleared_at < _CLEAR_EVERY_S:
            return
        self._cleared_at = now
        event = self.SQLEvent
        with self.session_scope() as session:
            silent = (
                session.query(event.sender_id)
                .group_by(event.sender_id)
                .having(sqlalchemy.func.max(event.timestamp) < now - self._kept_s)
            )
            gone = session.query(event).filter(event.sender_id.in_(silent)).delete(synchronize_session=False)
            session.commit()
        if gone:
            logger.info("%d events of old conversations forgotten", gone)

    def _encrypt(self, data: Dict[str, Any]) -> str:
        nonce = os.urandom(_NONCE)
        sealed = self._aes.encrypt(nonce, json.dumps(data, ensure_ascii=False).encode(), _BOUND_TO)
        return base64.b64encode(nonce + sealed).decode()

    def _decrypt(self, text: str) -> Dict[str, Any]:
        raw = base64.b64decode(text)
        data: Dict[str, Any] = json.loads(self._aes.decrypt(raw[:_NONCE], raw[_NONCE:], _BOUND_TO))
        return data


def _quick(connection: Any, record: Any) -> None:
    """Let readers go on while one writes, and wait for no disk: as the advisor's database (storage/database.py)."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _without_vectors(data: Dict[str, Any]) -> Dict[str, Any]:
    acts = data.get("parse_data", {}).get("acts")
    if not acts:
        return data
    slim = [{name: value for name, value in act.items() if name != "vector"} for act in acts]
    return {**data, "parse_data": {**data["parse_data"], "acts": slim}}

"""A tracker store that encrypts the events: nobody reads conversations out of the file."""

from __future__ import annotations

import base64
import json
import logging
import os
import time
from typing import Any, Dict, Optional

import sqlalchemy
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

logger = logging.getLogger(__name__)
_NONCE = 12
_CLEAR_EVERY_S = 3_600
_BOUND_TO = b"tracker"


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

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store the events that are not stored yet."""
        await self.stream_events(tracker)
        self._clear()
        with self.session_scope() as session:
            for event in self._additional_events(session, tracker):
                data = event.as_dict()
                session.add(
                    self.SQLEvent(
                        sender_id=tracker.sender_id,
                        type_name=event.type_name,
                        timestamp=data.get("timestamp"),
                        intent_name=data.get("parse_data", {}).get("intent", {}).get("name"),
                        action_name=data.get("name"),
                        data=self._encrypt(_without_vectors(data)),
                    )
                )
            session.commit()

    async def _retrieve(self, sender_id: str, fetch_events_from_all_sessions: bool) -> Optional[DialogueStateTracker]:
        with self.session_scope() as session:
            rows = self._event_query(session, sender_id, fetch_events_from_all_sessions).all()
            events = [self._decrypt(row.data) for row in rows]
        if not self.domain or not events:
            return None
        return DialogueStateTracker.from_dict(sender_id, events, self.domain.slots)

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


def _without_vectors(data: Dict[str, Any]) -> Dict[str, Any]:
    acts = data.get("parse_data", {}).get("acts")
    if not acts:
        return data
    slim = [{name: value for name, value in act.items() if name != "vector"} for act in acts]
    return {**data, "parse_data": {**data["parse_data"], "acts": slim}}

"""How much waits, and since when: for who watches the system. Numbers only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from storage.booking_tables import BookingRow, CallRow, OutboxRow
from storage.database import Database
from storage.desk_tables import DeskMessageRow
from storage.tables import DeliveryRow, InboxRow, TicketRow

_DANGER = 3  # the urgency of a ticket


@dataclass(frozen=True)
class Queue:
    """How many wait, and how long the first of them has, in seconds (0 where nobody does)."""

    length: int
    oldest_s: float


class Queues:
    """The queues of one database."""

    def __init__(self, database: Database, clock: Callable[[], datetime], answered_within: timedelta) -> None:
        """Messages older than ``answered_within`` are not answered any more: they count as abandoned."""
        self._db = database
        self._clock = clock
        self._answered_within = answered_within

    def lengths(self) -> dict[str, Queue]:
        """Return each queue by its name."""
        now = self._clock()
        fresh = now - self._answered_within
        received, waits = InboxRow.state == "received", TicketRow.state == "open"
        asked: dict[str, tuple[InstrumentedAttribute[Any], tuple[Any, ...]]] = {
            "inbox": (InboxRow.received_at, (received, InboxRow.received_at >= fresh)),
            "abandoned": (InboxRow.received_at, (received, InboxRow.received_at < fresh)),
            "deliveries": (DeliveryRow.created_at, (DeliveryRow.state == "pending",)),
            "outbox": (OutboxRow.due_at, (OutboxRow.state == "pending", OutboxRow.due_at <= now)),
            "desk_messages": (DeskMessageRow.due_at, (DeskMessageRow.state == "pending", DeskMessageRow.due_at <= now)),
            "tickets": (TicketRow.created_at, (waits,)),
            "tickets_danger": (TicketRow.created_at, (waits, TicketRow.urgency >= _DANGER)),
            "tickets_late": (TicketRow.created_at, (waits, TicketRow.due_at < now)),
            "held": (TicketRow.waits_since, (TicketRow.state == "claimed", TicketRow.waits_since.is_not(None))),
            "calls": (CallRow.created_at, (CallRow.state == "open",)),
        }
        with self._db.transaction() as session:
            found = {}
            for name, (since, which) in asked.items():
                length, oldest = session.execute(select(func.count(), func.min(since)).where(*which)).one()
                found[name] = Queue(length, max((now - oldest).total_seconds(), 0.0) if oldest else 0.0)
        return found

    def bookings(self) -> dict[str, int]:
        """Return how many bookings are in each state."""
        with self._db.transaction() as session:
            rows = session.execute(select(BookingRow.state, func.count()).group_by(BookingRow.state))
            return dict(rows.tuples().all())

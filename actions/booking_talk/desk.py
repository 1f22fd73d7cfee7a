"""What the dialogue books with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from actions.booking.bookings import Bookings
from actions.booking.calls import Calls
from actions.booking.catalogue import Catalogue
from actions.booking.outbox import Outbox
from storage.crypto import Cipher
from storage.database import Database
from storage.records import Records


@dataclass(frozen=True)
class Desk:
    """The booking rules, the times on offer, what is sent, who is to be rung, and what is kept of somebody."""

    catalogue: Catalogue
    bookings: Bookings
    outbox: Outbox
    calls: Calls
    cipher: Cipher
    records: Records
    days: int  # for which conversations are kept


def open_desk(database: Database, clock: Callable[[], datetime], demo: bool = False, days: int = 30) -> Desk:
    """Return the desk over one database; ``demo`` shows sample times too, ``days`` conversations are kept."""
    return Desk(
        Catalogue(database, clock, demo),
        Bookings(database, clock),
        Outbox(database, clock),
        Calls(database, clock),
        database.cipher,
        Records(database),
        days,
    )

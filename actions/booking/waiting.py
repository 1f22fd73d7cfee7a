"""The waiting list: a seat that comes free is offered to who waits first, within one transaction."""

from __future__ import annotations

from datetime import datetime

from actions.booking.daytime import after_daytime, into_daytime
from actions.booking.model import NoticeKind, State
from actions.booking.store import Store

OFFER_HOURS = 12  # of daytime, to take a seat that came free


def pass_on(store: Store, event_id: str, now: datetime) -> None:
    """Offer the seat that came free to who waits first, or give it back."""
    if not offer(store, event_id, now):
        store.give_back_seat(event_id)


def offer(store: Store, event_id: str, now: datetime) -> bool:
    """Offer a seat that is already taken from the free ones; False where nobody waits or it is too late."""
    event = store.event_row(event_id)
    waiting = store.of_event(event_id, State.WAITING)
    if not waiting or event is None or event.state != "open" or event.starts_at <= now:
        return False
    row = waiting[0]
    row.state = State.OFFERED
    row.offered_until = min(after_daytime(now, OFFER_HOURS), event.starts_at)
    store.audit(now, "system", "offer", row.id, event_id)
    store.send_later(row, NoticeKind.OFFER, min(into_daytime(now), row.offered_until))
    store.flush()
    return True

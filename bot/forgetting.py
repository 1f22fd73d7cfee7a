"""Counts what is over and forgets old conversations, once an hour."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from storage.retention import Retention
from storage.statistics import Statistics

logger = logging.getLogger(__name__)
_EVERY_S = 3_600


async def keep_forgetting(
    retention: Retention, statistics: Statistics, clock: Callable[[], datetime], days: int
) -> None:
    """Count what is over, then delete what is older than ``days``, again and again.

    Several processes may do it at once.
    """
    while True:
        try:
            await asyncio.to_thread(statistics.roll_up_missing)
            now = clock()
            before = now - timedelta(days=days)
            gone = await asyncio.to_thread(retention.forget, before)
            if gone:
                logger.info("%d messages older than %d days forgotten", gone, days)
            nobodys = await asyncio.to_thread(retention.forget_bookings, before, now)
            if nobodys:
                logger.info("%d bookings older than %d days are nobody's now", nobodys, days)
        except SQLAlchemyError:
            logger.exception("old messages could not be deleted; tried again in an hour")
        await asyncio.sleep(_EVERY_S)

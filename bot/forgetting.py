"""Forgets old conversations, once an hour."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from storage.retention import Retention

logger = logging.getLogger(__name__)
_EVERY_S = 3_600


async def keep_forgetting(retention: Retention, clock: Callable[[], datetime], days: int) -> None:
    """Delete, again and again, what is older than ``days``. Several processes may do it at once."""
    while True:
        try:
            gone = await asyncio.to_thread(retention.forget, clock() - timedelta(days=days))
            if gone:
                logger.info("%d messages older than %d days forgotten", gone, days)
        except SQLAlchemyError:
            logger.exception("old messages could not be deleted; tried again in an hour")
        await asyncio.sleep(_EVERY_S)

"""So many messages a minute: from one visitor, and from one address, which a whole centre may share."""

from __future__ import annotations

import logging
import time

from fastapi import Request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from bot.web.session import Visitor

logger = logging.getLogger(__name__)
_REDIS_S = 0.2  # nobody waits longer for being counted
_AWAY_S = 5.0


class TooMany(Exception):
    """Somebody asks faster than anybody can read. Becomes a kind page with status 429."""


class Limiting:
    """Counts requests by visitor and by address, over the last minute."""

    def __init__(self, visitor_a_minute: int, address_a_minute: int, redis_url: str = "") -> None:
        """Count in Redis, together with the other servers, or here where there is none or it is away."""
        self._visitor = RateLimitItemPerMinute(visitor_a_minute)
        self._address = RateLimitItemPerMinute(address_a_minute)
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._shared: MovingWindowRateLimiter | None = None
        if redis_url:
            storage = RedisStorage(
                redis_url, wrap_exceptions=True, socket_timeout=_REDIS_S, socket_connect_timeout=_REDIS_S
            )
            self._shared = MovingWindowRateLimiter(storage)
        self._away_until = 0.0

    def check(self, request: Request, visitor: Visitor, what: str) -> None:
        """Count one request for ``what``. Raises TooMany."""
        address = request.client.host if request.client else "unknown"
        # Without a cookie everybody would be a new visitor each time: then the address alone counts.
        for item, who in ((self._address, address), (self._visitor, visitor.id)):
            if not self._hit(item, what, who):
                raise TooMany

    def _hit(self, item: RateLimitItem, *who: str) -> bool:
        if self._shared and time.monotonic() > self._away_until:
            try:
                return self._shared.hit(item, *who)
            except StorageError as error:
                logger.warning("Redis does not answer (%s); visitors are counted here", type(error).__name__)
                self._away_until = time.monotonic() + _AWAY_S
        return self._here.hit(item, *who)

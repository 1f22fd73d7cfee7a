"""So many messages a minute: from one visitor, and from one address, which a whole centre may share."""

from __future__ import annotations

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from bot.web.session import Visitor


class TooMany(Exception):
    """Somebody asks faster than anybody can read. Becomes a kind page with status 429."""


class Limiting:
    """Counts requests by visitor and by address, over the last minute."""

    def __init__(self, visitor_a_minute: int, address_a_minute: int) -> None:
        self._visitor = RateLimitItemPerMinute(visitor_a_minute)
        self._address = RateLimitItemPerMinute(address_a_minute)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, request: Request, visitor: Visitor, what: str) -> None:
        """Count one request for ``what``. Raises TooMany."""
        address = request.client.host if request.client else "unknown"
        # Without a cookie everybody would be a new visitor each time: then the address alone counts.
        for item, who in ((self._address, address), (self._visitor, visitor.id)):
            if not self._limiter.hit(item, what, who):
                raise TooMany

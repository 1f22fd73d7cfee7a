"""Time is Shanghai's, and always says its zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """Return the present time in Shanghai."""
    return datetime.now(SHANGHAI)

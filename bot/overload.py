"""Too many messages at once: those that come then are told so at once, kindly, instead of waiting in vain."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_FEW = 8  # so few never are too many, however long they wait: something else is wrong then


class Overload:
    """Counts the messages that are being understood, in the order they came."""

    def __init__(self, most: int = 64, wait_s: float = 1.5, clock: Callable[[], float] = time.monotonic) -> None:
        """Take how many may be on their way, and how long half of them may have waited already."""
        self._most, self._wait_s, self._clock = most, wait_s, clock
        self._since: dict[object, float] = {}

    def is_too_much(self) -> bool:
        """Return whether one more would wait too long: the middle one counts, for a single one may hang by itself."""
        count = len(self._since)
        if count < _FEW:
            return False
        middle = list(self._since.values())[count // 2]
        return count >= self._most or self._clock() - middle > self._wait_s

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a message while it is being understood."""
        mark = object()
        self._since[mark] = self._clock()
        try:
            yield
        finally:
            del self._since[mark]

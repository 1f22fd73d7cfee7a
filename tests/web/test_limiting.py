"""Visitors' messages are counted together by all servers, and by each alone while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.started import free_port
from bot.web.limiting import Limiting, TooMany
from tests.auxil.servers import redis_server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


def asks(limiting: Limiting, visitor: str, times: int = 1, address: str = "192.0.2.1") -> int:
    """Return how many of the requests passed."""
    request: Any = SimpleNamespace(client=SimpleNamespace(host=address))
    who: Any = SimpleNamespace(id=visitor)
    passed = 0
    for _ in range(times):
        try:
            limiting.check(request, who, "chat")
        except TooMany:
            continue
        passed += 1
    return passed


def test_two_servers_count_together(shared: str) -> None:
    one, two = Limiting(5, 100, shared), Limiting(5, 100, shared)
    assert asks(one, "a", 3) + asks(two, "a", 9) == 5
    assert asks(two, "b", 2) == 2


def test_a_whole_address_is_counted_together(shared: str) -> None:
    one, two = Limiting(5, 8, shared), Limiting(5, 8, shared)
    assert sum(asks(server, f"v{n}", 1, "192.0.2.9") for n in range(20) for server in (one, two)) == 8


def test_without_redis_each_counts_alone_and_nobody_waits_or_is_refused() -> None:
    limiting = Limiting(5, 100, f"redis://127.0.0.1:{free_port()}/0")
    began = time.monotonic()
    assert asks(limiting, "a", 9) == 5
    assert time.monotonic() - began < 2


def test_redis_that_goes_away_in_between(tmp_path: Path) -> None:
    with redis_server(tmp_path) as url:
        limiting = Limiting(5, 100, url)
        assert asks(limiting, "a", 3) == 3
    assert asks(limiting, "a", 9) == 5  # counted anew here: rather kind than closed

"""GET /metrics: what was counted, and what is looked up when it is asked for. Not for the public."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import shutil
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.metrics import Metrics
from knowledge.live import LiveKnowledge
from knowledge.store import overdue
from storage.clock import now
from storage.queues import Queue, Queues

_FRESH_S = 5.0
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")


@dataclass(frozen=True)
class Watched:
    """What is looked at when somebody asks."""

    queues: Queues
    live: LiveKnowledge
    dialogue_is_up: Callable[[], Awaitable[bool]]
    folder: Path  # whose disk must not fill up


class Lookup(Collector):
    """Reads the state of the parts, at most once in a few seconds whoever asks."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._lock = threading.Lock()
        self._at = -_FRESH_S
        self._found: list[Metric] = []
        self.dialogue_up = False

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not look anything up."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Return the figures of the last look, or of a new one. Takes a few milliseconds: not in the event loop."""
        with self._lock:
            if time.monotonic() - self._at >= _FRESH_S:
                self._found = [*self._database(), *self._knowledge(), *self._machine()]
                self._at = time.monotonic()
            up = GaugeMetricFamily("advisor_dialogue_up", "Whether a dialogue server answers", float(self.dialogue_up))
            return [*self._found, up]

    def _database(self) -> Iterable[Metric]:
        try:
            lengths, bookings = self._watched.queues.lengths(), self._watched.queues.bookings()
        except SQLAlchemyError:
            yield GaugeMetricFamily("advisor_database_up", "Whether the database answers", 0)
            return
        yield GaugeMetricFamily("advisor_database_up", "Whether the database answers", 1)
        yield from _queues(lengths)
        stored = GaugeMetricFamily("advisor_bookings", "Bookings by state", labels=["state"])
        for state, count in bookings.items():
            stored.add_metric([state], count)
        yield stored

    def _knowledge(self) -> Iterable[Metric]:
        live = self._watched.live
        library, refused = live.library, live.refused is not None
        late = overdue(library.services, now().date())
        for name, told, value in (
            ("advisor_services", "Entries of the service list", len(library.services)),
            ("advisor_services_overdue", "Entries past the day they should be reviewed by", len(late)),
            ("advisor_services_refused", "Whether new files of the list are refused", float(refused)),
            ("advisor_places", "Places that can be found", len(live.places)),
            ("advisor_index_passages", "Passages in the index", len(library.search.index.passages)),
            ("advisor_encoder_up", "Whether the sentence encoder is loaded", float(bool(library.loaded_encoder))),
        ):
            yield GaugeMetricFamily(name, told, value)
        known = getattr(library.loaded_encoder, "remembered", None)
        hits, misses = known() if known else (0, 0)
        cache = CounterMetricFamily(
            "advisor_encoder_cache", "Texts whose vector was remembered, or not", labels=["result"]
        )
        cache.add_metric(["hit"], hits)
        cache.add_metric(["miss"], misses)
        yield cache

    def _machine(self) -> Iterable[Metric]:
        disk = shutil.disk_usage(self._watched.folder)
        yield GaugeMetricFamily("advisor_disk_free_bytes", "Free on the disk of var/", disk.free)
        yield GaugeMetricFamily("advisor_disk_size_bytes", "Size of the disk of var/", disk.total)


def _queues(lengths: dict[str, Queue]) -> Iterable[Metric]:
    length = GaugeMetricFamily("advisor_queue_length", "What waits", labels=["queue"])
    oldest = GaugeMetricFamily("advisor_queue_oldest_seconds", "How long the first has waited", labels=["queue"])
    for name, queue in lengths.items():
        length.add_metric([name], queue.length)
        oldest.add_metric([name], queue.oldest_s)
    return length, oldest


class CountRequests:
    """Counts every request by the pattern of its route (ASGI)."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count what was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            self._metrics.requested(scope["method"], _pattern(scope), status)


def _pattern(scope: Scope) -> str | None:
    """Return the pattern of the route that took the request; the framework leaves it in the scope."""
    route: Any = scope.get("route")
    if route is not None:
        return str(route.path)
    # A mounted folder has no route of its own, but moves the root.
    return "/static" if str(scope.get("root_path", "")).endswith("/static") else None


def metrics_routes(metrics: Metrics, watched: Watched, secret: str) -> APIRouter:
    """Return the route; only this machine, not through a proxy, or who has ``secret`` is answered."""
    routes = APIRouter()
    lookup = Lookup(watched)
    metrics.registry.register(lookup)

    @routes.get("/metrics")
    async def scraped(request: Request) -> Response:
        """Return all figures in Prometheus' text format."""
        if not _may(request, secret):
            raise HTTPException(403)
        lookup.dialogue_up = await watched.dialogue_is_up()
        text = await asyncio.to_thread(generate_latest, metrics.registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return routes


def _may(request: Request, secret: str) -> bool:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if secret and hmac.compare_digest(given.encode(), secret.encode()):
        return True
    # Behind a proxy on this machine everybody comes from the loopback address.
    if any(name in request.headers for name in _FORWARDED) or request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False

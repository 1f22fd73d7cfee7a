"""A day at the advisor's, for locust: elders on the page, carers, clerks with the hotline tool.

The day from 8 to 20 o'clock is pressed into ADVISOR_DAY_S seconds; how many are there at once
follows its curve, with peaks at 9 and at 14 o'clock. Run by tests/load/test_day.py, or by hand:

    ADVISOR_DAY_S=600 ADVISOR_BEARER=… .venv/bin/locust -f tests/load/day.py --headless -H http://127.0.0.1:8080
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import uuid
from typing import Any

from locust import HttpUser, LoadTestShape, between, task

from bot.bench_talk import Talk, talks
from knowledge.store import SERVICES_FOLDER, load

DAY_S = float(os.environ.get("ADVISOR_DAY_S", "600"))
MOST = int(os.environ.get("ADVISOR_DAY_USERS", "30"))  # there at once, at the peak
_THINK_S = (float(os.environ.get("ADVISOR_DAY_THINK_S", "4")), float(os.environ.get("ADVISOR_DAY_THINK_S", "4")) * 3)
_OPENS, _CLOSES = 8.0, 20.0
_PEAKS = ((9.0, 0.8, 1.0), (14.0, 1.2, 0.85))  # o'clock, how wide, how high
_QUIET = 0.2
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_TALKS = talks(
    [question for service in load(SERVICES_FOLDER) for question in service.questions], random.randrange(10**6)
)


def busy_at(hour: float) -> float:
    """Return how busy it is at an hour of the day, from ``_QUIET`` to 1."""
    peaks = (height * math.exp(-(((hour - at) / wide) ** 2)) for at, wide, height in _PEAKS)
    return min(1.0, _QUIET + (1 - _QUIET) * sum(peaks))


class Day(LoadTestShape):
    """As many users as the hour has."""

    def tick(self) -> tuple[int, float] | None:
        """Return how many users there are now and how fast they come; None at the end of the day."""
        passed = self.get_run_time() / DAY_S
        if passed >= 1:
            return None
        return max(1, round(MOST * busy_at(_OPENS + passed * (_CLOSES - _OPENS)))), MOST


class _Person(HttpUser):
    """Says one thing after another, with time to read and think between."""

    abstract = True
    wait_time = between(*_THINK_S)

    def on_start(self) -> None:
        """Begin with nothing said."""
        self.left: list[str] = []

    def next_text(self) -> tuple[str, bool]:
        """Return what is said next, and whether it begins a conversation."""
        begins = not self.left
        if begins:
            talk: Talk = next(_TALKS)
            self.left = list(talk.texts)
        return self.left.pop(0), begins


class Elder(_Person):
    """On the page, by its own routes, with and without its script."""

    weight = 6

    def on_start(self) -> None:
        """Open the page."""
        super().on_start()
        self._open()

    def _open(self) -> None:
        self.client.cookies.clear()
        self.client.get("/", name="home")
        page = self.client.get("/chat", name="chat")
        found = _CSRF.search(page.text)
        self.csrf = found.group(1) if found else ""
        self.script = random.random() < 0.7

    @task(12)
    def says(self) -> None:
        """Send a message as the page does."""
        text, begins = self.next_text()
        if begins:
            self._open()
        headers = {"Origin": self.host or ""} | ({"X-Wants": "part"} if self.script else {})
        form = {"text": text, "csrf": self.csrf, "message_id": uuid.uuid4().hex}
        with self.client.post("/chat", data=form, headers=headers, name="say", catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"status {answer.status_code}")
            elif "系统正忙" in answer.text or "出了点问题" in answer.text or "现在问的人很多" in answer.text:
                answer.failure("an apology")

    @task(1)
    def looks(self) -> None:
        """Look at what there is."""
        self.client.get(random.choice(("/services", "/places", "/bookings", "/list")), name="look")


class Tool(_Person):
    """Carers by another channel, and clerks with a caller on the line: quicker, by the tools' own route."""

    weight = 4
    channel = "bench"

    def on_start(self) -> None:
        """Begin a conversation."""
        super().on_start()
        self.conversation = ""

    @task
    def asks(self) -> None:
        """Send a message and look at its outcome."""
        text, begins = self.next_text()
        if begins:
            self.conversation = f"{self.channel}:{uuid.uuid4().hex}"
        headers = {"Authorization": f"Bearer {os.environ['ADVISOR_BEARER']}"}
        body = {"conversation": self.conversation, "text": text}
        with self.client.post("/api/messages", json=body, headers=headers, name="ask", catch_response=True) as answer:
            outcome = _outcome(answer)
            if outcome.startswith("error"):
                answer.failure(outcome)


def _outcome(answer: Any) -> str:
    try:
        return str(answer.json()["reply"]["outcome"])
    except (ValueError, KeyError, json.JSONDecodeError):
        return f"error: status {answer.status_code}"

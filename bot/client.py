"""Talks to the running system as our own tools do: chat, ask, evaluate, bench."""

from __future__ import annotations

import json
from dataclasses import dataclass

import httpx

from bot.settings import GatewaySettings
from bot.supervisor import run_file
from knowledge.reply import Reply


class NotRunning(Exception):
    """The system does not run; the message says how to start it."""


@dataclass(frozen=True)
class Where:
    """Where the running system answers."""

    url: str
    secret: str


def running(settings: GatewaySettings) -> Where:
    """Return where the system runs. Raises NotRunning."""
    try:
        data = json.loads(run_file(settings).read_text())
        where = Where(data["url"], data["secret"])
        httpx.get(f"{where.url}/healthz", timeout=3.0, trust_env=False)
    except (OSError, ValueError, KeyError, httpx.HTTPError) as error:
        raise NotRunning("the advisor does not run here; start it with: make run") from error
    return where


class AdvisorClient:
    """Sends messages to the running system."""

    def __init__(self, where: Where, timeout_s: float = 15.0) -> None:
        self._http = httpx.AsyncClient(
            base_url=where.url,
            headers={"Authorization": f"Bearer {where.secret}"},
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=128),
            trust_env=False,
        )

    async def send(self, conversation: str, text: str, token: str | None = None) -> Reply:
        """Return the reply. Raises httpx.HTTPError."""
        body = {"conversation": conversation, "text": text, "token": token}
        answer = await self._http.post("/api/messages", json=body)
        answer.raise_for_status()
        return Reply.model_validate(answer.json()["reply"])

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

"""Client of the dialogue server."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import ValidationError

from bot.errors import DialogueDown
from knowledge.reply import Reply

_CONNECT_TRIES = 2
_CONNECT_S = 0.4


class DialogueClient:
    """Sends one message and returns its Reply."""

    def __init__(self, url: str, secret: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {secret}"},
            timeout=httpx.Timeout(timeout_s, connect=_CONNECT_S),
            limits=httpx.Limits(max_connections=64),
            trust_env=False,  # a proxy in the environment must never see a message
        )

    async def ask(
        self, conversation: str, text: str, metadata: dict[str, Any], timeout_s: float | None = None
    ) -> Reply:
        """Return the reply within ``timeout_s`` (the setting's, for who looks at a page). Raises DialogueDown.

        Only a refused connection is tried again: after a time-out the turn may have run.
        """
        timeout = httpx.Timeout(timeout_s or self._timeout_s, connect=_CONNECT_S)
        body = {"conversation": conversation, "text": text, "metadata": metadata}
        for attempt in range(_CONNECT_TRIES):
            try:
                answer = await self._http.post("/webhooks/advisor/message", json=body, timeout=timeout)
                answer.raise_for_status()
                return self._whole(answer.json())
            except httpx.ConnectError as error:
                if attempt + 1 == _CONNECT_TRIES:
                    raise DialogueDown(f"the dialogue server refuses connections: {error}") from error
            except (httpx.HTTPError, ValueError, KeyError, IndexError) as error:
                raise DialogueDown(f"the dialogue server gave no answer: {error!r}") from error
        raise AssertionError("unreachable")

    async def forget(self, conversation: str) -> None:
        """Delete the conversation's tracker. Raises DialogueDown."""
        try:
            answer = await self._http.post("/webhooks/advisor/forget", json={"conversation": conversation})
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise DialogueDown(f"the tracker was not deleted: {error!r}") from error

    async def is_up(self) -> bool:
        """Return whether the dialogue server has its model loaded."""
        try:
            answer = await self._http.get("/webhooks/advisor/", timeout=1.0)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    @staticmethod
    def _whole(data: dict[str, Any]) -> Reply:
        if not data["complete"] or not data["replies"]:
            raise DialogueDown(f"turn {data.get('inbox_id')} did not come to its end")
        try:
            return Reply.model_validate(data["replies"][-1])
        except ValidationError as error:
            raise DialogueDown(f"the reply does not fit the schema: {error}") from error

"""Client of the dialogue servers.

A conversation goes to the same server as long as that one is up, and to the next when it is not:
rendezvous hashing (Thaler and Ravishankar, 1998), so that no other conversation moves with it.
Their trackers are in one database.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from pydantic import ValidationError

from bot.errors import DialogueDown
from knowledge.reply import Reply

_CONNECT_TRIES = 2
_CONNECT_S = 0.4
_UP_WITHIN_S = 1.0
_PROBE_S = 1.0
_PROBE_WITHIN_S = 2.0
_MISSED = 2  # probes, until a server counts as down
_SILENT = 3  # time-outs in a row, from which on a server is looked at before it gets a message
_LOOK_WITHIN_S = 0.3
_CONNECTIONS = 64
_NOT_TAKEN = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_BROKEN = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)  # died with it in hand


@dataclass
class Server:
    """One dialogue server as it was last seen."""

    url: str
    secret: str
    missed: int = 0
    silent: int = 0  # time-outs in a row

    @functools.cached_property
    def http(self) -> aiohttp.ClientSession:
        """Return the session, made by whoever needs it first: it belongs to the running event loop."""
        return aiohttp.ClientSession(  # takes no proxy from the environment: none must ever see a message
            self.url,
            headers={"Authorization": f"Bearer {self.secret}"},
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
        )

    @property
    def is_thought_up(self) -> bool:
        """Return whether a message is worth sending."""
        return self.missed < _MISSED

    async def is_up(self, within_s: float) -> bool:
        """Return whether it has its model loaded."""
        try:
            async with asyncio.timeout(within_s), self.http.get("/webhooks/advisor/") as answer:
                return answer.status == HTTPStatus.OK
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the answer's JSON. Raises aiohttp.ClientError; ValueError where it is none."""
        async with self.http.post(path, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def look(self) -> None:
        """Remember whether it is up."""
        self.missed = 0 if await self.is_up(_PROBE_WITHIN_S) else self.missed + 1


class DialogueClient:
    """Sends one message and returns its Reply."""

    def __init__(self, urls: Sequence[str], secret: str, timeout_s: float) -> None:
        """Take the addresses of all servers; at least one."""
        self._timeout_s = timeout_s
        self._servers = [Server(url, secret) for url in urls]

    async def ask(
        self, conversation: str, text: str, metadata: dict[str, Any], timeout_s: float | None = None
    ) -> Reply:
        """Return the reply within ``timeout_s`` (the setting's, for who looks at a page). Raises DialogueDown.

        Only where a connection was refused, or broke with its server, is a message sent again: after a
        time-out the turn may still be running. Where it broke, the next server looks before it acts.
        """
        body = {"conversation": conversation, "text": text, "metadata": metadata}
        within = timeout_s or self._timeout_s
        problem: Exception | None = None
        for server in self._tries(conversation):
            # One that hangs would hold up a whole queue, each for as long as a time-out.
            if server.silent >= _SILENT and not await server.is_up(_LOOK_WITHIN_S):
                raise DialogueDown(f"the dialogue server hangs: {server.silent} time-outs in a row")
            try:
                async with asyncio.timeout(within):
                    reply = _whole(await server.post("/webhooks/advisor/message", body))
                server.silent = 0
                return reply
            except _NOT_TAKEN as error:
                problem = error
            except _BROKEN as error:
                problem = error
                body = {**body, "metadata": {**metadata, "again": True}}
                if len(self._servers) == 1:
                    break
            except (aiohttp.ClientError, TimeoutError, ValueError, TypeError, KeyError, IndexError) as error:
                server.silent += isinstance(error, TimeoutError)
                raise DialogueDown(f"the dialogue server gave no answer: {error!r}") from error
            server.missed = _MISSED
        raise DialogueDown(f"no dialogue server takes the message: {problem!r}") from problem

    async def forget(self, conversation: str) -> None:
        """Delete the conversation's tracker. Raises DialogueDown."""
        problem: Exception | None = None
        for server in self._tries(conversation):
            try:
                async with asyncio.timeout(self._timeout_s):
                    await server.post("/webhooks/advisor/forget", {"conversation": conversation})
                return
            except (aiohttp.ClientError, TimeoutError) as error:
                problem = error
        raise DialogueDown(f"the tracker was not deleted: {problem!r}") from problem

    async def is_up(self) -> bool:
        """Return whether a dialogue server has its model loaded."""
        return any(await asyncio.gather(*(server.is_up(_UP_WITHIN_S) for server in self._servers)))

    async def watch(self) -> None:
        """Look, for ever, which servers are up; with one there is nothing to choose."""
        while len(self._servers) > 1:
            await asyncio.gather(*(server.look() for server in self._servers))
            await asyncio.sleep(_PROBE_S)

    async def close(self) -> None:
        """Close the connections."""
        for server in self._servers:
            await server.http.close()

    def _tries(self, conversation: str) -> list[Server]:
        """Return the servers to try, in order: the conversation's own first, those thought down last."""
        if len(self._servers) == 1:
            return self._servers * _CONNECT_TRIES
        return sorted(
            self._servers,
            key=lambda server: (
                not server.is_thought_up,
                hashlib.sha256(f"{server.url}|{conversation}".encode()).digest(),
            ),
        )


def _whole(data: dict[str, Any]) -> Reply:
    """Return the Reply of a turn that came to its end; a failed action looks like none."""
    if not data["complete"]:
        raise ValueError(f"the turn of inbox {data.get('inbox_id')} did not come to its end")
    try:
        return Reply.model_validate(data["replies"][-1])
    except ValidationError as error:
        raise ValueError("the reply cannot be read") from error

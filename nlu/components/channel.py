"""The gateway's channel into Rasa: its own secret, and an end-of-turn marker.

``--auth-token`` does not guard Rasa's own REST channel, and there a failed action looks
like HTTP 200 ``[]``. Here the answer says whether the turn came to its end.
"""

from __future__ import annotations

import asyncio
import gc
import hmac
import logging
import time
from typing import Any, Awaitable, Callable, Dict, List, Optional

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.core.events import BotUttered, UserUttered
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from nlu import logs, quicker
from nlu.components.action_results import use_compiled_schema

logger = logging.getLogger(__name__)
_FIRST = "长护险怎么申请，要多少钱？"


class AdvisorInput(InputChannel):
    """POST /webhooks/advisor/message with ``conversation``, ``text`` and ``metadata``; /forget with ``conversation``."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._warming: "Optional[asyncio.Future[Any]]" = None

    @classmethod
    def name(cls) -> str:
        """Return the channel's name, part of its address."""
        return "advisor"

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[str, Any]]) -> "AdvisorInput":
        """Create the channel. Raises ValueError without a secret: it must never be open."""
        secret = (credentials or {}).get("secret")
        if not secret or secret.startswith("${"):
            raise ValueError("credentials.yml: the advisor channel needs its secret (ADVISOR_DIALOGUE_SECRET)")
        use_compiled_schema()
        quicker.use_all()
        logs.configure()  # the first thing of ours that Rasa calls
        return cls(secret)

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the channel's routes."""
        routes = Blueprint("advisor_channel")

        @routes.route("/", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            agent = getattr(request.app.ctx, "agent", None)
            if agent is None or not agent.is_ready():
                return response.json({"status": "no model"}, status=503)
            if self._warming is None:
                # The first message loads what is loaded lazily; nobody shall wait for that.
                self._warming = asyncio.ensure_future(agent.parse_message(_FIRST))
                # What is loaded by then stays: looking through all of it for garbage, again and again, held up everybody.
                self._warming.add_done_callback(lambda done: gc.freeze())
            warm = self._warming.done()
            return response.json({"status": "ok" if warm else "warming up"}, status=200 if warm else 503)

        @routes.route("/message", methods=["POST"])
        async def message(request: Request) -> HTTPResponse:
            if not self._may(request):
                return response.json({"error": "forbidden"}, status=403)
            body = request.json
            metadata = body.get("metadata") or {}
            began = time.perf_counter()
            logs.request_is(metadata.get("inbox_id"))
            if metadata.get("again"):
                given = await _given_before(request.app.ctx.agent, body["conversation"], metadata.get("inbox_id"))
                if given:
                    return response.json({"inbox_id": metadata.get("inbox_id"), "complete": True, "replies": given})
            collector = CollectingOutputChannel()
            complete = True
            try:
                await on_new_message(
                    UserMessage(
                        body["text"], collector, body["conversation"], input_channel=self.name(), metadata=metadata
                    )
                )
            except Exception:  # the gateway must learn of it, whatever it is
                logger.exception("the turn failed")
                complete = False
            told = {
                "channel": metadata.get("channel"),
                "status": "complete" if complete else "failed",
                "took_ms": round((time.perf_counter() - began) * 1000, 1),
            }
            logger.info("turn", extra=told)
            replies = [sent["custom"] for sent in collector.messages if "custom" in sent]
            return response.json({"inbox_id": metadata.get("inbox_id"), "complete": complete, "replies": replies})

        @routes.route("/forget", methods=["POST"])
        async def forget(request: Request) -> HTTPResponse:
            if not self._may(request):
                return response.json({"error": "forbidden"}, status=403)
            conversation = request.json["conversation"]
            agent = request.app.ctx.agent
            # Rasa wraps our store in one that falls back, and that passes on what it knows only.
            store = getattr(agent.tracker_store, "_tracker_store", agent.tracker_store)
            async with agent.lock_store.lock(conversation):  # a turn that is going on would write it again
                store.forget(conversation)
            return response.json({"status": "ok"})

        return routes

    def _may(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), self._secret)


async def _given_before(agent: Any, conversation: str, inbox_id: Optional[str]) -> List[Any]:
    """Return what was answered to a message in a turn that came to its end; nothing where it was not had yet."""
    # The lock waits for a turn that is still going on.
    async with agent.lock_store.lock(conversation):
        tracker = await agent.tracker_store.retrieve(conversation)
    answers: List[Any] = []
    its_own = False
    for event in tracker.events if tracker else ():
        if isinstance(event, UserUttered):
            its_own = bool(inbox_id) and (event.metadata or {}).get("inbox_id") == inbox_id
        elif its_own and isinstance(event, BotUttered) and (event.data or {}).get("custom"):
            answers.append(event.data["custom"])
    return answers

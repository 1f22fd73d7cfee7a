"""Understand and act: the dialogue server, or the search alone while it is down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from bot.dialogue import DialogueClient
from bot.errors import DialogueDown
from bot.logs import told
from bot.messages import Incoming
from knowledge.answer import Asked, compose
from knowledge.library import Library
from knowledge.phrases import hotline, say
from knowledge.reply import Block, Evidence, Outcome, Reply, TextBlock
from storage.clock import now
from storage.crypto import Cipher

logger = logging.getLogger(__name__)
_FOUND_FROM = 0.4
_PATIENT_S = 15.0  # in a messaging app a late answer is better than a poor one


async def understand(
    message: Incoming, dialogue: DialogueClient, library: Callable[[], Library], cipher: Cipher
) -> Reply:
    """Return the dialogue server's reply, or a plain search result where it gives none."""
    metadata: dict[str, Any] = {"inbox_id": message.inbox_id, "channel": message.channel, "act": message.act}
    if message.again:
        metadata["again"] = True
    if message.phone:  # for the action, which has the key; the dialogue server cannot read it
        metadata["phone"] = cipher.seal(message.phone, "message.phone")
    patient = {"timeout_s": _PATIENT_S} if message.deliver else {}
    try:
        return await dialogue.ask(message.conversation, message.text, metadata, **patient)
    except DialogueDown as error:
        logger.warning("the dialogue server gave no answer", extra={"error": told(error)})
    return await asyncio.to_thread(degraded, message, library())


def degraded(message: Incoming, library: Library) -> Reply:
    """Return the nearest service, or the hotline: it must be quick and cannot fail."""
    service_id = (message.act or {}).get("service_id")
    matches = library.find_at_once(message.text, top=3)
    if service_id is None and matches and matches[0].score >= _FOUND_FROM:
        service_id = matches[0].service_id
    service = library.services.get(service_id)
    first = TextBlock(text=say("degraded" if service else "degraded_nothing"), contact=[hotline()])
    blocks: list[Block] = [first]
    if service:
        aspect = (message.act or {}).get("intent", "ask_service")
        blocks.append(compose(service, aspect, Asked(now().date()))[0])
    ranking = [(match.service_id, round(match.score, 3)) for match in matches]
    return Reply(
        blocks=blocks,
        outcome=Outcome.ERROR_DIALOGUE_DOWN,
        speak=first.text,
        evidence=Evidence(ranking=ranking),
    )

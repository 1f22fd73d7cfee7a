"""Erase: who has asked for it twice has the whole conversation deleted, the dialogue's memory first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from bot.dialogue import DialogueClient
from bot.errors import DialogueDown
from bot.messages import Incoming
from knowledge.phrases import hotline, say
from knowledge.reply import Outcome, Reply, TextBlock
from storage.erasing import Erasure

logger = logging.getLogger(__name__)


async def erase(
    message: Incoming,
    reply: Reply,
    erasure: Erasure | None,
    dialogue: DialogueClient,
    clock: Callable[[], datetime],
) -> Reply:
    """Return the reply that says so once it is done, or that it could not be: nobody is told what is not true.

    Of a message whose answer is sent later its own row stays, until it is sent.
    """
    if erasure is not None:
        but = message.inbox_id if message.deliver else None
        try:
            await dialogue.forget(message.conversation)
            await asyncio.to_thread(erasure.erase, message.conversation, clock(), message.inbox_id, but)
        except (DialogueDown, SQLAlchemyError) as error:
            logger.warning("a conversation was not erased: %s", type(error).__name__)
        else:
            return reply
    block = TextBlock(text=say("privacy_erase_later"), contact=[hotline()])
    return reply.model_copy(update={"blocks": [block], "outcome": Outcome.ERROR_SYSTEM, "speak": block.text})

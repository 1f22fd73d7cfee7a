"""Compose, last part: every button gets its opaque token."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from knowledge.reply import Button, Reply
from storage.turns import Buttons


def seal(reply: Reply, conversation: str, buttons: Buttons, at: datetime) -> Reply:
    """Return the reply with tokens instead of acts."""
    open_buttons = [
        button for block in reply.blocks for button in getattr(block, "buttons", []) if button.act is not None
    ]
    if not open_buttons:
        return reply
    acts = [(button.title, button.act.model_dump_json(exclude_none=True)) for button in open_buttons if button.act]
    tokens = iter(buttons.issue(conversation, acts, at))
    return reply.model_copy(update={"blocks": [_sealed(block, tokens) for block in reply.blocks]})


def _sealed(block: Any, tokens: Any) -> Any:
    if not getattr(block, "buttons", None):
        return block
    sealed = [Button(title=b.title, token=next(tokens)) if b.act is not None else b for b in block.buttons]
    return block.model_copy(update={"buttons": sealed})

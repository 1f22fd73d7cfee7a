"""Clean: what could break or command a later part is taken out."""

from __future__ import annotations

from dataclasses import replace

from bot.messages import Incoming
from knowledge.normalise import clean as clean_text


def clean(message: Incoming) -> Incoming:
    """Return the message with safe text; a leading "/" (full-width too) is gone."""
    return replace(message, text=clean_text(message.text))

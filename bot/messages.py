"""One model of a message for all channels."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import phonenumbers

from bot import masking
from bot.masking import mask_cards, with_digits
from knowledge.emergency import default_matcher
from knowledge.normalise import MAX_MESSAGE

__all__ = ["Incoming", "mask", "mask_cards", "phone_in"]


@dataclass(frozen=True)
class Incoming:
    """A message from a channel, before anything is done with it.

    ``external_id`` is the channel's own id of the message: the same one is handled once.
    ``conversation`` is ``channel:opaque-id``.
    """

    channel: str
    conversation: str
    external_id: str
    text: str
    received_at: datetime
    token: str | None = None  # of a pressed button
    inbox_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    act: dict[str, Any] | None = None
    media: str | None = None  # where a voice note can be had, as JSON
    sequence: int = 0  # the channel's own order within a conversation
    also: tuple[str, ...] = ()  # inbox rows taken as one message with this one
    deliver: bool = False  # the reply waits to be sent by its channel
    again: bool = False  # perhaps the dialogue has had it: it looks before it acts
    phone: str | None = None  # read before the text was masked; digits


def phone_in(text: str) -> str | None:
    """Return the last number in ``text`` that can be rung in China, as digits; None without one."""
    found = list(phonenumbers.PhoneNumberMatcher(with_digits(text[: MAX_MESSAGE * 2]), "CN"))
    if not found:
        return None
    number = found[-1].number
    area = "0" if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE else ""
    return f"{area}{number.national_number}"


def mask(text: str) -> str:
    """Return ``text`` as it may be stored: without numbers of cards and papers, mobile numbers and front doors.

    Who is in danger keeps the front door, for whoever sends help (PIPL article 13, 4).
    """
    text = text[: MAX_MESSAGE * 2]
    masked = masking.mask(text)
    if masking.NO_DOOR in masked and default_matcher()(text):
        return masking.mask(text, doors=False)
    return masked

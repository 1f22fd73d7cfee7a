"""One model of a message for all channels."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import phonenumbers

from knowledge.normalise import MAX_MESSAGE

_ID_CARD = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
_BANK_CARD = re.compile(r"(?<!\d)(?:\d[ -]?){15,18}\d(?!\d)")
_NO_ID, _NO_CARD = "〔身份证号已隐去〕", "〔卡号已隐去〕"
_SPOKEN = re.compile(r"[零〇一幺二两三四五六七八九](?:[ -]?[零〇一幺二两三四五六七八九]){6,}")
_DIGITS = str.maketrans("零〇一幺二两三四五六七八九", "0011223456789")
_MOBILE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")


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
    found = list(phonenumbers.PhoneNumberMatcher(_with_digits(text[: MAX_MESSAGE * 2]), "CN"))
    if not found:
        return None
    number = found[-1].number
    area = "0" if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE else ""
    return f"{area}{number.national_number}"


def mask(text: str) -> str:
    """Return ``text`` without ID-card, bank-card and mobile numbers: they are never kept."""
    # A mobile number before a card: with 86 in front it could be taken for one.
    text = _ID_CARD.sub(_NO_ID, _with_digits(text[: MAX_MESSAGE * 2]))
    return _BANK_CARD.sub(_NO_CARD, _MOBILE.sub("〔手机号已隐去〕", text))


def mask_cards(text: str) -> str:
    """Return what staff write without ID-card and bank-card numbers; a number to ring is theirs to write."""
    return _BANK_CARD.sub(_NO_CARD, _ID_CARD.sub(_NO_ID, text))


def _with_digits(text: str) -> str:
    """Return ``text`` with numbers that were spoken digit by digit as digits: 幺三八零零…"""
    return _SPOKEN.sub(lambda found: found[0].translate(_DIGITS), text)

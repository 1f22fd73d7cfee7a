"""Receive: the message is masked and stored before it is acknowledged."""

from __future__ import annotations

import json
from dataclasses import replace

from sqlalchemy.exc import SQLAlchemyError

from bot.errors import CannotStore
from bot.logs import told
from bot.messages import Incoming, mask, phone_in
from storage.inbox import Inbox, Received
from storage.turns import Buttons


def receive(message: Incoming, inbox: Inbox, buttons: Buttons) -> Incoming | None:
    """Return the message as stored, or None where it was received before.

    A pressed button becomes its title and its act. Raises CannotStore.
    """
    try:
        pressed = buttons.pressed(message.token, message.conversation) if message.token else None
        text, act = (pressed.title, json.loads(pressed.act)) if pressed else (mask(message.text), message.act)
        stored = Received(
            id=message.inbox_id,
            channel=message.channel,
            external_id=message.external_id,
            conversation=message.conversation,
            text=text.encode("utf-8", "ignore").decode(),
            act=json.dumps(act, ensure_ascii=False) if act else None,
            received_at=message.received_at,
            phone=None if pressed else phone_in(message.text),
            media=message.media,
            sequence=message.sequence,
        )
        if not inbox.store(stored):
            return None
    except SQLAlchemyError as error:
        raise CannotStore(f"the inbox cannot be written: {told(error)}") from error
    return replace(message, text=stored.text, act=act, token=None, phone=stored.phone)

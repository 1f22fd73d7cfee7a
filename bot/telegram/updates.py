"""What an update asks of us: a message for the path, or nothing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telegram import Message, Update
from telegram.constants import ChatType

from bot.messages import Incoming
from knowledge.phrases import say

CHANNEL = "telegram"
# Acts that this channel answers itself; the rest are the dialogue's.
START, UNSUPPORTED, LOCATION, AGAIN = (
    "telegram_start",
    "telegram_unsupported",
    "telegram_location",
    "telegram_again",
)
COMMANDS: dict[str, dict[str, str]] = {
    "start": {"intent": START},
    "benefits": {"intent": "find_benefits"},
    "ask": {"intent": "help"},
    "book": {"intent": "book_consultation"},
    "training": {"intent": "book_training"},
    "mine": {"intent": "list_bookings"},
    "human": {"intent": "request_human"},
    "help": {"intent": "help"},
}
_MENU = ("benefits", "ask", "book", "training", "mine", "human", "stop_reminders")
_COMMAND = re.compile(r"^/([a-z_]+)(?:@(\w+))?\b", re.I)


@dataclass(frozen=True)
class Taken:
    """A message for the path, with what is not stored of it."""

    message: Incoming
    query: str | None = None  # of a pressed button, to be acknowledged
    location: tuple[float, float] | None = None


def menu() -> list[tuple[str, str]]:
    """Return the commands of the menu with their Chinese descriptions."""
    return [(name, say(f"telegram_menu_{name}")) for name in _MENU]


def taken(update: Update, bot_name: str, bot_id: int, at: datetime) -> Taken | None:
    """Return what an update asks; None for what needs no answer (a bot, a group that talks among itself)."""
    query = update.callback_query
    if query:
        if not query.message or not query.data or len(query.data) > 64:
            return None
        common = _common(update, query.message.chat.id, query.from_user.id, query.message.chat.type, at)
        return Taken(Incoming(**common, text="", token=query.data), query=query.id)
    message = update.message or update.edited_message
    if message is None or message.from_user is None or message.from_user.is_bot:
        return None
    if message.chat.type != ChatType.PRIVATE and not _is_addressed(message, bot_name, bot_id):
        return None
    common = _common(update, message.chat.id, message.from_user.id, message.chat.type, at)
    if message.location:
        where = (message.location.latitude, message.location.longitude)
        return Taken(Incoming(**common, text=say("telegram_location_sent"), act={"intent": LOCATION}), location=where)
    voice = message.voice or message.audio or message.video_note
    if voice:
        seconds = voice.duration if isinstance(voice.duration, int) else int(voice.duration.total_seconds())
        media = json.dumps({"file_id": voice.file_id, "seconds": seconds})
        return Taken(Incoming(**common, text="", media=media))
    text = message.text or message.caption
    if not text:
        if not _is_content(message):  # somebody joined, a title changed
            return None
        return Taken(Incoming(**common, text="", act={"intent": UNSUPPORTED}))
    return Taken(_text(text, bot_name, common))


def chat_of(conversation: str) -> int:
    """Return the chat a conversation is answered in."""
    return int(conversation.removeprefix(f"{CHANNEL}:").split(".")[0])


def _text(text: str, bot_name: str, common: dict[str, Any]) -> Incoming:
    text = re.sub(rf"@{re.escape(bot_name)}\b", "", text, flags=re.I).strip()
    command = _COMMAND.match(text)
    act = COMMANDS.get(command[1].lower()) if command else None
    if command and act:
        rest = text[command.end() :].strip()
        return Incoming(**common, text=rest or say(f"telegram_menu_{command[1].lower()}"), act=act)
    return Incoming(**common, text=text)


def _common(update: Update, chat: int, user: int, kind: str, at: datetime) -> dict[str, Any]:
    # In a group everybody has a conversation of their own: bookings are nobody else's.
    name = f"{chat}" if kind == ChatType.PRIVATE else f"{chat}.{user}"
    return {
        "channel": CHANNEL,
        "conversation": f"{CHANNEL}:{name}",
        "external_id": str(update.update_id),
        "received_at": at,
        "sequence": update.update_id,
        "deliver": True,
    }


def _is_addressed(message: Message, bot_name: str, bot_id: int) -> bool:
    text = message.text or message.caption or ""
    if f"@{bot_name}".lower() in text.lower():
        return True
    answered = message.reply_to_message
    return bool(answered and answered.from_user and answered.from_user.id == bot_id)


def _is_content(message: Message) -> bool:
    return any(
        (
            message.photo,
            message.sticker,
            message.document,
            message.video,
            message.animation,
            message.contact,
            message.poll,
            message.dice,
            message.venue,
        )
    )

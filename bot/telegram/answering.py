"""What Telegram's own side of an answer is: bursts, greetings, settings, places by location, voice."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from actions.nearby import places_around
from bot.errors import CannotSend
from bot.messages import Incoming, mask, phone_in
from bot.path import MessagePath, incoming_of
from bot.speech.errors import SpeechError, TooBusy
from bot.speech.hearing import MAX_SECONDS, Hearing
from bot.speech.speaking import Speaking
from bot.telegram.draw import Part, escape
from bot.telegram.sending import TelegramSender
from bot.telegram.updates import AGAIN, LOCATION, START, UNSUPPORTED
from knowledge.emergency import EmergencyMatcher
from knowledge.phrases import points, say
from knowledge.places import PlaceBook
from knowledge.reply import Act, Block, Button, Evidence, Outcome, Reply, TextBlock
from storage.deliveries import ChatSettings, Deliveries, Delivery
from storage.inbox import Inbox, Received
from storage.turns import Turns

logger = logging.getLogger(__name__)
_AT_ONCE = 6  # answers reckoned at the same time: more would only wait for the two cores
_LOOK_BACK = 6  # turns, to find the one to read aloud
_QUIET_S = 0.7  # after a short message: people write one question in pieces
_BURST = timedelta(seconds=2)
_SHORT = 20
_MOST = 10
_ENDS = "。！？!?，,；;"
_SETTINGS: tuple[tuple[re.Pattern[str], str, bool], ...] = (
    (re.compile(r"^(?:不要|别|不用)再?(?:念|读)"), "voice", False),
    (re.compile(r"(?:每次|都|一直|以后).{0,4}(?:念|读)给我"), "voice", True),
    (re.compile(r"^(?:念|读|说|讲)?得?(?:慢一?点|太快)"), "slow", True),
    (re.compile(r"^(?:念|读|说|讲)?得?(?:快一?点|太慢)"), "slow", False),
    (re.compile(r"^(?:说|讲)?(?:得)?(?:短一?点|简短)"), "short", True),
    (re.compile(r"^(?:说|讲)?(?:得)?(?:详细|全)一?[点些]"), "short", False),
)


@dataclass(frozen=True)
class AnsweringParts:
    """What the answers are made with; ``hearing`` and ``speaking`` are None where this machine cannot."""

    path: MessagePath
    inbox: Inbox
    turns: Turns
    deliveries: Deliveries
    matcher: EmergencyMatcher
    places: Callable[[], PlaceBook]
    clock: Callable[[], datetime]
    hearing: Hearing | None
    speaking: Speaking | None
    page: str = ""


class Answering:
    """Answers a chat's messages along the path, with what only this channel knows."""

    def __init__(self, parts: AnsweringParts) -> None:
        self._parts = parts
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def burst(self, conversation: str, waiting: list[Received]) -> list[Received]:
        """Return the messages to take as one: short texts that came within two seconds of the one before.

        Waits a moment after a short one, unless it tells of danger.
        """
        while True:
            run = _run(waiting)
            text = "，".join(each.text for each in run)
            since = (self._parts.clock() - run[-1].received_at).total_seconds()
            open_ended = len(run) == len(waiting) and _is_short(run[-1]) and len(run) < _MOST
            if not open_ended or since >= _QUIET_S or self._parts.matcher(text):
                return run
            await asyncio.sleep(_QUIET_S - since)
            waiting = await asyncio.to_thread(self._parts.inbox.waiting, conversation)

    async def answer(
        self,
        sender: TelegramSender,
        chat: int,
        burst: list[Received],
        location: tuple[float, float] | None,
        again: bool,
    ) -> None:
        """Answer a burst as one message; the reply waits to be sent."""
        first, last = burst[0], burst[-1]
        text = _joined([each.text for each in burst])
        phone = next((each.phone for each in reversed(burst) if each.phone), None)
        message = replace(
            incoming_of(last),
            text=text,
            phone=phone,
            also=tuple(each.id for each in burst[:-1]),
            received_at=first.received_at,
            again=again,
            deliver=True,
        )
        before: list[Block] = []
        if last.media:
            heard = await self._heard(sender, chat, last.media)
            if isinstance(heard, Reply):
                await self._parts.path.answer(replace(message, text=say("voice_note")), heard)
                return
            message = replace(message, text=mask(heard), phone=phone_in(heard))
            again_button = Button(title=say("voice_again"), act=Act(intent=AGAIN))
            before = [TextBlock(text=say("voice_heard", text=message.text), buttons=[again_button])]
        given = await asyncio.to_thread(self._own, message, location)
        async with self._room:
            await self._parts.path.answer(message, given, before)

    def for_telegram(self, reply: Reply, delivery: Delivery) -> Reply:
        """Return the reply with the words that fit this app."""
        if delivery.intent != "larger_text":
            return reply
        return reply.model_copy(update={"blocks": [TextBlock(text=say("telegram_larger"))]})

    async def speaks_instead(self, sender: TelegramSender, chat: int, conversation: str, delivery: Delivery) -> bool:
        """Send the answer before as voice where 念给我听 asked for it; False where that cannot be."""
        if delivery.intent != "read_aloud" or self._parts.speaking is None:
            return False
        turns = await asyncio.to_thread(self._parts.turns.last, conversation, _LOOK_BACK)
        others = (turn for turn in reversed(turns) if turn.inbox_id != delivery.inbox_id)
        spoken = next((turn for turn in others if turn.intent != "read_aloud"), None)
        if spoken is None:
            return False
        settings = await asyncio.to_thread(self._parts.deliveries.settings, conversation)
        return await self.speak(sender, chat, Reply.model_validate_json(spoken.reply).speak, settings)

    async def speak(self, sender: TelegramSender, chat: int, text: str, settings: ChatSettings) -> bool:
        """Send a text as voice; False where it cannot be spoken. Raises CannotSend."""
        if self._parts.speaking is None or not text:
            return False
        try:
            sound = await self._parts.speaking.say(text, settings.slow)
        except SpeechError as error:
            logger.warning("speech: %s", error)
            return False
        await sender.voice(chat, sound)
        return True

    async def _heard(self, sender: TelegramSender, chat: int, media: str) -> str | Reply:
        """Return what a voice note says, or what to tell where it cannot be made out."""
        note, hearing = json.loads(media), self._parts.hearing
        if hearing is None:
            return _said("voice_not_here", "voice")
        if note["seconds"] > MAX_SECONDS:
            return _said("voice_too_long", "voice")
        try:
            await sender.send(chat, Part(escape(say("voice_listening"))))
            async with sender.busy(chat):
                return await hearing.hear(await sender.file(note["file_id"]))
        except TooBusy:
            return _said("voice_busy", "voice")
        except (SpeechError, CannotSend) as error:
            logger.warning("voice note: %s", error or type(error).__name__)
            return _said("voice_not_heard", "voice")

    def _own(self, message: Incoming, location: tuple[float, float] | None) -> Reply | None:
        """Return what this channel answers by itself, or None."""
        intent = (message.act or {}).get("intent")
        if intent == START:
            return start(self._parts.page)
        if intent == AGAIN:
            return _said("voice_say_again", AGAIN)
        if intent == UNSUPPORTED:
            return _said("telegram_unsupported", intent)
        if intent == LOCATION:
            return self._near(location)
        return None if message.act else self._settings(message)

    def _near(self, location: tuple[float, float] | None) -> Reply:
        if location is None:  # sent before a restart: it was never written down
            return _said("telegram_location_lost", LOCATION)
        return places_around(location, self._parts.places(), self._parts.clock())

    def _settings(self, message: Incoming) -> Reply | None:
        text = message.text.strip().rstrip("。！!吧")
        found = next(((name, value) for pattern, name, value in _SETTINGS if pattern.search(text)), None)
        if found is None or len(text) > _SHORT:
            return None
        name, value = found
        settings = self._parts.deliveries.settings(message.conversation)
        self._parts.deliveries.set_settings(message.conversation, replace(settings, **{name: value}))
        return _said(f"telegram_{name}_{'on' if value else 'off'}", f"telegram_{name}")


def start(page: str = "") -> Reply:
    """Return the greeting: three short lines and four buttons; ``page`` is the address of the web page."""
    acts = {
        "telegram_button_benefits": Act(intent="find_benefits"),
        "telegram_button_ask": Act(intent="help"),
        "telegram_button_book": Act(intent="book_consultation", slot="which"),
        "telegram_button_human": Act(intent="request_human"),
    }
    buttons = [Button(title=say(title), act=act) for title, act in acts.items()]
    block = TextBlock(
        text=say("telegram_start"),
        points=[line.format(page=page) for line in points("telegram_start_points")],
        buttons=buttons,
    )
    return Reply(
        blocks=[block],
        outcome=Outcome.ANSWERED_CONVERSATION,
        speak=say("telegram_start"),
        evidence=Evidence(intent="greet", confidence=1.0),
    )


def _said(phrase: str, intent: str) -> Reply:
    text = say(phrase)
    evidence = Evidence(intent=intent, confidence=1.0)
    return Reply(blocks=[TextBlock(text=text)], outcome=Outcome.ANSWERED_CONVERSATION, speak=text, evidence=evidence)


def _run(waiting: list[Received]) -> list[Received]:
    """Return the first messages that belong together; the first alone where it is no short text."""
    run = [waiting[0]]
    for each in waiting[1:_MOST]:
        close = each.received_at - run[-1].received_at <= _BURST
        if not (_is_short(run[-1]) and _is_short(each) and close):
            break
        run.append(each)
    return run


def _is_short(message: Received) -> bool:
    return not message.act and not message.media and 0 < len(message.text) <= _SHORT


def _joined(texts: list[str]) -> str:
    whole = ""
    for text in texts:
        whole += text if not whole or whole[-1] in _ENDS else f"，{text}"
    return whole

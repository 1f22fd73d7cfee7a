"""The actions Rasa calls: thin, they read the tracker, ask ``answers`` and set slots."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionExecuted, ActiveLoop, EventType, SessionStarted, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.answers import Answerer
from actions.booking_talk.desk import Desk
from actions.understood import Ages, Sender, acts_of, context_of, slots_after
from knowledge.library import Library
from knowledge.places import PlaceBook
from knowledge.reply import Reply
from knowledge.settings import default_library
from storage.clock import now

_AT_ONCE = 4


class ActionAnswer(Action):
    """Answers every message."""

    def __init__(
        self,
        library: Callable[[], Library] = default_library,
        clock: Callable[[], datetime] = now,
        places: Callable[[], PlaceBook] = PlaceBook,
        desk: Desk | None = None,
        ages: Ages = Ages(),  # noqa: B008 (frozen)
    ) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, "answer")
        self._ages = ages
        self._desk = desk
        self._library = library
        self._places = places
        self._clock = clock

    def name(self) -> str:
        """Return the name in the domain."""
        return "action_answer"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """Send one Reply as a custom payload and remember what follow-ups need."""
        _, events = await self._answer(dispatcher, tracker)
        return events

    async def _answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> tuple[Reply, list[EventType]]:
        at = self._clock()
        context = context_of(tracker.slots, at, tracker.latest_message.get("text") or "", self._ages)
        context = replace(context, sender=self._sender(tracker))
        answerer = Answerer(self._library(), at, self._places(), self._desk)
        # In a thread: a long search must not hold up other people's messages. In one of its own: behind a
        # crowd that is only being written down, the few who are being answered would come too late.
        think = partial(answerer.reply, acts_of(tracker.latest_message), context)
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(self._threads, contextvars.copy_context().run, think)
        dispatcher.utter_message(json_message=reply.payload())
        return reply, [SlotSet(name, value) for name, value in slots_after(reply, context, at).items()]

    def _sender(self, tracker: Tracker) -> Sender:
        metadata = tracker.latest_message.get("metadata") or {}
        phone = None
        if self._desk and metadata.get("phone"):
            phone = self._desk.cipher.unseal(metadata["phone"], "message.phone")
        return Sender(tracker.sender_id, metadata.get("inbox_id") or "", phone)


class ActionRestart(ActionAnswer):
    """Forgets what was talked about."""

    def name(self) -> str:
        """Return Rasa's own name for it."""
        return "action_restart"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """Say so, and clear every slot; where it was not surely meant, answer as always."""
        reply, events = await self._answer(dispatcher, tracker)
        return [SlotSet(name, None) for name in tracker.slots] if reply.evidence.intent == "restart" else events


class ActionSessionStart(Action):
    """Starts a session without losing the slots or the open form, as Rasa's own would."""

    def name(self) -> str:
        """Return the name in the domain."""
        return "action_session_start"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """Begin the session and set again what the last one knew."""
        events: list[EventType] = [SessionStarted()]
        events += [
            SlotSet(name, value)
            for name, value in tracker.slots.items()
            if value is not None and name != "session_started_metadata"
        ]
        if tracker.active_loop and tracker.active_loop.get("name"):
            events.append(ActiveLoop(tracker.active_loop["name"]))
        return [*events, ActionExecuted("action_listen")]

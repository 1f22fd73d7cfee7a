"""What Rasa does for every message, done quicker: what comes out is the same.

Each was found with py-spy; docs/performance.md says what it took before. Nothing here knows of
our field: it is put into Rasa's classes once, when our channel is made.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import pickle
import sys
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Optional, Text, cast

import aiohttp
import rasa.utils.endpoints
from rasa.core.actions.action import RemoteAction
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME
from rasa.shared.core.events import ActionExecuted, Event, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.utils.endpoints import EndpointConfig

_SWITCH_S = 0.0005  # Python's 5 ms: what was encoded waited so long, several times a message, to be taken up again
_KEPT = 2_048  # texts whose understanding is kept: about 8 MB
_IDLE_S = 2.0  # shorter than the action server holds a connection open, so none is used that was just closed
_call_format = RemoteAction._action_call_format
_run_remote = RemoteAction.run
_predict = MessageProcessor._predict_next_with_tracker
_session = EndpointConfig.session


def use_all() -> None:
    """Put everything below in the place of Rasa's."""
    sys.setswitchinterval(_SWITCH_S)
    MessageProcessor.parse_message = _parse_with(Understanding())
    MessageProcessor._predict_next_with_tracker = _predict_with(OneTurn())
    RemoteAction._action_call_format = _without_history
    RemoteAction.run = _begun_here
    FailSafeTrackerStore.create_tracker = _created_by_ours
    Event.resolve_by_type = staticmethod(functools.lru_cache(maxsize=None)(Event.resolve_by_type))
    EndpointConfig.session = _lasting_session


class Understanding:
    """Understands beside the event loop, and keeps what it understood of a text.

    The pipeline reads the text alone (a pressed button's act apart), so the same text is
    understood the same; and while one message is encoded, the others' turns go on.
    """

    def __init__(self) -> None:
        # Two: while one is in the encoder, which needs no interpreter, the other has it. Our components allow it.
        self._thread = ThreadPoolExecutor(2, "understanding")
        # As bytes: each message gets a copy of its own, which pickle makes in a quarter of deepcopy's time.
        self._kept: "OrderedDict[Text, bytes]" = OrderedDict()
        self._by: Optional[MessageProcessor] = None

    async def of(
        self, processor: MessageProcessor, message: UserMessage, tracker: Optional[DialogueStateTracker], only: bool
    ) -> Dict[Text, Any]:
        """Return what ``processor`` parses of a message; see ``MessageProcessor.parse_message``."""
        if processor is not self._by:  # another model
            self._by, self._kept = processor, OrderedDict()
        own = {"message_id": message.message_id, "metadata": message.metadata}
        key = None if (message.metadata or {}).get("act") else message.text
        kept = self._kept.get(key) if key else None
        if kept is None:
            parsed = await self._parsed(processor, message, tracker, only)
            kept = pickle.dumps({name: value for name, value in parsed.items() if name not in own})
            if key:
                self._kept[key] = kept
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return {**pickle.loads(kept), **own}  # noqa: S301 (made here)

    async def _parsed(
        self, processor: MessageProcessor, message: UserMessage, tracker: Optional[DialogueStateTracker], only: bool
    ) -> Dict[Text, Any]:
        tracker = tracker or DialogueStateTracker.from_events(message.sender_id, [])
        loop = asyncio.get_running_loop()
        parsed: Dict[Text, Any] = await loop.run_in_executor(
            self._thread, processor._parse_message_with_graph, message, tracker, only
        )
        processor._check_for_unseen_features(parsed)
        return parsed


def _parse_with(understanding: Understanding) -> Any:
    async def parse_message(
        self: MessageProcessor,
        message: UserMessage,
        tracker: Optional[DialogueStateTracker] = None,
        only_output_properties: bool = True,
    ) -> Dict[Text, Any]:
        return await understanding.of(self, message, tracker, only_output_properties)

    return parse_message


class OneTurn:
    """Keeps what the rules say: each of ours looks at one intent and one action (a test holds that), no slot and no form.

    Rasa makes the states of the whole conversation anew for each prediction, twice a message.
    """

    def __init__(self) -> None:
        self._kept: Dict[Any, PolicyPrediction] = {}
        self._by: Optional[MessageProcessor] = None

    def of(self, processor: MessageProcessor, tracker: DialogueStateTracker) -> PolicyPrediction:
        """Return the prediction for a conversation; see ``MessageProcessor._predict_next_with_tracker``."""
        if processor is not self._by:
            self._by, self._kept = processor, {}
        message = tracker.latest_message
        if tracker.followup_action or tracker.active_loop_name or message is None:
            return _predict(processor, tracker)
        key = (tracker.latest_action_name, message.intent.get("name"))
        if key not in self._kept:
            self._kept[key] = _predict(processor, tracker)
        kept = copy.copy(self._kept[key])
        kept.events, kept.optional_events = _fresh(kept.events), _fresh(kept.optional_events)
        return kept


def _fresh(events: List[Event]) -> List[Event]:
    """Return copies, as if they were made now."""
    copies = [copy.copy(event) for event in events]
    for event in copies:
        event.timestamp = time.time()
    return copies


def _predict_with(rules: OneTurn) -> Any:
    def predict(self: MessageProcessor, tracker: DialogueStateTracker) -> PolicyPrediction:
        return rules.of(self, tracker)

    return predict


async def _created_by_ours(
    self: FailSafeTrackerStore, sender_id: Text, append_action_listen: bool = True
) -> DialogueStateTracker:
    """Let our store make the tracker: Rasa's wrapper makes it itself, and stores it twice."""
    return cast(DialogueStateTracker, await self._tracker_store.create_tracker(sender_id, append_action_listen))


async def _begun_here(
    self: RemoteAction, output_channel: OutputChannel, nlg: Any, tracker: DialogueStateTracker, domain: Any
) -> List[Event]:
    """Begin a conversation in which nothing was said yet without asking our action server: there is nothing to carry over."""
    if self.name() != ACTION_SESSION_START_NAME or any(isinstance(event, UserUttered) for event in tracker.events):
        return cast(List[Event], await _run_remote(self, output_channel, nlg, tracker, domain))
    return [SessionStarted(), ActionExecuted(ACTION_LISTEN_NAME)]


def _without_history(self: RemoteAction, tracker: DialogueStateTracker, domain: Any) -> Dict[Text, Any]:
    """Return the call without all that was ever said: our actions read slots and the last message."""
    whole = tracker.current_state
    tracker.current_state = lambda verbosity: whole(EventVerbosity.NONE)  # type: ignore[method-assign]
    try:
        return _call_format(self, tracker, domain)
    finally:
        del tracker.current_state


class _Lasting:
    """Lends a session that outlives the ``async with`` of one request."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def __aenter__(self) -> aiohttp.ClientSession:
        return self.session

    async def __aexit__(self, *error: Any) -> None:
        pass


_lasting: Dict[asyncio.AbstractEventLoop, _Lasting] = {}


def _lasting_session(self: EndpointConfig) -> Any:
    """Return the session of this event loop: a new connection for each message took milliseconds on both sides."""
    if self.basic_auth:
        return _session(self)
    loop = asyncio.get_running_loop()
    kept = _lasting.get(loop)
    if kept is None or kept.session.closed:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S)
        timeout = aiohttp.ClientTimeout(total=rasa.utils.endpoints.DEFAULT_REQUEST_TIMEOUT)
        kept = _lasting[loop] = _Lasting(aiohttp.ClientSession(connector=connector, timeout=timeout))
    return kept

"""Several acts in one message: split before the pipeline, collected after it.

The splitter appends a message for each part, so every component of the pipeline treats the
parts as it treats the whole; the collector keeps the whole and publishes ``acts``.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Dict, List, Optional

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.constants import INTENT, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from knowledge.normalise import clauses
from nlu.components.base import VECTOR, MessageComponent, encoder_name
from nlu.components.gate import IN_FIELD

MAX_ACTS = 4
_OPENING = re.compile(
    r"(?:[您你侬]好|喂+|哈[喽罗]|hello|hi|(?:早上|上午|下午|晚上)好|谢谢[您你侬]?)[啊呀哦，。！,!~ ]*"
)
_OPENS = ("greet", "thank")
_PART_CONFIDENCE = 0.5
_LONGEST = 60  # a longer message rambles: most of its parts are circumstances, not acts
_WHOLE_BELOW = 8  # 怎么办 alone says nothing; the piece before it belongs to it
_CUE = re.compile(
    r"多少|几[岁次天点号个时级档块元种]|贵不贵|怎么|哪[里儿个家些]|在哪|什么|吗|能不能|可不可以|有没有|要不要|是不是|谁|如何|呢|电话|"
    r"取消|不填|算了|不约|预约|报名|人工|改到|改成|退出|别办"
)
# What can stand on its own beside another act; chat, answers to a question and mere
# circumstances cannot.
_INDEPENDENT = frozenset(
    {
        "ask_service",
        "ask_eligibility",
        "ask_amount",
        "ask_how_to_apply",
        "ask_documents",
        "ask_where",
        "ask_contact",
        "ask_time",
        "find_benefits",
        "book_training",
        "book_consultation",
        "list_bookings",
        "reschedule_booking",
        "cancel_booking",
        "stop",
        "request_human",
    }
)


def parts_of(text: str) -> List[str]:
    """Return the parts of normal ``text`` that ask or order something; one part means no split.

    A piece without a cue is the circumstance of what follows, so it joins the next part;
    in a long message circumstances are left out.
    """
    pieces = clauses(text)
    if len(text) > _LONGEST:
        return _asking(pieces) or [text]
    parts: List[str] = []
    waiting = ""
    for piece in pieces:
        if _OPENING.fullmatch(piece):
            continue
        waiting += piece
        if _CUE.search(piece):
            parts.append(waiting)
            waiting = ""
    if waiting and parts:
        parts[-1] += waiting
    return parts if len(parts) > 1 or (parts and _OPENING.match(text)) else [text]


def _asking(pieces: List[str]) -> List[str]:
    """Return the pieces that ask, with the one before where they are too short to say what."""
    asking = []
    for number, piece in enumerate(pieces):
        if _CUE.search(piece):
            before = pieces[number - 1] if number and len(piece) < _WHOLE_BELOW else ""
            asking.append(f"{before}{piece}")
    return asking


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class ActsSplitter(MessageComponent):
    """Appends one message for each part of the message."""

    def process(self, messages: List[Message]) -> List[Message]:
        """Return the message followed by its parts (none when it has only one)."""
        if len(messages) != 1 or _pressed(messages[0]):
            return messages
        text = messages[0].get(TEXT) or ""
        parts = parts_of(text)
        if parts != [text]:
            messages = messages + [Message(data={TEXT: part}) for part in parts[:MAX_ACTS]]
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave training examples whole."""
        return training_data


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class ActsCollector(MessageComponent):
    """Publishes ``acts``, each with ``intent``, ``ranking``, ``text``, ``confidence``, ``in_field`` and ``vector``."""

    def process(self, messages: List[Message]) -> List[Message]:
        """Return only the whole message, with its acts and the intent of the first."""
        if not messages:
            return messages
        whole, *parts = messages
        pressed = _pressed(whole)
        if pressed:
            acts = [{**_act(whole), **pressed, "confidence": 1.0, "in_field": 1.0, "pressed": True}]
        else:
            acts = self._acts(whole, parts)
        whole.set(INTENT, {"name": acts[0]["intent"], "confidence": acts[0]["confidence"]}, add_to_output=True)
        whole.set("acts", acts, add_to_output=True)
        return [whole]

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave training examples as they are."""
        return training_data

    @staticmethod
    def _acts(whole: Message, parts: List[Message]) -> List[Dict[str, Any]]:
        strong = [
            act for act in map(_act, parts) if act["intent"] in _INDEPENDENT and act["confidence"] >= _PART_CONFIDENCE
        ]
        distinct = [
            act for number, act in enumerate(strong) if act["intent"] not in {a["intent"] for a in strong[:number]}
        ]
        # What the whole is about wins over its parts where it is a matter of safety or chat.
        entire = _act(whole)
        if entire["intent"] in _OPENS and distinct:  # 侬好，养老金几号到账: nobody greets for its own sake
            return distinct
        enough = 1 if len(entire["text"] or "") > _LONGEST else 2
        return distinct if len(distinct) >= enough and entire["intent"] in _INDEPENDENT else [entire]


def _act(message: Message) -> Dict[str, Any]:
    intent = message.get(INTENT) or {}
    vector = message.get(VECTOR)
    return {
        "intent": intent.get("name"),
        "ranking": [[each["name"], round(each["confidence"], 4)] for each in message.get("intent_ranking") or []],
        "confidence": float(intent.get("confidence") or 0.0),
        "text": message.get(TEXT),
        "in_field": float(message.get(IN_FIELD, 1.0)),
        "encoder": encoder_name(),
        "vector": None if vector is None else base64.b64encode(vector.astype(np.float16).tobytes()).decode(),
    }


def _pressed(message: Message) -> Optional[Dict[str, Any]]:
    """Return the act of a pressed button; only the gateway can put it into the metadata."""
    act = (message.get(METADATA) or {}).get("act")
    return act if isinstance(act, dict) and act.get("intent") else None

"""What was said in a conversation, as a clerk reads it, and what can be known of the person from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from actions.finder import describe
from knowledge.normalise import normalise, to_simplified
from knowledge.person import NOBODY, Person, person_of
from knowledge.phrases import say
from knowledge.plain_text import plain_text
from knowledge.reply import BookingBlock, FormBlock, Reply
from knowledge.where import whereabouts
from storage.desk_messages import DeskMessage
from storage.turns import Turn

_SHANGHAINESE = re.compile(r"侬|阿拉|啥|伐[？。]?$|勿|辰光|屋里厢|今朝|明朝|晓得|揩身|弗")


@dataclass(frozen=True)
class Line:
    """One thing said: ``who`` is person, bot, staff or desk."""

    who: str
    name: str
    text: str
    at: datetime
    state: str = ""  # of what staff wrote: pending, sent, failed
    service_id: str | None = None


@dataclass(frozen=True)
class Known:
    """What the words tell: of whom, where, what form is open, and how to speak with them."""

    person: Person = NOBODY
    described: str = ""
    district: str | None = None
    form: str | None = None  # what the bot asked last, where a form is open
    booked: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)


def lines_of(turns: Sequence[Turn], messages: Sequence[DeskMessage]) -> list[Line]:
    """Return both as lines, oldest first."""
    lines = []
    for turn in turns:
        reply = Reply.model_validate_json(turn.reply)
        lines.append(Line("person", "来访者", turn.text, turn.created_at))
        if reply.blocks:
            lines.append(Line("bot", "小助手", plain_text(reply), turn.created_at, service_id=turn.service_id))
    for message in messages:
        text = plain_text(Reply.model_validate_json(message.reply))
        who = "staff" if message.who else "desk"
        lines.append(Line(who, message.who or "系统", text, message.at, message.state))
    return sorted(lines, key=lambda line: line.at)


def known_of(turns: Sequence[Turn], at: datetime) -> Known:
    """Return what is known from what the person said."""
    person, district, booked, form = NOBODY, None, [], None
    for turn in turns:
        said = normalise(turn.text)
        person = person.with_more(person_of(said))
        district = whereabouts(said).district or district
        blocks = Reply.model_validate_json(turn.reply).blocks
        booked += [f"{block.title}，{block.when}" for block in blocks if isinstance(block, BookingBlock)]
        form = next((block.text for block in blocks if isinstance(block, FormBlock)), None)
    return Known(
        person, described(person, at.date()), district, form, booked[-3:], _hints([turn.text for turn in turns])
    )


def described(person: Person, today: date) -> str:
    """Return what is known of a person in a line, without the bot's own words around it."""
    return describe(person, today).removeprefix(say("finder_person", known="").rstrip("。"))


def _hints(texts: Sequence[str]) -> list[str]:
    """Return how this person is best spoken with, as far as the words tell."""
    whole = "".join(texts)
    hints = []
    if _SHANGHAINESE.search(whole):
        hints.append("说上海话")
    if whole != to_simplified(whole):
        hints.append("写繁体字")
    if re.search(r"听不见|耳朵|耳背|聋", whole):
        hints.append("耳朵不好，请写字")
    if re.search(r"看不见|看不清|眼睛|老花", whole):
        hints.append("眼睛不好，句子短一点")
    if texts and sum(map(len, texts)) / len(texts) > 60:
        hints.append("话说得长，先替他理一理")
    return hints

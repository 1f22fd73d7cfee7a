"""What somebody is told who asks for a person: how long, when, and how."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from knowledge.phrases import say
from knowledge.reply import Block, HandoffBlock, Outcome, Reply, TextBlock

_DAYS = "一二三四五六日"


@dataclass(frozen=True)
class Standing:
    """How it stands at the desk for one person. ``opens_at``: nobody works now, this is when they do."""

    now: datetime
    ahead: int = 0  # who comes first
    opens_at: datetime | None = None
    there: bool = True  # somebody is logged in
    can_write: bool = True  # the channel can be written to, unasked
    phone: str | None = None  # where to ring


def handed_over(reply: Reply, standing: Standing) -> Reply:
    """Return the reply with what happens now in place of the bare number."""
    text = _what_happens(standing)
    blocks: list[Block] = [
        block.model_copy(update={"text": f"{_opening(reply.outcome)}{text}"})
        if isinstance(block, HandoffBlock)
        else block
        for block in reply.blocks
    ]
    if not any(isinstance(block, HandoffBlock) for block in blocks):  # abuse: the numbers come first
        blocks.append(TextBlock(text=say("handoff_told")))
    return reply.model_copy(update={"blocks": blocks, "speak": _spoken(blocks)})


def will_ring(standing: Standing) -> Reply:
    """Return that the number is noted, and when it is rung."""
    text = say("handoff_ring", tail=(standing.phone or "")[-4:], when=_when(standing))
    return Reply(blocks=[TextBlock(text=text)], outcome=Outcome.HANDED_OFF_CALL_BACK, speak=text)


def silent() -> Reply:
    """Return nothing: a clerk has the conversation."""
    return Reply(blocks=[], outcome=Outcome.HANDED_OFF_HELD)


def _opening(outcome: Outcome) -> str:
    return say("unknown_again_short") if outcome is Outcome.HANDED_OFF_MISSES else ""


def _what_happens(standing: Standing) -> str:
    if standing.phone:
        return say("handoff_ring", tail=standing.phone[-4:], when=_when(standing))
    if not standing.can_write:
        return say("handoff_number", when=_when(standing))
    if standing.opens_at:
        return say("handoff_closed", when=_when(standing))
    if not standing.there:
        return say("handoff_away")
    return say("handoff_waiting", ahead=standing.ahead) if standing.ahead else say("handoff_next")


def _when(standing: Standing) -> str:
    """Return when somebody has time: 稍后, 今天上午8点半, 明天…, 周一…."""
    if standing.opens_at is None:
        return say("handoff_soon")
    at = standing.opens_at
    days = (at.date() - standing.now.date()).days
    day = {0: say("notice_today"), 1: say("notice_tomorrow")}.get(days)
    if day is None:
        day = f"周{_DAYS[at.weekday()]}" if days < 7 else f"{at.month}月{at.day}日"
    half = "上午" if at.hour < 12 else "下午"
    return f"{day}{half}{at.hour if at.hour <= 12 else at.hour - 12}点{f'{at.minute}分' if at.minute not in (0, 30) else '半' if at.minute else ''}"


def _spoken(blocks: Iterable[Block]) -> str:
    return "".join(getattr(block, "text", "") for block in blocks)

"""Replies that need no search: greetings, thanks, what we can do, say it again, safety words."""

from __future__ import annotations

import re

from knowledge import answer
from knowledge.emergency import Emergency, default_matcher
from knowledge.normalise import DATA
from knowledge.phrases import hotline, points, say
from knowledge.reply import (
    Act,
    AnswerBlock,
    Block,
    Button,
    ContactLine,
    EmergencyBlock,
    HandoffBlock,
    Outcome,
    Reply,
    TextBlock,
)

_PLAIN = {
    "goodbye",
    "thank",
    "small_talk",
    "feedback_good",
    "feedback_bad",
    "bot_challenge",
    "read_aloud",
    "larger_text",
    "restart",
    "stop",
    "skip",
}
_WHEN_NOTHING_IS_OPEN = {"affirm": "affirm_nothing", "deny": "deny_nothing", "inform": "inform_nothing"}
_OUR_HOURS = re.compile(
    r"(?:你|您|侬|倷)们?(?:这里|这边|那里|搿搭)?(?:是|都)?"
    r"(?:几点|周[末六日]|礼拜|星期|双休日|节假日|过年|中午|夜里|晚上|半夜|啥辰光).{0,4}(?:[上下]班|[开关]门|休息|有人|营业|能问|在(?:吗|伐|不|$))"
)
_BOOKINGS = {"list_bookings", "reschedule_booking", "cancel_booking"}


def reply_without_search(intent: str, text: str = "") -> Reply | None:
    """Return the reply to ``intent`` where it is a fixed one, else None; ``text`` is the message."""
    if intent in _PLAIN:
        return _text(say(intent), Outcome.ANSWERED_CONVERSATION)
    if intent in _WHEN_NOTHING_IS_OPEN:
        return _text(say(_WHEN_NOTHING_IS_OPEN[intent]), Outcome.ASKED_WHAT_ABOUT)
    if intent in _BOOKINGS:
        return _text(say("book_not_yet"), Outcome.ANSWERED_CONVERSATION, contact=[hotline()])
    makers = {
        "greet": _greet,
        "help": _help,
        "request_human": handoff,
        "medical_question": lambda: _medical(text),
        "emergency": lambda: emergency_reply(default_matcher().suspected(text)),
        "privacy": _privacy,
        "others_data": _others_data,
    }
    return makers[intent]() if intent in makers else None


def our_hours(text: str) -> Reply | None:
    """Return when we can be asked, where normal ``text`` asks just that: 你们几点下班."""
    if not _OUR_HOURS.search(text):
        return None
    return _text(say("our_hours"), Outcome.ANSWERED_CONVERSATION, contact=[hotline()])


def handoff(outcome: Outcome = Outcome.HANDED_OFF_REQUESTED) -> Reply:
    """Return how to reach a person, the number in the same message."""
    text = say("handoff") if outcome is Outcome.HANDED_OFF_REQUESTED else say("unknown_again")
    block = HandoffBlock(text=f"{text}{say('handoff_later')}", contact=[hotline()])
    return Reply(blocks=[block], outcome=outcome)


def again(last: Reply | None) -> Reply:
    """Return the same reply once more."""
    if last is None:
        return _text(say("repeat_nothing"), Outcome.ASKED_WHAT_ABOUT)
    return last.model_copy(update={"outcome": Outcome.ANSWERED_CONVERSATION})


def simpler(last: Reply | None) -> Reply:
    """Return the two most important sentences of the last reply; of one sentence an apology, and then a person."""
    if last is None:
        return _text(say("simplify_nothing"), Outcome.ASKED_WHAT_ABOUT)
    first = next((block for block in last.blocks if isinstance(block, AnswerBlock)), last.blocks[0])
    if isinstance(first, AnswerBlock):
        block: Block = answer.simpler(first)
    else:
        block = first.model_copy(update={name: [] for name in ("points", "advice") if hasattr(first, name)})
    no_more = _text(say("simplify_no_more"), Outcome.ASKED_WHAT_ABOUT, contact=[hotline()])
    if last.blocks == no_more.blocks:
        return handoff(Outcome.HANDED_OFF_MISSES)
    if [block] == last.blocks and last.outcome is Outcome.ANSWERED_CONVERSATION:
        return no_more  # the same sentence once more helps nobody
    return Reply(blocks=[block], outcome=Outcome.ANSWERED_CONVERSATION)


def _text(
    text: str,
    outcome: Outcome,
    more: list[str] | None = None,
    contact: list[ContactLine] | None = None,
    buttons: list[Button] | None = None,
) -> Reply:
    block = TextBlock(text=text, points=more or [], contact=contact or [], buttons=buttons or [])
    return Reply(blocks=[block], outcome=outcome)


def _greet() -> Reply:
    return _text(say("greet"), Outcome.ANSWERED_CONVERSATION, points("greet_examples"))


def _help() -> Reply:
    return _text(say("help"), Outcome.ANSWERED_CONVERSATION, points("help_points"))


def _medical(text: str) -> Reply:
    doctor = Button(title="家庭医生", act=Act(intent="ask_service", service_id="family_doctor_homebed"))
    return _text(
        say("medical"),
        Outcome.GUARDED_MEDICAL,
        [*_hints(text)[:1], *points("medical_points")],
        [ContactLine(name="急救", phone="120")],
        [doctor],
    )


def _hints(text: str) -> list[str]:
    """Return the everyday help for what normal ``text`` asks a doctor's question about."""
    lines = (DATA / "medical_hints.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    return [hint for words, hint in rows if re.search(words, text)]


def emergency_reply(danger: Emergency) -> Reply:
    """Return what to do about ``danger``, the number first. A block of this kind is told to staff."""
    block = EmergencyBlock(danger=danger.kind, lead=danger.lead, call=list(danger.call), advice=list(danger.advice))
    speak = "".join([danger.lead, *danger.advice])
    return Reply(blocks=[block], outcome=Outcome.GUARDED_EMERGENCY, speak=speak)


def _privacy() -> Reply:
    return _text(say("privacy"), Outcome.ANSWERED_CONVERSATION, points("privacy_points"), [hotline()])


def _others_data() -> Reply:
    return _text(say("others_data"), Outcome.GUARDED_OTHERS_DATA, points("others_data_points"), [hotline()])

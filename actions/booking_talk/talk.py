"""Booking's part in the dialogue: which of its forms a message belongs to, and when it is left."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from actions.asking import is_question
from actions.booking.model import Kind
from actions.booking_talk.desk import Desk
from actions.booking_talk.form import Aim, Form, Step, from_json, ordinal
from actions.booking_talk.making import YES, Making
from actions.booking_talk.mine import AIMS, Mine
from actions.booking_talk.words import ended
from actions.merging import merged
from actions.understood import Context, UnderstoodAct
from knowledge.answer import ASPECTS
from knowledge.phrases import say
from knowledge.reply import AnswerBlock, Outcome, Reply, TextBlock

FORMS = {"book_training": Kind.TRAINING, "book_consultation": Kind.CONSULTATION}
_LEAVES = ("stop", "cancel_booking")
_NO_MORE = re.compile(r"不约了|不报了|不订了|不想约|不想报|不去了|算了|不用了|不打了")
_LEAVE_AT = {Aim.BOOK: 2, Aim.MOVE: 2, Aim.CALL: 1}  # where 不约了 stands among the buttons of the read-back
_CHANGE_AT = 1
_NO_REMINDERS = re.compile(r"(?:不要|别|不用|不必|停止|关掉?|取消)(?:再)?(?:给我|发)?提醒|stop_?reminders")
_REMINDERS = re.compile(r"(?:恢复|重新|还是|打开|开)(?:要|给我)?提醒|start_?reminders")
_PLAIN = {"inform", "choose", "correct", "affirm", "deny", "skip", "unclear"}  # nothing but an answer to the form
_KIND_WORDS = re.compile(
    r"^.{0,4}(?:培训|课程?|照护|护理|顾问|面谈|报名|预约)[班吧的。！]*$"
)  # what is being booked anyway
_CANCELS = re.compile(
    r"(?:培训|课|预约|顾问|面谈|报名|约好的).{0,6}(?:不报了|不约了|不去了|不上了|不想去|去不了|来不了|取消|退掉)"
    r"|(?:不报|不约|不去|不上|去不了|来不了)了?.{0,4}(?:培训|课|顾问|面谈)"
)
_LOOKS = re.compile(r"预约.{0,8}(?<!\d)\d{3}[ -]?\d{3}(?!\d)")  # digits say nothing to the intent model
_CHATS = {"greet", "thank", "help", "bot_challenge", "read_aloud", "larger_text", "repeat", "simplify", "small_talk"}


class BookingTalk:
    """One message's part in the dialogue."""

    def __init__(self, desk: Desk, now: datetime) -> None:
        self._desk = desk
        self._making = Making(desk, now)
        self._mine = Mine(desk, now, self._making)

    def can_book(self, intent: str) -> bool:
        """Return whether what ``intent`` books is on offer at all."""
        return self._making.can_book(FORMS[intent])

    def begins(self, act: UnderstoodAct, context: Context) -> Reply | None:
        """Open a form, or show bookings; None where the message is about something else."""
        if act.intent in FORMS:
            return self._making.begin(FORMS[act.intent], act, context)
        if act.intent in AIMS:
            return self._mine.begin(act, context)
        if act.intent in ("affirm", "deny") and not act.pressed:
            return self._mine.offered(context)
        return None

    def takes(self, act: UnderstoodAct, context: Context, otherwise: Callable[[], list[Reply]]) -> Reply | None:
        """Return the reply where a button or the open form takes the message, else None.

        What says nothing for the form is answered by ``otherwise``, and the question asked again.
        """
        form = from_json(context.booking) if context.booking else None
        pressed = self._mine.pressed(act, context, form)
        if pressed:
            return pressed
        if act.pressed and act.intent in (*FORMS, *AIMS):  # a button that opens another form
            return None
        switched = self._reminders(act, context)
        if switched or form is None:
            return switched
        if self._is_left(form, act):
            return ended("book_stopped" if form.aim in _LEAVE_AT else "book_left")
        if (
            form.step is Step.CONFIRM
            and not act.pressed
            and ordinal(act.text) == _CHANGE_AT
            and form.aim in (Aim.BOOK, Aim.MOVE)
        ):
            act = replace(act, slot="change")
        if form.step is Step.CONFIRM and not act.pressed and ordinal(act.text) == 0:
            act = replace(act, value=YES)
        asks = act.intent in ASPECTS and is_question(act.text) and not act.pressed
        talk = self._making if _is_making(form) else self._mine
        reply = talk.goes_on(form, act, context)
        if reply is not None:
            return reply
        if asks or act.pressed or act.intent in _CHATS or act.intent in (*FORMS, *AIMS):
            return self._between(form, context, otherwise())
        if act.intent not in _PLAIN:
            replies = otherwise()
            if replies[0].outcome.value.startswith("answered"):
                return self._between(form, context, replies)
        if form.step is Step.NONE or _KIND_WORDS.search(act.text):  # something came between: ask again, it is no miss
            return self._again(form, context, say("book_goes_on") if form.step is Step.NONE else "")
        return self._again(replace(form, misses=form.misses + 1), context, say("book_not_understood"))

    def _is_left(self, form: Form, act: UnderstoodAct) -> bool:
        if form.step is Step.CANCEL or (form.step is Step.FOUND and act.intent != "stop"):
            return False
        if act.intent in _LEAVES or act.value == "stop" or _NO_MORE.search(act.text):
            return True
        at = None if act.pressed else ordinal(act.text)
        last = {Step.CONFIRM: _LEAVE_AT.get(form.aim), Step.EVENT: len(form.offered), Step.WHICH: len(form.offered)}
        return at is not None and at == last.get(form.step)

    def _between(self, form: Form, context: Context, replies: list[Reply]) -> Reply:
        """Return what else was asked, and the open question once more."""
        replies = [_without_booking_buttons(reply) for reply in replies]
        if any(reply.booking for reply in replies):  # another form was opened
            return merged(replies).model_copy(update={"booking": replies[-1].booking})
        before = say("book_goes_on") if context.returns else ""
        again = None if form.step is Step.FOUND else self._again(form, context, before)
        if again is None:
            return merged(replies).model_copy(update={"booking": {}}) if len(replies) > 1 else replies[0]
        return merged([*replies, again]).model_copy(update={"booking": again.booking})

    def _again(self, form: Form, context: Context, before: str = "") -> Reply:
        asked = (
            self._making.next(form, context, before) if _is_making(form) else self._mine.again(form, context, before)
        )
        return asked or ended("book_left")

    def _reminders(self, act: UnderstoodAct, context: Context) -> Reply | None:
        text = context.said or act.text
        wanted = False if _NO_REMINDERS.search(text) else True if _REMINDERS.search(text) else None
        if wanted is None or act.pressed:
            return None
        self._desk.bookings.set_reminders(context.sender.conversation, wanted)
        block = TextBlock(text=say("reminders_on" if wanted else "reminders_off"))
        return Reply(blocks=[block], outcome=Outcome.ANSWERED_CONVERSATION)


def as_about_booking(act: UnderstoodAct) -> UnderstoodAct:
    """Return 照护课我去不了了 as a cancellation, which is asked about first; 预约号码669999 as looking for it."""
    if act.pressed or act.intent in AIMS:
        return act
    if _CANCELS.search(act.text) and not is_question(act.text):
        return replace(act, intent="cancel_booking")
    return replace(act, intent="list_bookings") if _LOOKS.search(act.text) else act


def _without_booking_buttons(reply: Reply) -> Reply:
    """Return an answer without 我要报名: that is going on already."""
    blocks = [
        block.model_copy(update={"buttons": [b for b in block.buttons if not (b.act and b.act.intent in FORMS)]})
        if isinstance(block, AnswerBlock)
        else block
        for block in reply.blocks
    ]
    return reply.model_copy(update={"blocks": blocks})


def _is_making(form: Form) -> bool:
    return form.aim in (Aim.BOOK, Aim.CALL) or (form.aim is Aim.MOVE and form.booking is not None)

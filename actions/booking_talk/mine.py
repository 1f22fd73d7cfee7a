"""One's bookings by talk: shown, found by code and phone, cancelled, taken up from the waiting list."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from actions.asking import is_question
from actions.booking.errors import BookingError, Locked, NotFound
from actions.booking.model import Booking, Kind, State
from actions.booking.when import wish_of
from actions.booking_talk.desk import Desk
from actions.booking_talk.form import PHONE, Aim, Form, Step, ordinal, told
from actions.booking_talk.making import YES, Making, held, says_yes
from actions.booking_talk.words import asked, card, ended, stop, when
from actions.understood import Context, UnderstoodAct
from knowledge.person import person_of
from knowledge.phrases import hotline, say
from knowledge.reply import Act, Block, Button, Outcome, Reply, TextBlock
from storage.crypto import CannotDecrypt

AIMS = {"list_bookings": Aim.SHOW, "cancel_booking": Aim.CANCEL, "reschedule_booking": Aim.MOVE}
_INTENTS = {aim: intent for intent, aim in AIMS.items()}
_SHOWN = 5
_WHICH = 3
_KINDS = {Kind.TRAINING: re.compile(r"培训|课|班"), Kind.CONSULTATION: re.compile(r"顾问|面谈|谈谈|咨询")}
_NO_CODE = re.compile(r"没有?(?:号码|码|号)|不记得|记不得|忘(?:记|了)|不知道|找不到|丢了")
_KEEPS = re.compile(r"不|别|没|留着|保留|算了")
_RATINGS = {"3": "rate_good", "2": "rate_fair", "1": "rate_bad"}


class Mine:
    """What somebody has booked, and what they do with it."""

    def __init__(self, desk: Desk, now: datetime, making: Making) -> None:
        self._desk = desk
        self._now = now
        self._making = making

    def begin(self, act: UnderstoodAct, context: Context) -> Reply:
        """Show, move or cancel: one's own, or the one of a code and phone."""
        form = told(Form(Kind.CONSULTATION, aim=AIMS[act.intent]), act, context, self._desk.cipher, self._now)
        if form.code and form.phone:
            return self._prove(form, context)
        mine = self._desk.bookings.mine(context.sender.conversation)
        if not mine or form.code:
            return self._ask_code(form)
        meant = _meant(mine, context.said or act.text, self._now) if form.aim is not Aim.SHOW else mine
        if form.aim is Aim.SHOW:
            return self._shown(mine)
        return self._about(form, meant[0], context) if len(meant) == 1 else self._which(form, meant)

    def goes_on(self, form: Form, act: UnderstoodAct, context: Context) -> Reply | None:
        """Take a message as part of the form; None where it says nothing for it."""
        if form.step is Step.CANCEL:
            return self._cancelled(form, act, context)
        if form.step is Step.FOUND:
            aim = AIMS.get(act.intent)
            booking = held(self._desk, form, context)
            return self._about(replace(form, aim=aim), booking, context) if booking and aim else None
        if form.step is Step.WHICH:
            return self._picked(form, act, context)
        if _NO_CODE.search(act.text):
            return ended("book_no_code", with_hotline=True)
        after = told(form, act, context, self._desk.cipher, self._now)
        if after == form:
            return None
        return self._prove(after, context) if after.code and after.phone else self._ask_code(after)

    def again(self, form: Form, context: Context, before: str = "") -> Reply | None:
        """Return the open question once more; None where the form asks nothing."""
        if form.step is Step.CANCEL or (form.aim is Aim.CANCEL and form.booking):
            booking = held(self._desk, form, context)
            return self._ask_to_cancel(form, booking) if booking else None
        if form.step is Step.WHICH or (form.offered and form.step is Step.NONE):
            mine = [each for each in self._desk.bookings.mine(context.sender.conversation) if each.id in form.offered]
            return self._which(form, mine) if mine else None
        return None if form.booking else self._ask_code(form, before)

    def pressed(self, act: UnderstoodAct, context: Context, form: Form | None) -> Reply | None:
        """Carry out a button of a card or of a notice; None where it is another button."""
        if not act.pressed or act.value is None:
            return None
        sender = context.sender.conversation
        if act.slot == "notice":
            self._desk.outbox.seen(act.value, sender)
            return Reply(blocks=[TextBlock(text=say("notice_seen"))], outcome=Outcome.ANSWERED_CONVERSATION)
        if act.slot == "rating":
            return self._rated(act.value, sender)
        if act.slot not in ("booking", "offer"):
            return None
        proved = form is not None and form.proved and form.booking == act.value
        booking = held(self._desk, Form(Kind.CONSULTATION, booking=act.value, proved=proved), context)
        if booking is None:
            return self._shown(self._desk.bookings.mine(sender)) or ended("book_gone_already", with_hotline=True)
        if act.slot == "offer":
            return self._offer_answered(booking, act.intent == "affirm", sender)
        opened = Form(booking.event.kind, aim=AIMS.get(act.intent, Aim.SHOW), proved=proved)
        return self._about(opened, booking, context)

    def offered(self, context: Context) -> Reply | None:
        """Show the seat that is held for the sender, if one is."""
        mine = self._desk.bookings.mine(context.sender.conversation)
        found = next((each for each in mine if each.state is State.OFFERED), None)
        if found is None:
            return None
        return Reply(blocks=[card(found, say("book_offered"))], outcome=Outcome.ANSWERED_BOOKING)

    def _about(self, form: Form, booking: Booking, context: Context) -> Reply:
        form = replace(form, booking=booking.id, kind=booking.event.kind, for_whom=booking.for_whom, offered=())
        if form.aim is Aim.CANCEL:
            return self._ask_to_cancel(form, booking)
        if form.aim is Aim.MOVE:
            return self._making.next(replace(form, step=Step.NONE), context)
        shown = self._shown([booking])
        return shown.model_copy(update={"booking": asked(form, Step.FOUND, "", []).booking})

    def _shown(self, mine: list[Booking]) -> Reply:
        blocks: list[Block] = [card(each, say(f"book_listed_{each.state}")) for each in mine[:_SHOWN]]
        if not blocks:
            return ended("book_gone_already", with_hotline=True)
        return Reply(blocks=blocks, outcome=Outcome.ANSWERED_BOOKING, booking={})

    def _which(self, form: Form, mine: list[Booking]) -> Reply:
        intent = _INTENTS[form.aim]
        buttons = [
            Button(
                title=say("book_which_one", when=when(each.event), whom=each.for_whom),
                act=Act(intent=intent, slot="booking", value=each.id),
            )
            for each in mine[:_WHICH]
        ]
        form = replace(form, offered=tuple(each.id for each in mine))
        return asked(form, Step.WHICH, say("book_which"), [*buttons, stop("book_look_stop")])

    def _picked(self, form: Form, act: UnderstoodAct, context: Context) -> Reply | None:
        mine = [each for each in self._desk.bookings.mine(context.sender.conversation) if each.id in form.offered]
        at = ordinal(act.text)
        if at is not None and at < len(mine):
            return self._about(form, mine[at], context)
        meant = _meant(mine, act.text, self._now)
        return self._about(form, meant[0], context) if len(meant) == 1 else None

    def _ask_code(self, form: Form, before: str = "") -> Reply:
        phrase = "book_code_too" if form.phone else "book_phone_too" if form.code else "book_none_here"
        contact = [hotline()] if form.misses else []
        return asked(form, Step.CODE, before + say(phrase), [stop("book_look_stop")], contact)

    def _prove(self, form: Form, context: Context) -> Reply:
        try:
            phone = self._desk.cipher.unseal(form.phone or "", PHONE)
            booking = self._desk.bookings.by_code(context.sender.conversation, form.code or "", phone)
        except Locked:
            return ended("book_locked", with_hotline=True)
        except (NotFound, CannotDecrypt):
            again = replace(form, code=None, phone=None, misses=form.misses + 1)
            return asked(again, Step.CODE, say("book_not_found"), [stop("book_look_stop")], [hotline()])
        return self._about(replace(form, code=None, phone=None, proved=True), booking, context)

    def _ask_to_cancel(self, form: Form, booking: Booking) -> Reply:
        yes = Button(title=say("book_cancel_yes"), act=Act(intent="affirm", slot="cancel", value=f"{YES}:{booking.id}"))
        no = Button(title=say("book_cancel_no"), act=Act(intent="deny", slot="cancel", value="no"))
        text = say("book_cancel_sure", when=when(booking.event), title=booking.event.title, whom=booking.for_whom)
        return asked(replace(form, booking=booking.id), Step.CANCEL, text, [yes, no])

    def _cancelled(self, form: Form, act: UnderstoodAct, context: Context) -> Reply:
        booking = held(self._desk, form, context)
        keeps = not act.pressed and bool(_KEEPS.search(act.text))
        says_it = act.intent == "cancel_booking" or ("取消" in act.text and not is_question(act.text))
        sure = says_yes(act) or (not act.pressed and says_it)
        if booking and act.pressed and sure and act.value != f"{YES}:{booking.id}":  # asked about another one before
            return self._ask_to_cancel(form, booking)
        if booking is None or keeps or not sure:
            return ended("book_kept")
        self._desk.bookings.cancel(booking, context.sender.conversation)
        return ended("book_cancelled")

    def _offer_answered(self, booking: Booking, wanted: bool, actor: str) -> Reply:
        if booking.state is not State.OFFERED:
            return self._shown([booking])
        if not wanted:
            self._desk.bookings.cancel(booking, actor)
            return ended("book_offer_left")
        try:
            taken = self._desk.bookings.accept(booking, actor)
        except BookingError:
            return ended("book_offer_too_late", with_hotline=True)
        return Reply(blocks=[card(taken, say("book_done"))], outcome=Outcome.ANSWERED_BOOKING, booking={})

    def _rated(self, value: str, sender: str) -> Reply:
        booking_id, _, rating = value.partition(":")
        booking = self._desk.bookings.by_id(booking_id)
        if booking is None or booking.conversation != sender or rating not in _RATINGS:
            return ended("book_gone_already")
        try:
            self._desk.bookings.rate(booking, int(rating), sender)
        except BookingError:
            return ended("book_gone_already")
        return ended("rated_bad" if rating == "1" else "rated", with_hotline=rating == "1")


def rating_buttons(booking: Booking) -> list[Button]:
    """Return the three buttons that say how it was."""
    return [
        Button(title=say(title), act=Act(intent="inform", slot="rating", value=f"{booking.id}:{value}"))
        for value, title in _RATINGS.items()
    ]


def _meant(mine: list[Booking], text: str, now: datetime) -> list[Booking]:
    """Return those of one's bookings that the words fit; all where they fit none."""
    who, wish = person_of(text).who, wish_of(text, now)
    kinds = [kind for kind, words in _KINDS.items() if words.search(text)]
    fitting = [
        each
        for each in mine
        if (who in (None, "我") or each.for_whom == who)
        and (len(kinds) != 1 or each.event.kind is kinds[0])
        and (wish is None or wish.any_time or wish.fits(each.event.starts_at))
    ]
    return fitting or mine

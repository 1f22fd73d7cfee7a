"""A booking made or moved by talk: one thing asked at a time, read back, then done."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime

from actions.booking.errors import AlreadyBooked, BookingError
from actions.booking.model import SELF, Applicant, Booking, Event, Kind, State
from actions.booking.when import nearest
from actions.booking_talk.desk import Desk
from actions.booking_talk.form import ANYWHERE, PHONE, WAIT, Aim, Form, Step, told
from actions.booking_talk.words import asked, card, ended, inform, named, stop, unconfirmed, when, whom
from actions.understood import Context, UnderstoodAct
from knowledge.phrases import hotline, say
from knowledge.reply import Act, Button, Outcome, Reply
from storage.crypto import CannotDecrypt

YES = "yes"
_OFFERED = 3
_DISTRICTS = 3
_CHANGES = re.compile(r"换个?(?:时间|日子|一天)|改个?(?:时间|日子|期)|别的时间")
_WAITS = re.compile(r"排队|候补|等空位|等位|有空位(?:了)?(?:就|再)?(?:通知|告诉|叫)")
_YES = re.compile(
    r"^(?:对的?|是的?|好的?|可以|行|没错|没问题|同意|嗯+|就这样|就这么定|确认|要的|好呀|来三|灵额)"
    r"[啊呀哦吧的了，。！]*(?:就这样|没错|谢谢)?[。！]*$"
)
_NEGATES = re.compile(r"(?:不|别|没|勿|弗)(?!错|问题)")
_NAME = re.compile(r"^(?:(?:我|本人|免贵)*姓[^，。]{1,4}|我(?:名字)?叫[^，。]{2,4})$")
_NO_PHONE = re.compile(r"没有?(?:电话|手机)|不记得|记不得|忘(?:记|了)|不想说|不方便|不告诉")
_DIGITS = re.compile(r"\d{5,}")


def says_yes(act: UnderstoodAct) -> bool:
    """Return whether an act agrees."""
    if act.pressed or act.value:
        return (act.value or "").startswith(YES)
    return not _NEGATES.match(act.text) and (act.intent == "affirm" or bool(_YES.match(act.text)))


class Making:
    """Fills the form and does what it is for."""

    def __init__(self, desk: Desk, now: datetime) -> None:
        self._desk = desk
        self._now = now

    def can_book(self, kind: Kind) -> bool:
        """Return whether any time is on offer."""
        return self._desk.catalogue.has(kind)

    def begin(self, kind: Kind, act: UnderstoodAct, context: Context) -> Reply:
        """Open a form with what the first message says."""
        form = Form(kind, aim=Aim.BOOK if self.can_book(kind) else Aim.CALL)
        if context.person.who and context.person.who != "我":
            form = replace(form, for_whom=context.person.who)
        return self.next(told(form, act, context, self._desk.cipher, self._now), context)

    def goes_on(self, form: Form, act: UnderstoodAct, context: Context) -> Reply | None:
        """Take a message as part of the form; None where it says nothing for it."""
        if act.slot == "change" or (form.step is not Step.PHONE and _CHANGES.search(act.text)):
            return self.next(replace(form, event=None, wish=None, step=Step.NONE), context)
        after = told(form, act, context, self._desk.cipher, self._now)
        if after != form:
            kept = after.phone != form.phone and form.step not in (Step.PHONE, Step.CONFIRM)
            return self.next(replace(after, misses=0), context, say("book_phone_kept") if kept else "")
        if form.step is Step.CONFIRM and says_yes(act):
            if act.pressed and act.value != _stamp(form):  # a button under something read back before
                return self.next(form, context, say("book_changed"))
            return self._done(form, context)
        if form.step is Step.EVENT and (_WAITS.search(act.text) or says_yes(act)) and len(form.offered) == 1:
            only = form.offered[0]
            chosen = replace(form, event=only.removeprefix(WAIT), waits=only.startswith(WAIT))
            return self.next(chosen, context)
        if _NO_PHONE.search(act.text) and form.phone is None and form.aim is not Aim.MOVE:
            if form.step is Step.PHONE:
                return asked(form, Step.PHONE, say("book_phone_none"), [stop()], [hotline()])
            return self.next(form, context, say("book_phone_none"))
        if _NAME.search(act.text) and form.step is not Step.CONFIRM:
            return self.next(form, context, say("book_no_name"))
        if form.step is Step.PHONE and _DIGITS.search(act.text):
            return asked(form, Step.PHONE, say("book_phone_wrong"), [stop()])
        return None

    def next(self, form: Form, context: Context, before: str = "") -> Reply:
        """Return the next question, or the read-back where all is known."""
        if form.aim is Aim.CALL:
            return self._next_of_call(form, before)
        moved = None
        if form.aim is Aim.MOVE:
            moved = self._held(form, context)
            if moved is None:
                return ended("book_gone_already")
        districts = self._desk.catalogue.districts(form.kind)
        if form.district is None and len(districts) > 1 and form.event is None and form.aim is Aim.BOOK:
            buttons = [inform(name, "district", name) for name in districts[:_DISTRICTS]]
            text = say("book_district") if len(districts) <= _DISTRICTS else say("book_district_any")
            return asked(
                form, Step.DISTRICT, before + text, [*buttons, inform(say("book_anywhere"), "district", ANYWHERE)]
            )
        if form.district not in (None, ANYWHERE, *districts) and districts:
            before += say("book_none_there", district=form.district or "")
            form = replace(form, district=ANYWHERE)  # said once
        near = self._near(form, moved.event if moved else None)
        form = _exact(form, near)
        event = next((each for each in near if each.id == form.event and (each.free > 0 or form.waits)), None)
        if event is None:
            return self._offer(form, near, before)
        if form.phone is None and form.aim is Aim.BOOK:
            return asked(form, Step.PHONE, before + say("book_phone"), [stop()])
        return self._read_back(form, event, before)

    def _read_back(self, form: Form, event: Event, before: str) -> Reply:
        phrase = "book_confirm_move" if form.aim is Aim.MOVE else "book_confirm_wait" if form.waits else "book_confirm"
        text = say(phrase, whom=whom(form), when=when(event), title=event.title, place=event.place)
        if form.phone and form.aim is Aim.BOOK:
            text += say("book_confirm_phone", tail=self._desk.cipher.unseal(form.phone, PHONE)[-4:])
        if form.for_whom != SELF and form.aim is Aim.BOOK:
            text += say("book_agrees", whom=form.for_whom)
        text = f"{before}{text}{unconfirmed(event)}{say('book_right')}"
        change = Button(title=say("book_change"), act=Act(intent="inform", slot="change", value="event"))
        return asked(form, Step.CONFIRM, text, [_yes(form), change, stop()])

    def _offer(self, form: Form, events: list[Event], before: str) -> Reply:
        """Offer the nearest free times; a place on the waiting list where what is wished is full."""
        wish = form.wish
        free = nearest(events, wish, self._now, _OFFERED)
        full = [event for event in events if event.free <= 0]
        wished = [event for event in full if wish and not wish.any_time and wish.fits(event.starts_at)]
        lines = (wished[:1] if form.kind is Kind.TRAINING else []) if free else full[:_OFFERED]
        if not free and not full:
            return ended("book_all_full", Outcome.UNANSWERED_FIELD, with_hotline=True)
        if not free:
            text = say("book_full_wait")
        elif wish and wish.is_past(self._now):
            text = say("book_past")
        elif wished:
            text = say("book_full_then")
        elif wish and not wish.any_time and not any(wish.fits(event.starts_at) for event in free):
            text = say("book_not_then")
        else:
            text = say("book_which_time")
        free = free[: _OFFERED - len(lines)]
        offered = [*(event.id for event in free), *(f"{WAIT}{event.id}" for event in lines)]
        alike = Counter((event.starts_at, event.district) for event in free)
        buttons = [
            inform(named(event, alike[event.starts_at, event.district] > 1), "event", event.id) for event in free
        ]
        buttons += [inform(say("book_wait", when=when(event)), "event", f"{WAIT}{event.id}") for event in lines]
        form = replace(form, event=None, waits=False, offered=tuple(offered))
        return asked(form, Step.EVENT, before + text, [*buttons, stop()])

    def _done(self, form: Form, context: Context) -> Reply:
        """Do it. The request's id is the key: the same message again books once."""
        bookings, sender = self._desk.bookings, context.sender
        if form.aim is Aim.CALL:
            return self._called(form, context)
        try:
            event = self._desk.catalogue.event_id(form.event or "")
            if form.aim is Aim.MOVE:
                held = self._held(form, context)
                if held is None:
                    return ended("book_gone_already")
                done = bookings.move(held, event, sender.conversation)
                text = say("book_moved")
            else:
                phone = self._desk.cipher.unseal(form.phone or "", PHONE)
                # For somebody else the read-back said that he or she agrees.
                applicant = Applicant(sender.conversation, phone, form.for_whom, agreed=True)
                done = bookings.book(event, applicant, sender.request, form.waits)
                text = say("book_done" if done.state is State.BOOKED else "book_waits")
        except AlreadyBooked:
            had = self._had(form, event, sender.conversation)
            if had:  # said twice, or after an answer that was lost
                return Reply(blocks=[card(had, say("book_had"))], outcome=Outcome.ANSWERED_BOOKING, booking={})
            return self._gone(form, context)
        except BookingError:
            return self._gone(form, context)
        except CannotDecrypt:  # the key was changed meanwhile
            return self.next(replace(form, phone=None), context)
        return Reply(blocks=[card(done, text)], outcome=Outcome.ANSWERED_BOOKING, booking={})

    def _gone(self, form: Form, context: Context) -> Reply:
        """Say that it cannot be had, in the same words whether it is full or this person is booked elsewhere.

        Otherwise anybody could try a telephone number and learn who has booked what.
        """
        refused = (*form.refused, form.event or "")
        return self.next(replace(form, event=None, waits=False, refused=refused), context, say("book_gone"))

    def _had(self, form: Form, event_id: str, conversation: str) -> Booking | None:
        mine = self._desk.bookings.mine(conversation)
        had = (each for each in mine if each.event.id == event_id and each.id != form.booking)
        return next((each for each in had if each.for_whom == form.for_whom), None)

    def _next_of_call(self, form: Form, before: str) -> Reply:
        if form.phone is None:
            return asked(form, Step.PHONE, before + say("book_call_phone"), [stop()])
        tail = self._desk.cipher.unseal(form.phone, PHONE)[-4:]
        text = say("book_call_confirm", tail=tail, about=say(f"book_call_{form.kind}"))
        return asked(form, Step.CONFIRM, before + text, [_yes(form), stop()])

    def _called(self, form: Form, context: Context) -> Reply:
        sender, about = context.sender, say(f"book_call_{form.kind}")
        if form.for_whom != SELF:
            about = say("book_call_for", about=about, whom=form.for_whom)
        try:
            phone = self._desk.cipher.unseal(form.phone or "", PHONE)
        except CannotDecrypt:
            return self.next(replace(form, phone=None), context)
        self._desk.calls.ask(sender.conversation, phone, form.kind, about, sender.request)
        return ended("book_call_done", with_hotline=True)

    def _held(self, form: Form, context: Context) -> Booking | None:
        return held(self._desk, form, context)

    def _near(self, form: Form, moved: Event | None) -> list[Event]:
        """Return the coming times where somebody wishes, or where the booking is that they move."""
        catalogue = self._desk.catalogue
        where = moved.district if moved and form.district is None else form.district
        district = None if where == ANYWHERE else where
        found = catalogue.trainings(district) if form.kind is Kind.TRAINING else catalogue.consultations(district)
        found = [event for event in found if event.starts_at > self._now and event.id not in form.refused]
        if moved:
            found = [event for event in found if (event.starts_at, event.place) != (moved.starts_at, moved.place)]
            if form.district is None:  # to another time, not to another place
                found = [event for event in found if event.place == moved.place] or found
        return [event for event in found if form.street and form.street in event.place] or found


def held(desk: Desk, form: Form, context: Context) -> Booking | None:
    """Return the active booking the form is about, if it is the sender's or was proved by code and phone."""
    booking = desk.bookings.by_id(form.booking) if form.booking else None
    if booking is None or not booking.is_active:
        return None
    return booking if form.proved or booking.conversation == context.sender.conversation else None


def _exact(form: Form, near: list[Event]) -> Form:
    """Take the event where the words leave one: 下周三上午九点, or 下午那个 of those offered."""
    if form.event is not None or form.wish is None or form.wish.any_time:
        return form
    wish = form.wish
    offered = [each for each in near if each.id in form.offered and each.free > 0 and wish.fits(each.starts_at)]
    if len(offered) == 1 and form.step is Step.EVENT:
        return replace(form, event=offered[0].id)
    fitting = [each for each in near if each.free > 0 and wish.fits(each.starts_at)]
    if wish.is_one_day and (len(fitting) == 1 or (fitting and wish.weekly and _alone(fitting))):
        return replace(form, event=fitting[0].id)
    return form


def _alone(fitting: list[Event]) -> bool:
    """Return whether the first event of all is the only one on its day: 周五下午, with one course a week."""
    return all(each.starts_at.date() != fitting[0].starts_at.date() for each in fitting[1:])


def _yes(form: Form) -> Button:
    return Button(title=say("book_yes"), act=Act(intent="affirm", slot="confirm", value=_stamp(form)))


def _stamp(form: Form) -> str:
    """Return what a press on 对 agrees to: a button under another read-back agrees to nothing else."""
    what = "|".join((form.aim, form.event or "", str(form.waits), form.for_whom, form.phone or "", form.booking or ""))
    return f"{YES}:{hashlib.sha256(what.encode()).hexdigest()[:16]}"

"""The booking dialogue: takes things in any order, asks one at a time, reads back, then books."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from actions.asking import is_question
from actions.booking.bookings import Bookings
from actions.booking.catalogue import Catalogue
from actions.booking.errors import AlreadyBooked, BookingError
from actions.booking.model import SELF, Applicant, Booking, Event, Kind
from actions.booking.when import Wish, nearest, wish_of
from actions.understood import Context, UnderstoodAct
from knowledge.answer import ASPECTS
from knowledge.phrases import hotline, say
from knowledge.reply import Act, Block, BookingBlock, Button, FormBlock, Outcome, Reply, TextBlock
from knowledge.where import whereabouts
from storage.crypto import CannotDecrypt, Cipher

FORMS = {"book_training": Kind.TRAINING, "book_consultation": Kind.CONSULTATION}
LISTS = ("list_bookings", "cancel_booking", "reschedule_booking")
_ANYWHERE = "any"
_WEEKDAYS = "一二三四五六日"
_STOPS = ("stop", "cancel_booking", "restart")
_ORDINAL = re.compile(r"^第?([一二三123])个?[。！]?$")
_NUMBERS = {"一": 0, "1": 0, "二": 1, "2": 1, "三": 2, "3": 2}
_YES = re.compile(r"^(?:对的?|是的?|好的?|可以|行|没错|嗯+|就这样|对，就这样|确认|要的)[啊呀哦吧，。！]*$")
_NO_MORE = re.compile(r"不约了|不报了|不订了|不想约|不去了|算了")
_CHANGES = re.compile(r"换个?(?:时间|日子|一天)|改个?(?:时间|日子|期)|别的时间")
_YES_AT, _CHANGE_AT, _STOP_AT = range(3)  # the order of the buttons under the read-back
_PARTS = ((12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
_PHONE = "booking.phone"


@dataclass(frozen=True)
class Desk:
    """What the dialogue books with."""

    catalogue: Catalogue
    bookings: Bookings
    cipher: Cipher


@dataclass(frozen=True)
class _Form:
    """What is known so far; kept between messages as JSON."""

    kind: Kind
    asked: str = ""
    district: str | None = None
    wish: Wish | None = None
    event: str | None = None
    offered: tuple[str, ...] = ()
    phone: str | None = None  # sealed
    for_whom: str = SELF
    moves: str | None = None  # the booking that is moved to the new time
    cancels: str | None = None  # the booking that is to be cancelled


class BookingTalk:
    """One message's part in the dialogue."""

    def __init__(self, desk: Desk, now: datetime) -> None:
        self._desk = desk
        self._now = now

    def begin(self, act: UnderstoodAct, context: Context) -> Reply | None:
        """Start a form or show bookings; None where nothing can be booked at all."""
        if act.intent in LISTS:
            return self._mine(act.intent, context)
        form = self._told(_Form(FORMS[act.intent]), act, context)
        return self._next(form, context) if self._events(form.kind) else None

    def goes_on(self, act: UnderstoodAct, context: Context) -> Reply | None:
        """Take the message as part of the open form; None where it is about something else."""
        form = _read(context.booking)
        if form.cancels:
            return self._cancelled(form, act, context)
        chosen = _chosen(act.text) if form.asked == "confirm" and not act.pressed else None
        if act.intent in _STOPS or act.value == "stop" or _NO_MORE.search(act.text) or chosen == _STOP_AT:
            return Reply(
                blocks=[TextBlock(text=say("book_stopped"))], outcome=Outcome.ANSWERED_CONVERSATION, booking={}
            )
        if act.slot == "change" or chosen == _CHANGE_AT or _CHANGES.search(act.text):
            return self._next(replace(form, event=None, wish=None, asked=""), context)
        agrees = act.value == "yes" or act.intent == "affirm" or _YES.match(act.text) or chosen == _YES_AT
        if form.asked == "confirm" and agrees:
            return self._booked(form, context)
        after = self._told(form, act, context)
        if after != form:
            return self._next(after, context)
        if act.intent in ASPECTS and is_question(act.text) and not act.pressed:
            return None
        return self._next(form, context, say("book_not_understood"))

    def ask_again(self, context: Context) -> Reply:
        """Return the open question once more."""
        return self._next(_read(context.booking), context)

    def _told(self, form: _Form, act: UnderstoodAct, context: Context) -> _Form:
        """Return the form with what the message says."""
        if act.pressed and act.slot:
            if act.slot == "district":
                return replace(form, district=act.value)
            return replace(form, event=act.value) if act.slot == "event" else form
        wish = wish_of(context.said or act.text, self._now)
        if wish is not None:
            form = replace(form, wish=form.wish.with_more(wish) if form.wish else wish, event=None)
        where = whereabouts(act.text).district
        if where or (form.asked == "district" and ("都" in act.text or "随便" in act.text)):
            form = replace(form, district=where or _ANYWHERE, event=None)
        if context.sender.phone:
            form = replace(form, phone=self._desk.cipher.seal(context.sender.phone, _PHONE))
        who = context.person.who
        if who and who != "我":
            form = replace(form, for_whom=who)
        chosen = _chosen(act.text)
        if form.asked == "event" and chosen is not None and chosen < len(form.offered):
            form = replace(form, event=form.offered[chosen])
        return form

    def _next(self, form: _Form, context: Context, before: str = "") -> Reply:
        """Return the next question, or the read-back where all is known."""
        events = self._events(form.kind)
        districts = sorted({event.district for event in events})
        if form.district is None and len(districts) > 1 and form.event is None and form.moves is None:
            buttons = [_button(name, "district", name) for name in districts[:3]]
            return _asked(
                form,
                "district",
                before + say("book_district"),
                [*buttons, _button(say("book_anywhere"), "district", _ANYWHERE)],
            )
        near = [event for event in events if form.district in (None, _ANYWHERE, event.district)] or events
        event = next((each for each in near if each.id == form.event and each.free > 0), None)
        if event is None:
            return self._offer(form, near, before, context)
        if form.phone is None and form.moves is None:
            return _asked(form, "phone", before + say("book_phone"), [_stop()])
        text = say("book_confirm", whom=_whom(form), when=when(event), title=event.title, place=event.place)
        if form.phone:
            text = say("book_confirm_phone", text=text, tail=self._desk.cipher.unseal(form.phone, _PHONE)[-4:])
        text = f"{before}{text}{say('book_right')}"
        change = Button(title=say("book_change"), act=Act(intent="inform", slot="change", value="event"))
        yes = Button(title=say("book_yes"), act=Act(intent="affirm", slot="confirm", value="yes"))
        return _asked(form, "confirm", text, [yes, change, _stop()])

    def _offer(self, form: _Form, events: list[Event], before: str, context: Context) -> Reply:
        mine = (
            {each.event.id for each in self._desk.bookings.mine(context.sender.conversation)} if form.moves else set()
        )
        offered = nearest((event for event in events if event.id not in mine), form.wish, self._now)
        if not offered:
            return Reply(
                blocks=[TextBlock(text=say("book_all_full"), contact=[hotline()])],
                outcome=Outcome.UNANSWERED_FIELD,
                booking={},
            )
        wish = form.wish
        if wish and wish.is_past(self._now):
            text = say("book_past")
        elif wish and not wish.any_time and not any(wish.fits(event.starts_at) for event in offered):
            text = say("book_not_then")
        else:
            text = say("book_which_time")
        form = replace(form, event=None, offered=tuple(event.id for event in offered))
        buttons = [_button(f"{when(event)}（{event.district}）", "event", event.id) for event in offered]
        return _asked(form, "event", before + text, [*buttons, _stop()])

    def _booked(self, form: _Form, context: Context) -> Reply:
        """Do it. The request's id is the key: the same message again books once."""
        bookings, sender = self._desk.bookings, context.sender
        try:
            event = self._desk.catalogue.event_id(form.event or "")
            if form.moves:
                mine = next(each for each in bookings.mine(sender.conversation) if each.id == form.moves)
                done, text = bookings.move(mine, event, sender.conversation), say("book_moved")
            else:
                phone = self._desk.cipher.unseal(form.phone or "", _PHONE)
                applicant = Applicant(sender.conversation, phone, form.for_whom)
                done, text = bookings.book(event, applicant, sender.request), say("book_done")
        except AlreadyBooked:
            return self._next(replace(form, event=None), context, say("book_twice"))
        except (BookingError, StopIteration):
            return self._next(replace(form, event=None), context, say("book_gone"))
        except CannotDecrypt:
            return self._next(replace(form, phone=None), context)
        return Reply(blocks=[card(done, text)], outcome=Outcome.ANSWERED_BOOKING, booking={})

    def _mine(self, intent: str, context: Context) -> Reply:
        """Show the bookings of this conversation, with what can be done with each."""
        mine = self._desk.bookings.mine(context.sender.conversation)
        if not mine:
            return Reply(
                blocks=[TextBlock(text=say("book_none_here"), contact=[hotline()])],
                outcome=Outcome.ANSWERED_CONVERSATION,
            )
        if intent == "cancel_booking" and len(mine) == 1:
            return self._ask_to_cancel(mine[0])
        if intent == "reschedule_booking" and len(mine) == 1:
            return self._next(_moving(mine[0]), context)
        blocks: list[Block] = [card(each, say("book_listed")) for each in mine]
        return Reply(blocks=blocks, outcome=Outcome.ANSWERED_BOOKING)

    def acts_on(self, act: UnderstoodAct, context: Context) -> Reply | None:
        """Carry out a button of a card: cancel or move this booking."""
        mine = next((b for b in self._desk.bookings.mine(context.sender.conversation) if b.id == act.value), None)
        if mine is None:
            return self._mine("list_bookings", context)
        return self._ask_to_cancel(mine) if act.intent == "cancel_booking" else self._next(_moving(mine), context)

    def _ask_to_cancel(self, booking: Booking) -> Reply:
        form = _Form(booking.event.kind, cancels=booking.id)
        yes = Button(title=say("book_cancel_yes"), act=Act(intent="affirm", slot="cancel", value="yes"))
        no = Button(title=say("book_cancel_no"), act=Act(intent="deny", slot="cancel", value="no"))
        text = say("book_cancel_sure", when=when(booking.event), title=booking.event.title)
        return _asked(form, "cancel", text, [yes, no])

    def _cancelled(self, form: _Form, act: UnderstoodAct, context: Context) -> Reply:
        mine = next((b for b in self._desk.bookings.mine(context.sender.conversation) if b.id == form.cancels), None)
        sure = act.value == "yes" or act.intent in ("affirm", "cancel_booking") or bool(_YES.match(act.text))
        if mine is None or not sure:
            return Reply(blocks=[TextBlock(text=say("book_kept"))], outcome=Outcome.ANSWERED_CONVERSATION, booking={})
        self._desk.bookings.cancel(mine, context.sender.conversation)
        return Reply(blocks=[TextBlock(text=say("book_cancelled"))], outcome=Outcome.ANSWERED_CONVERSATION, booking={})

    def _events(self, kind: Kind) -> list[Event]:
        catalogue = self._desk.catalogue
        return catalogue.trainings() if kind is Kind.TRAINING else catalogue.consultations()


def card(booking: Booking, text: str) -> BookingBlock:
    """Return the booking as a card."""
    event = booking.event
    notes = [say("book_bring", bring=event.bring)] if event.bring else []
    notes.append(say("book_how_to_cancel"))
    if event.sample:
        notes.append(say("book_sample"))
    buttons = [
        Button(title=say("book_button_move"), act=Act(intent="reschedule_booking", slot="booking", value=booking.id)),
        Button(title=say("book_button_cancel"), act=Act(intent="cancel_booking", slot="booking", value=booking.id)),
    ]
    return BookingBlock(
        text=text,
        code=booking.code,
        title=event.title,
        when=when(event),
        place=event.place,
        for_whom=booking.for_whom,
        notes=notes,
        contact=[hotline()],
        buttons=buttons,
    )


def when(event: Event) -> str:
    """Return 12月2日（周三）上午9点半."""
    at = event.starts_at
    minute = "" if at.minute == 0 else "半" if at.minute == 30 else f"{at.minute}分"
    part = next(word for until, word in _PARTS if at.hour < until)
    hour = at.hour if at.hour <= 12 else at.hour - 12
    return f"{at.month}月{at.day}日（周{_WEEKDAYS[at.weekday()]}）{part}{hour}点{minute}"


def _chosen(text: str) -> int | None:
    """Return which of what was offered 第二个 or 2 means, from 0; None where it names none."""
    found = _ORDINAL.match(text)
    return _NUMBERS[found[1]] if found else None


def _moving(booking: Booking) -> _Form:
    return _Form(booking.event.kind, moves=booking.id, for_whom=booking.for_whom)


def _whom(form: _Form) -> str:
    return say("book_for_you") if form.for_whom == SELF else say("book_for", whom=form.for_whom)


def _button(title: str, slot: str, value: str) -> Button:
    return Button(title=title, act=Act(intent="inform", slot=slot, value=value))


def _stop() -> Button:
    return Button(title=say("book_stop"), act=Act(intent="stop", slot="stop", value="stop"))


def _asked(form: _Form, slot: str, text: str, buttons: list[Button]) -> Reply:
    form = replace(form, asked=slot)
    block = FormBlock(form=form.kind, slot=slot, text=text, buttons=buttons)
    return Reply(blocks=[block], outcome=Outcome.ASKED_SLOT, booking=_written(form))


def _written(form: _Form) -> dict[str, Any]:
    data = {name: getattr(form, name) for name in form.__dataclass_fields__ if getattr(form, name)}
    if form.wish:
        days, hours = form.wish.days, form.wish.hours
        data["wish"] = {
            "days": [day.isoformat() for day in days] if days else None,
            "hours": [hour.isoformat() for hour in hours] if hours else None,
            "any_time": form.wish.any_time,
        }
    return {**data, "kind": form.kind.value, "offered": list(form.offered)}


def _read(data: dict[str, Any]) -> _Form:
    wish = data.get("wish")
    if wish:
        days = tuple(date.fromisoformat(day) for day in wish["days"]) if wish["days"] else None
        hours = tuple(time.fromisoformat(hour) for hour in wish["hours"]) if wish["hours"] else None
        wish = Wish(days, hours, wish["any_time"])  # type: ignore[arg-type]
    known = {name: value for name, value in data.items() if name in _Form.__dataclass_fields__}
    return _Form(**{**known, "kind": Kind(data["kind"]), "wish": wish, "offered": tuple(data.get("offered", ()))})

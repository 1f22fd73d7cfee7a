"""How times and bookings are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from actions.booking.model import SELF, Booking, Event, Kind, State
from actions.booking_talk.form import Form, Step, as_json
from knowledge.hours import is_public_holiday
from knowledge.phrases import hotline, say
from knowledge.places import map_link
from knowledge.reply import Act, BookingBlock, Button, ContactLine, FormBlock, Outcome, Reply, TextBlock

_LOST = 2
_PLACE = 30  # characters on a button
_WEEKDAYS = "一二三四五六日"
_PARTS = ((12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))


def when(event: Event) -> str:
    """Return 12月2日（周三）上午9点半."""
    return clock_time(event.starts_at)


def clock_time(at: datetime) -> str:
    """Return 12月2日（周三）上午9点半."""
    minute = "" if at.minute == 0 else "半" if at.minute == 30 else f"{at.minute}分"
    part = next(word for until, word in _PARTS if at.hour < until)
    hour = at.hour if at.hour <= 12 else at.hour - 12
    return f"{at.month}月{at.day}日（周{_WEEKDAYS[at.weekday()]}）{part}{hour}点{minute}"


def named(event: Event, with_place: bool = False) -> str:
    """Return 12月2日（周三）上午9点（徐汇区）, with the place's name where the district leaves two alike."""
    where = event.place.split("，")[0][:_PLACE] if with_place else event.district
    return f"{when(event)}（{where}）"


def unconfirmed(event: Event) -> str:
    """Return the warning where the holidays of that year are not known yet, else nothing."""
    of_a_point = event.kind is Kind.CONSULTATION  # a course's date was set by staff
    return say("book_unconfirmed") if of_a_point and is_public_holiday(event.starts_at.date()) is None else ""


def card(booking: Booking, text: str) -> BookingBlock:
    """Return the booking as a card."""
    event, state = booking.event, booking.state
    notes = [say("book_bring", bring=event.bring)] if event.bring else []
    if state is State.WAITING:
        notes = [say("book_ahead", count=str(booking.ahead)) if booking.ahead else say("book_next_in_line")]
    if state is State.OFFERED and booking.offered_until:
        notes = [say("book_offer_until", until=clock_time(booking.offered_until))]
    notes += filter(None, [unconfirmed(event)])
    notes.append(say("book_how_to_cancel"))
    if event.sample:
        notes.append(say("book_sample"))
    return BookingBlock(
        text=text,
        code=booking.code,
        title=event.title,
        when=when(event),
        place=event.place,
        for_whom=booking.for_whom,
        notes=notes,
        contact=[hotline()],
        buttons=_buttons(booking),
        map_url=map_link(event.latitude, event.longitude, event.place) if event.latitude and event.longitude else None,
        calendar=booking.id if state is State.BOOKED else None,
    )


def of_booking(intent: str, title: str, booking: Booking, slot: str = "booking") -> Button:
    """Return a button that acts on one booking."""
    return Button(title=say(title), act=Act(intent=intent, slot=slot, value=booking.id))


def _buttons(booking: Booking) -> list[Button]:
    if booking.state is State.WAITING:
        return [of_booking("cancel_booking", "book_button_leave_line", booking)]
    if booking.state is State.OFFERED:
        return [
            of_booking("affirm", "book_button_take", booking, "offer"),
            of_booking("deny", "book_button_leave", booking, "offer"),
        ]
    return [
        of_booking("reschedule_booking", "book_button_move", booking),
        of_booking("cancel_booking", "book_button_cancel", booking),
    ]


def inform(title: str, slot: str, value: str) -> Button:
    """Return a button that gives a slot its value."""
    return Button(title=title, act=Act(intent="inform", slot=slot, value=value))


def stop(phrase: str = "book_stop") -> Button:
    """Return the button that leaves the form."""
    return Button(title=say(phrase), act=Act(intent="stop", slot="stop", value="stop"))


def asked(form: Form, step: Step, text: str, buttons: Sequence[Button], contact: Sequence[ContactLine] = ()) -> Reply:
    """Return a question for one slot; after the second miss, the number of somebody who helps instead."""
    if form.misses >= _LOST:
        text, contact = say("book_lost"), [hotline()]
    block = FormBlock(form=form.kind, slot=step, text=text, buttons=list(buttons), contact=list(contact))
    return Reply(blocks=[block], outcome=Outcome.ASKED_SLOT, booking=as_json(replace(form, step=step)))


def ended(phrase: str, outcome: Outcome = Outcome.ANSWERED_CONVERSATION, with_hotline: bool = False) -> Reply:
    """Return a sentence that ends the form."""
    contact = [hotline()] if with_hotline else []
    return Reply(blocks=[TextBlock(text=say(phrase), contact=contact)], outcome=outcome, booking={})


def whom(form: Form) -> str:
    """Return who books for whom, to begin the read-back."""
    return say("book_for_you") if form.for_whom == SELF else say("book_for", whom=form.for_whom)

"""The open form: what is known so far, kept between messages as JSON, and how a message fills it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from actions.booking.model import SELF, Kind
from actions.booking.when import Wish, wish_of
from actions.understood import Context, UnderstoodAct
from knowledge.person import person_of
from knowledge.where import whereabouts
from storage.crypto import Cipher

ANYWHERE = "any"
PHONE = "booking.phone"  # what a sealed phone is bound to
_ORDINAL = re.compile(r"^(?:要|选|约|就)?(?:第([一二三123])个?|([一二三123])个?|([一二三123])号)(?:吧|好了|。|！)*$")
_NUMBERS = {"一": 0, "1": 0, "二": 1, "2": 1, "三": 2, "3": 2}
_MYSELF = re.compile(
    r"(?:是|给|帮|替|就)我(?:自己|本人)|(?:^|[，。 ])我(?:自己|本人)(?:去|约|来|听|学|$|[，。 吧的])|给我约|不是(?:我)?(?:妈|爸|老伴|爷|奶|外公|外婆|他|她).{0,6}是我"
)
_CODE = re.compile(r"(?<!\d)(\d{3})[ -]?(\d{3})(?!\d)")
_ANY_OF_THEM = re.compile(r"随便|都行|都可以|都好|无所谓|你定|您定|哪个都")
_ANY_PLACE = re.compile(r"都可以|都行|都好|随便|哪里都|哪儿都|无所谓")


class Aim(StrEnum):
    """What the form is for."""

    BOOK = "book"
    MOVE = "move"
    CANCEL = "cancel"
    SHOW = "show"
    CALL = "call"  # nothing can be booked: staff are to ring


class Step(StrEnum):
    """What was asked last; NONE where something else came between."""

    NONE = ""
    DISTRICT = "district"
    EVENT = "event"
    PHONE = "phone"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    WHICH = "which"  # of several bookings
    CODE = "code"
    FOUND = "found"  # shown by code and phone


@dataclass(frozen=True)
class Form:
    """What is known so far."""

    kind: Kind
    aim: Aim = Aim.BOOK
    step: Step = Step.NONE
    district: str | None = None
    street: str | None = None
    wish: Wish | None = None
    event: str | None = None
    waits: bool = False  # for a seat in a full event
    offered: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()  # could not be had
    phone: str | None = None  # sealed
    for_whom: str = SELF
    booking: str | None = None  # the one that is moved, cancelled or shown
    proved: bool = False  # found by code and phone
    code: str | None = None
    misses: int = 0  # what was asked last and not understood


def told(form: Form, act: UnderstoodAct, context: Context, cipher: Cipher, now: datetime) -> Form:
    """Return the form with what the message says, in any order and all at once."""
    if act.pressed:
        return _pressed(form, act, context, cipher)
    # What was said, not what was cut out of it: the acts of a message are parts.
    text = context.said or act.text
    if context.sender.phone:
        form = replace(form, phone=cipher.seal(context.sender.phone, PHONE))
    code = _CODE.search(text)
    if code and form.aim is not Aim.BOOK:
        form = replace(form, code=code[1] + code[2])
    if form.aim is Aim.CALL:
        return form
    wish = None if form.aim in (Aim.CANCEL, Aim.SHOW) else wish_of(text, now)
    if wish is not None:
        form = replace(form, wish=form.wish.with_more(wish) if form.wish else wish, event=None, waits=False)
    where = whereabouts(act.text)
    if where.district or (form.step is Step.DISTRICT and _ANY_PLACE.search(act.text)):
        form = replace(form, district=where.district or ANYWHERE, street=where.street, event=None, waits=False)
    who = person_of(text).who  # in this message: what was said before is in the form already
    if _MYSELF.search(text):
        form = replace(form, for_whom=SELF)
    elif who and who != "我":
        form = replace(form, for_whom=who)
    at = 0 if _ANY_OF_THEM.search(act.text) else ordinal(act.text)
    if form.step is Step.EVENT and at is not None and at < len(form.offered):
        form = _chosen(form, form.offered[at])
    return form


def ordinal(text: str) -> int | None:
    """Return which of what was offered 第二个 or 2 means, from 0; None where it names none."""
    found = _ORDINAL.match(text)
    return _NUMBERS[next(filter(None, found.groups()))] if found else None


def as_json(form: Form) -> dict[str, Any]:
    """Return the form as a slot's value."""
    data = {name: getattr(form, name) for name in form.__dataclass_fields__ if getattr(form, name)}
    if form.wish:
        days, hours = form.wish.days, form.wish.hours
        data["wish"] = {
            "days": [day.isoformat() for day in days] if days else None,
            "hours": [hour.isoformat() for hour in hours] if hours else None,
            "any_time": form.wish.any_time,
            "weekly": form.wish.weekly,
        }
    return {**data, "kind": form.kind.value, "offered": list(form.offered), "refused": list(form.refused)}


def from_json(data: dict[str, Any]) -> Form:
    """Return the form that ``as_json`` wrote."""
    wish = data.get("wish")
    if wish:
        days = tuple(date.fromisoformat(day) for day in wish["days"]) if wish["days"] else None
        hours = tuple(time.fromisoformat(hour) for hour in wish["hours"]) if wish["hours"] else None
        wish = Wish(days, hours, wish["any_time"], wish["weekly"])  # type: ignore[arg-type]
    known = {name: value for name, value in data.items() if name in Form.__dataclass_fields__}
    parsed = {
        "kind": Kind(data["kind"]),
        "aim": Aim(data.get("aim", Aim.BOOK)),
        "step": Step(data.get("step", "")),
        "wish": wish,
        "offered": tuple(data.get("offered", ())),
        "refused": tuple(data.get("refused", ())),
    }
    return Form(**{**known, **parsed})


def _pressed(form: Form, act: UnderstoodAct, context: Context, cipher: Cipher) -> Form:
    if act.slot == "code" and act.value:  # of the page's own form
        code, phone = _CODE.search(act.value), context.sender.phone
        return replace(
            form, code=code[1] + code[2] if code else None, phone=cipher.seal(phone, PHONE) if phone else None
        )
    if act.slot == "district":
        return replace(form, district=act.value)
    if act.slot == "event" and act.value:
        return _chosen(form, act.value)
    return form


def _chosen(form: Form, offered: str) -> Form:
    """Take an event; ``wait:`` before its id means a place on its waiting list."""
    return replace(form, event=offered.removeprefix(WAIT), waits=offered.startswith(WAIT))


WAIT = "wait:"

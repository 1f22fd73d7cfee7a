"""What is written to somebody unasked: reminders, a seat that came free, a time that was cancelled."""

from __future__ import annotations

from datetime import datetime

from actions.booking.model import SELF, Booking, NoticeKind
from actions.booking.outbox import Notice
from actions.booking_talk.mine import rating_buttons
from actions.booking_talk.talk import FORMS
from actions.booking_talk.words import clock_time, of_booking, unconfirmed, when
from knowledge.phrases import hotline, say
from knowledge.reply import Act, Button, Outcome, Reply, TextBlock

_BEGINS = {kind: intent for intent, kind in FORMS.items()}


def notice_reply(notice: Notice, now: datetime) -> Reply:
    """Return the message of a notice as it reads now. Its words make a second copy harmless."""
    booking, event = notice.booking, notice.booking.event
    days = (event.starts_at.date() - now.date()).days
    text = say(
        f"notice_{notice.kind}",
        day={0: say("notice_today"), 1: say("notice_tomorrow")}.get(days, ""),
        when=when(event),
        title=event.title + ("" if booking.for_whom == SELF else say("notice_for", whom=booking.for_whom)),
        place=event.place,
        until=clock_time(booking.offered_until) if booking.offered_until else "",
    )
    lines = []
    if notice.kind in (NoticeKind.DAY_BEFORE, NoticeKind.SOON):
        lines = [say("book_bring", bring=event.bring)] if event.bring else []
        lines += filter(None, [unconfirmed(event)])
    if event.sample:
        lines.append(say("book_sample"))
    block = TextBlock(text=text, points=lines, contact=[hotline()], buttons=_buttons(notice, booking))
    return Reply(blocks=[block], outcome=Outcome.NOTICE, speak=text)


def _buttons(notice: Notice, booking: Booking) -> list[Button]:
    if notice.kind is NoticeKind.RATING:
        return rating_buttons(booking)
    if notice.kind is NoticeKind.OFFER:
        return [
            of_booking("affirm", "book_button_take", booking, "offer"),
            of_booking("deny", "book_button_leave", booking, "offer"),
        ]
    seen = Button(title=say("notice_button_seen"), act=Act(intent="affirm", slot="notice", value=notice.id))
    if notice.kind in (NoticeKind.OFFER_LAPSED, NoticeKind.EVENT_CANCELLED):
        other = Button(title=say("notice_button_other"), act=Act(intent=_BEGINS[booking.event.kind]))
        return [other, seen]
    return [
        seen,
        of_booking("reschedule_booking", "book_button_move", booking),
        of_booking("cancel_booking", "book_button_cancel", booking),
    ]

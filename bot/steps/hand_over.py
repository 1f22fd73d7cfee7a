"""Hand over: who asks for a person is put into the queue, and told what happens now; who is held is not answered."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from actions.handoff import Standing, handed_over, silent, will_ring
from bot.messages import Incoming
from knowledge.hours import Hours, is_open, opens_next
from knowledge.reply import EmergencyBlock, Outcome, Reply
from storage.staff import StaffBook
from storage.tickets import NewTicket, Ticket, Tickets
from storage.turns import Turns

_HANDED = {Outcome.HANDED_OFF_REQUESTED, Outcome.HANDED_OFF_MISSES}
_TOLD_TOO = {*_HANDED, Outcome.GUARDED_ABUSE}
_URGENCY = {Outcome.GUARDED_ABUSE: 2}
_DANGER = 3
_WAIT = {_DANGER: timedelta(minutes=1), 2: timedelta(minutes=3)}
_SEEN = timedelta(minutes=10)


@dataclass(frozen=True)
class HandOver:
    """The desk as the path of a message knows it."""

    tickets: Tickets
    staff: StaffBook
    turns: Turns
    hours: Hours
    holidays: bool  # somebody is there on public holidays too
    wait: timedelta  # in which who asks for a person should be answered
    clock: Callable[[], datetime]
    writable: Collection[str] = ("web", "telegram")

    def before(self, message: Incoming) -> tuple[Ticket | None, Reply | None]:
        """Return the conversation's ticket, and the reply where the bot has nothing to say itself."""
        ticket = self.tickets.active(message.conversation)
        if ticket is None:
            return None, None
        if message.phone:  # whenever it comes: the text is kept without it
            self.tickets.set_phone(ticket.id, message.phone)
        if self._is_held(ticket):
            return ticket, silent()
        if message.phone and self._was_handed_over(message.conversation):
            return ticket, will_ring(self._standing(message, ticket.urgency, message.phone))
        return ticket, None

    def is_held_now(self, conversation: str) -> bool:
        """Return whether a clerk has the conversation: one may have taken it while the bot thought."""
        ticket = self.tickets.active(conversation)
        return ticket is not None and self._is_held(ticket)

    def told(self, message: Incoming, reply: Reply) -> Reply:
        """Return the reply with what happens now, where there is a desk at all."""
        if reply.outcome not in _TOLD_TOO or not self.staff.is_staffed():
            return reply
        return handed_over(reply, self._standing(message, _URGENCY.get(reply.outcome, 1), message.phone))

    def ticket(self, reply: Reply) -> NewTicket | None:
        """Return what staff have to see of a reply, or None."""
        danger = next((block.danger for block in reply.blocks if isinstance(block, EmergencyBlock)), None)
        if danger is None and reply.outcome not in _TOLD_TOO:
            return None
        urgency = _DANGER if danger else _URGENCY.get(reply.outcome, 1)
        now = self.clock()
        start = now if is_open(self.hours, now, self.holidays) else opens_next(self.hours, now, self.holidays)
        kind = f"emergency_{danger}" if danger else reply.outcome.value
        return NewTicket(kind, urgency, start + _WAIT.get(urgency, self.wait))

    def after(self, message: Incoming, ticket: Ticket | None, new: NewTicket | None) -> None:
        """Note that a held person waits for the next word, and the number that came with the wish for a person."""
        if ticket and self._is_held(ticket):
            self.tickets.person_spoke(message.conversation)
        if new and message.phone:
            made = self.tickets.active(message.conversation)
            if made:
                self.tickets.set_phone(made.id, message.phone)

    def _was_handed_over(self, conversation: str) -> bool:
        last = self.turns.last(conversation, 1)
        return bool(last) and last[0].outcome.startswith(("handed_off", "guarded_abuse", "guarded_emergency"))

    def _is_held(self, ticket: Ticket) -> bool:
        """Return whether the bot is silent: not where staff can only ring, for there nobody else would answer."""
        return ticket.is_held and ticket.channel in self.writable

    def _standing(self, message: Incoming, urgency: int, phone: str | None) -> Standing:
        now = self.clock()
        return Standing(
            now,
            self.tickets.ahead(urgency, self.tickets.active(message.conversation)),
            None if is_open(self.hours, now, self.holidays) else opens_next(self.hours, now, self.holidays),
            self.staff.is_anybody_there(now - _SEEN),
            message.channel in self.writable,
            phone,
        )

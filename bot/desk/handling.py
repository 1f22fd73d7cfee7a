"""What a clerk does with a ticket: take it, write, send an answer, hand back. The person is told of each."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from actions.booking.calls import Calls
from bot.desk.sending import told
from bot.messages import mask_cards
from knowledge.phrases import say
from knowledge.reply import Reply
from storage.audit import Audit
from storage.desk_messages import DeskMessages
from storage.notes import CallNotes
from storage.staff import Member
from storage.tickets import Ticket, Tickets

WRITABLE = ("web", "telegram")  # channels that can be written to, unasked
CALL_BACK = "call_back"


class NotYours(Exception):
    """Somebody else has the conversation by now, or nobody: nothing was sent."""


@dataclass(frozen=True)
class HandlingParts:
    """What the desk's acts work with."""

    tickets: Tickets
    messages: DeskMessages
    notes: CallNotes
    calls: Calls
    audit: Audit
    wake: Callable[[], None]  # the sender
    clock: Callable[[], datetime]


class Handling:
    """The acts. Each is checked against who has the ticket, in the database."""

    def __init__(self, parts: HandlingParts) -> None:
        self._parts = parts

    def claim(self, ticket: Ticket, member: Member) -> bool:
        """Take a ticket and tell the person; False where somebody else was first."""
        rings = bool(ticket.phone) or ticket.channel not in WRITABLE
        if not self._parts.tickets.claim(ticket.id, member.id, rings):
            return False
        self._parts.audit.note(member.actor, "ticket_claim", str(ticket.id))
        if ticket.phone:
            text = say("desk_rings", who=member.shown, tail=ticket.phone[-4:])
        else:
            text = say("desk_here", who=member.shown)
        self.tell(ticket.conversation, text, ticket.id)
        return True

    def write(self, ticket: Ticket, member: Member, text: str, key: str) -> None:
        """Send words to the person; the same ``key`` twice sends once. Raises NotYours."""
        self.send(ticket, member, told(mask_cards(text)), key)

    def send(self, ticket: Ticket, member: Member, reply: Reply, key: str) -> None:
        """Send a Reply to the person. Raises NotYours."""
        if not self._parts.tickets.staff_spoke(ticket.id, member.id):
            raise NotYours
        written = json.dumps(reply.payload(), ensure_ascii=False)
        self._parts.messages.write(ticket.conversation, written, key, ticket.id, member.id)
        self._parts.audit.note(member.actor, "ticket_write", str(ticket.id))
        self._parts.wake()

    def send_unasked(self, conversation: str, member: Member, reply: Reply, key: str) -> None:
        """Send a Reply to somebody on the telephone, into their own channel."""
        self._parts.messages.write(conversation, json.dumps(reply.payload(), ensure_ascii=False), key, None, member.id)
        self._parts.audit.note(member.actor, "answer_sent", conversation.split(":")[0])
        self._parts.wake()

    def hand_back(
        self, ticket: Ticket, member: Member, disposition: str, topic: str | None, text: str, key: str
    ) -> None:
        """Give the person back to the bot, with a note of what it was about. Raises NotYours."""
        if not self._parts.tickets.close(ticket.id, member.id, disposition):
            raise NotYours
        if disposition == CALL_BACK and ticket.phone:
            self._parts.calls.ask(
                ticket.conversation, ticket.phone, CALL_BACK, say("call_about"), f"ticket:{ticket.id}"
            )
        self._parts.notes.write(member.id, disposition, topic, mask_cards(text), key, ticket.conversation)
        self._parts.audit.note(member.actor, "ticket_close", str(ticket.id))
        self.tell(ticket.conversation, say("desk_gone", who=member.shown), ticket.id)

    def put_back(self, ticket: Ticket, member: Member, text: str, key: str) -> None:
        """Give the ticket back to the queue, for a colleague, with what is noted so far. Raises NotYours."""
        if not self._parts.tickets.put_back(ticket.id, member.id):
            raise NotYours
        if text.strip():
            self._parts.notes.write(member.id, "other", None, mask_cards(text), key, ticket.conversation)
        self._parts.audit.note(member.actor, "ticket_put_back", str(ticket.id))
        self.tell(ticket.conversation, say("desk_passed", who=member.shown), ticket.id)

    def tell(self, conversation: str, text: str, ticket_id: int | None = None) -> None:
        """Tell the person something that no one member of staff says."""
        written = json.dumps(told(text).payload(), ensure_ascii=False)
        self._parts.messages.write(conversation, written, uuid.uuid4().hex, ticket_id)
        self._parts.wake()

"""What can go wrong at the gateway, and what the person reads then.

GatewayError
├── DialogueDown      the dialogue server refuses, hangs or failed in the turn
├── CannotStore       the message could not be stored; the channel must not acknowledge it
└── CannotSend        a channel did not take a message; ``permanent`` where it never will
"""

from __future__ import annotations

from knowledge.phrases import hotline, say
from knowledge.reply import Outcome, Reply, TextBlock

_SAID = {Outcome.ERROR_EMPTY_MESSAGE: "empty", Outcome.ERROR_BUSY: "busy"}


class GatewayError(Exception):
    """Base of the gateway's errors; the message is one line for the operator."""


class DialogueDown(GatewayError):
    """The dialogue server gave no whole answer."""


class CannotStore(GatewayError):
    """The inbox could not be written; ``danger`` is what must be said all the same."""

    danger: Reply | None = None


class CannotSend(GatewayError):
    """A channel did not take a message."""

    def __init__(self, message: str, permanent: bool = False) -> None:
        self.permanent = permanent
        super().__init__(message)


def apology(outcome: Outcome = Outcome.ERROR_SYSTEM) -> Reply:
    """Return what a person reads when something of ours is broken."""
    text = say(_SAID.get(outcome, "system_error"))
    return Reply(blocks=[TextBlock(text=text, contact=[hotline()])], outcome=outcome, speak=text)

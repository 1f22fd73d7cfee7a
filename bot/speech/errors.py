"""What speech can refuse.

SpeechError
├── NotAvailable   no recogniser or no voice on this machine; the message says what is missing
├── TooBusy        too many wait already
├── TooLong        longer than a minute
└── NotHeard       nothing could be made out
"""

from __future__ import annotations


class SpeechError(Exception):
    """Base of all refusals."""


class NotAvailable(SpeechError):
    """This machine cannot do it; the message is for the operator."""


class TooBusy(SpeechError):
    """Too many wait already."""


class TooLong(SpeechError):
    """Longer than a minute."""


class NotHeard(SpeechError):
    """Nothing could be made out."""

"""What of speech this machine can do; what it cannot is said once in the log, and the rest runs."""

from __future__ import annotations

import functools
import logging
from importlib.util import find_spec

from bot.settings import GatewaySettings
from bot.speech.errors import NotAvailable
from bot.speech.hearing import Hearing
from bot.speech.model import model_folder
from bot.speech.speaking import Speaking

logger = logging.getLogger(__name__)


def hearing(settings: GatewaySettings) -> Hearing | None:
    """Return speech to text, or None without its packages. The model is put in place at the first recording."""
    if find_spec("faster_whisper") is None:
        logger.warning("voice is not understood here: faster-whisper is not installed (group voice of pyproject.toml)")
        return None
    return Hearing(functools.partial(model_folder, settings.speech_model, settings.var))


def speaking(settings: GatewaySettings) -> Speaking | None:
    """Return text to speech, or None without a program for it."""
    try:
        return Speaking(settings.tts_command)
    except NotAvailable as error:
        logger.warning("nothing is read aloud here: %s", error)
        return None

"""Text to speech: espeak-ng, or any command that reads text and writes WAV; out comes Ogg/Opus or MP3."""

from __future__ import annotations

import asyncio
import io
import shlex
import shutil
from collections import OrderedDict
from typing import Any

from bot.speech.errors import NotAvailable

DEFAULT = "espeak-ng -v cmn -s {speed} --stdout --stdin"
_SPEED, _SLOW = 150, 110  # words a minute, as espeak-ng counts them
_WITHIN_S = 20.0
_KEPT = 128
_MOST = 400  # characters: a minute and a half
_CODECS = {"ogg": ("libopus", "s16", 48_000), "mp3": ("libmp3lame", "s16p", 24_000)}  # codec, samples, Hz


class Speaking:
    """Reads texts aloud; the same text is made once."""

    def __init__(self, command: str = "") -> None:
        """Take a command with text on its input, WAV on its output, and {speed} where it takes one.

        Raises NotAvailable where there is no such program.
        """
        self._command = command or DEFAULT
        program = shlex.split(self._command)[0]
        if shutil.which(program) is None:
            raise NotAvailable(f"{program} is not installed: install espeak-ng, or set ADVISOR_TTS_COMMAND")
        self._made: OrderedDict[tuple[str, bool, str], bytes] = OrderedDict()

    async def say(self, text: str, slow: bool = False) -> bytes:
        """Return a text as Ogg/Opus, which Telegram shows as a voice message. Raises NotAvailable."""
        return await self._sound(text, slow, "ogg")

    async def mp3(self, text: str, slow: bool = False) -> bytes:
        """Return a text as MP3, which every browser plays. Raises NotAvailable."""
        return await self._sound(text, slow, "mp3")

    async def _sound(self, text: str, slow: bool, container: str) -> bytes:
        key = (text[:_MOST], slow, container)
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        wav = await self._wav(text[:_MOST], slow)
        sound = await asyncio.to_thread(encoded, wav, container)
        self._made[key] = sound
        if len(self._made) > _KEPT:
            self._made.popitem(last=False)
        return sound

    async def _wav(self, text: str, slow: bool) -> bytes:
        command = shlex.split(self._command.replace("{speed}", str(_SLOW if slow else _SPEED)))
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            wav, _ = await asyncio.wait_for(process.communicate(text.encode()), _WITHIN_S)
        except TimeoutError as error:
            process.kill()
            raise NotAvailable(f"{command[0]} does not come to an end") from error
        if process.returncode or not wav:
            raise NotAvailable(f"{command[0]} failed with code {process.returncode}")
        return wav


def encoded(wav: bytes, container: str) -> bytes:
    """Return sound as mono Ogg/Opus (``ogg``) or MP3 (``mp3``). Raises NotAvailable."""
    try:
        import av
    except ImportError as error:
        raise NotAvailable("av is not installed: install the group voice of pyproject.toml") from error

    codec, sample, rate = _CODECS[container]
    out = io.BytesIO()
    with av.open(io.BytesIO(wav), "r") as source, av.open(out, "w", format=container) as target:
        stream: Any = target.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(format=sample, layout="mono", rate=rate)
        for frame in source.decode(audio=0):
            for part in resampler.resample(frame):
                target.mux(stream.encode(part))
        for part in resampler.resample(None):
            target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    return out.getvalue()

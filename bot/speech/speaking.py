"""Text to speech: espeak-ng, or any command that reads text and writes WAV; out comes Ogg/Opus."""

from __future__ import annotations

import asyncio
import io
import shlex
import shutil
from collections import OrderedDict

from bot.speech.errors import NotAvailable

DEFAULT = "espeak-ng -v cmn -s {speed} --stdout --stdin"
_SPEED, _SLOW = 150, 110  # words a minute, as espeak-ng counts them
_WITHIN_S = 20.0
_KEPT = 128
_MOST = 400  # characters: a minute and a half
_OPUS_RATE = 48_000


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
        self._made: OrderedDict[tuple[str, bool], bytes] = OrderedDict()

    async def say(self, text: str, slow: bool = False) -> bytes:
        """Return a text as Ogg/Opus. Raises NotAvailable where the command fails."""
        key = (text[:_MOST], slow)
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        wav = await self._wav(*key)
        sound = await asyncio.to_thread(to_opus, wav)
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


def to_opus(wav: bytes) -> bytes:
    """Return sound as mono Ogg/Opus, which Telegram shows as a voice message. Raises NotAvailable."""
    try:
        import av
    except ImportError as error:
        raise NotAvailable("av is not installed: install the group voice of pyproject.toml") from error

    out = io.BytesIO()
    with av.open(io.BytesIO(wav), "r") as source, av.open(out, "w", format="ogg") as target:
        stream = target.add_stream("libopus", rate=_OPUS_RATE, layout="mono")
        resampler = av.AudioResampler(format="s16", layout="mono", rate=_OPUS_RATE)
        for frame in source.decode(audio=0):
            for part in resampler.resample(frame):
                target.mux(stream.encode(part))
        for part in resampler.resample(None):
            target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    return out.getvalue()

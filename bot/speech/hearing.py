"""Speech to text: faster-whisper in a process of its own, so that no answer waits for it."""

from __future__ import annotations

import asyncio
import io
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from bot.speech.correcting import corrected
from bot.speech.errors import NotAvailable, NotHeard, TooBusy

logger = logging.getLogger(__name__)
MAX_SECONDS = 60
_MOST_WAITING = 20
_WITHIN_S = 120.0
_RATE = 16_000
_LOOK_S = 2.0
_NO_SPEECH_ABOVE = 0.8
_HOT_WORDS = "长护险 居家养老 养老顾问 高龄津贴 敬老卡 喘息服务 助餐 日托 统一需求评估 家庭病床 社区事务受理服务中心"
_model: Any = None  # in the worker only


class Hearing:
    """Recognises voice notes, one after another."""

    def __init__(self, folder: Callable[[], str], threads: int = 2) -> None:
        """Take what gives the model's folder, called at the first recording; it may raise NotAvailable."""
        self._folder = folder
        self._threads = threads
        self._pool: ProcessPoolExecutor | None = None
        self._waiting = 0

    async def hear(self, sound: bytes) -> str:
        """Return what a voice note (any container PyAV reads) says. Raises TooBusy, NotHeard, NotAvailable."""
        if self._waiting >= _MOST_WAITING:
            raise TooBusy
        self._waiting += 1
        try:
            said = await asyncio.wait_for(self._run(sound), _WITHIN_S)
        except TimeoutError as error:
            raise TooBusy from error
        finally:
            self._waiting -= 1
        if not said:
            raise NotHeard
        return corrected(said)

    def close(self) -> None:
        """Stop the worker."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, sound: bytes) -> str:
        for attempt in range(2):
            try:
                return await asyncio.get_running_loop().run_in_executor(await self._worker(), recognise, sound)
            except BrokenProcessPool as error:  # it was killed: a new one, once
                logger.warning("the speech worker ended; starting another")
                self._pool = None
                if attempt:
                    raise NotAvailable("the speech worker does not stay up") from error
        raise AssertionError("unreachable")

    async def _worker(self) -> ProcessPoolExecutor:
        if self._pool is None:
            try:
                folder = await asyncio.to_thread(self._folder)
            except OSError as error:
                raise NotAvailable(f"the speech model cannot be put in place: {error}") from error
        if self._pool is None:  # nobody was quicker
            self._pool = ProcessPoolExecutor(
                1,
                mp_context=multiprocessing.get_context("spawn"),  # a fork would copy threads and locks
                initializer=_load,
                initargs=(folder, self._threads),
            )
        return self._pool


def recognise(sound: bytes) -> str:
    """Return the raw text of a voice note; empty where nothing is said. Runs in the worker."""
    from faster_whisper.audio import decode_audio

    try:
        samples = decode_audio(io.BytesIO(sound), sampling_rate=_RATE)
    except Exception:  # PyAV raises what FFmpeg does: it is no sound
        return ""
    segments, _ = _model.transcribe(
        samples[: MAX_SECONDS * _RATE],
        language="zh",
        beam_size=2,
        hotwords=_HOT_WORDS,
        vad_filter=True,
        condition_on_previous_text=False,
        # No second and third try, which take five times as long; then it must be kept from
        # saying one syllable for ever. Measured on tests/speech: 10 % of characters wrong.
        temperature=0.0,
        no_repeat_ngram_size=4,
    )
    return "".join(segment.text for segment in segments if segment.no_speech_prob < _NO_SPEECH_ABOVE).strip()


def _load(folder: str, threads: int) -> None:
    global _model
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    from faster_whisper import WhisperModel

    _model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)


def _end_with_parent(parent: int) -> None:
    """End the worker when the server that started it is gone: after a kill nobody else would."""
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(0)

"""Debian's chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.auxil.debian import debian


@contextmanager
def chromium(spoken: Path | None = None) -> Iterator[Browser]:
    """Yield a browser without a window; its microphone hears the WAV file ``spoken``, over and over."""
    program = shutil.which("chromium")
    if program is None:
        debian("chromium", "fonts-noto-cjk")
        program = shutil.which("chromium")
    if program is None:
        raise RuntimeError("chromium is missing: apt install chromium fonts-noto-cjk")
    made_up = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    if spoken:
        made_up.append(f"--use-file-for-fake-audio-capture={spoken.resolve()}")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*made_up, *sandbox])
        yield browser
        browser.close()

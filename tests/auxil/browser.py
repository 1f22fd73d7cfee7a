"""Debian's chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.auxil.debian import debian


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a browser without a window, with a microphone and a place that are made up."""
    program = shutil.which("chromium")
    if program is None:
        debian("chromium", "fonts-noto-cjk")
        program = shutil.which("chromium")
    if program is None:
        raise RuntimeError("chromium is missing: apt install chromium fonts-noto-cjk")
    made_up = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*made_up, *sandbox])
        yield browser
        browser.close()

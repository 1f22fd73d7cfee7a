"""Programs of Debian that the tests need: installed where they are missing and may be."""

from __future__ import annotations

import os
import shutil
import subprocess


def debian(*packages: str) -> None:
    """Install packages; does nothing on another system, or without the right to."""
    installer = shutil.which("apt-get")
    if installer is None or os.geteuid() != 0:
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", *packages]):
        subprocess.run([installer, *arguments], env=env, check=True, stdout=subprocess.DEVNULL)

"""Where the encoder is that the advisor made for the dialogue server and its tools."""

from __future__ import annotations

import os
from pathlib import Path

_FOLDER = "ADVISOR_ENCODER_FOLDER"


def encoder_folder() -> Path:
    """Return the encoder's folder. Raises RuntimeError where it is not told."""
    if not os.environ.get(_FOLDER):
        raise RuntimeError(f"{_FOLDER} is not set: start the dialogue server, training or tests by the command advisor")
    return Path(os.environ[_FOLDER])


def kept_vectors(folder: Path) -> Path:
    """Return the file that the vectors of the last training are in."""
    return folder.with_name(folder.name + ".vectors.npz")

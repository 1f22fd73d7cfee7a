"""The encoder that the advisor made (``advisor train``), for tests that load the model."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def encoder_of_our_field() -> None:
    """Name it to the components, as the supervisor does."""
    folders = [folder for folder in (ROOT / "var" / "encoder").glob("e5-field-*") if folder.is_dir()]
    made = sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True)
    with pytest.MonkeyPatch.context() as patch:
        if made:
            patch.setenv("ADVISOR_ENCODER_FOLDER", str(made[0]))
        yield

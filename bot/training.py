"""Trains the Rasa model when it is missing or older than what it is made from."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from bot.processes import ROOT, model_file
from bot.settings import GatewaySettings
from knowledge.field_encoder import bundled_encoder, field_encoder

_INPUTS = (
    "config.yml",
    "nlu/*.yml",
    "nlu/data/**/*.yml",
    "nlu/domain/*.yml",
    "nlu/components/*.py",
    "knowledge/normalise.py",
    "knowledge/data/dialect.tsv",
    "knowledge/data/pinyin_words.txt",
    "knowledge/data/encoder/*.safetensors",
    "requirements/dialogue.lock",
)
_ONLY_SERVES = {"channel.py", "tracker_store.py", "action_results.py"}  # components that a model is used with


class TrainingFailed(Exception):
    """Rasa could not train; the message says where to read why."""


def inputs_hash(root: Path = ROOT) -> str:
    """Return a hash of everything that the model is made from."""
    digest = hashlib.sha256()
    for pattern in _INPUTS:
        for file in sorted(root.glob(pattern)):
            if file.is_file() and "__pycache__" not in file.parts and file.name not in _ONLY_SERVES:
                digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def is_stale(settings: GatewaySettings) -> bool:
    """Return whether the model must be trained (anew)."""
    stamp = model_file(settings).with_suffix(".inputs")
    return not (model_file(settings).exists() and stamp.exists() and stamp.read_text() == inputs_hash())


def train(settings: GatewaySettings) -> None:
    """Train and keep the model. Raises TrainingFailed."""
    model = model_file(settings)
    model.parent.mkdir(parents=True, exist_ok=True)
    log = settings.var / "train.log"
    made_from = inputs_hash()
    command = [
        *(settings.dialogue_python, "-m", "rasa", "train"),
        *("--domain", "nlu/domain", "--data", "nlu/data", "--config", "config.yml"),
        *("--out", str(model.parent.resolve()), "--fixed-model-name", "advisor"),
        "--skip-validation",  # reads everything once more; tests/nlu/test_data.py does it
    ]
    with log.open("w") as handle:
        done = subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=rasa_environment(), stdout=handle, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode != 0 or not model.exists():
        raise TrainingFailed(f"training the dialogue model failed; {log} says why")
    model.with_suffix(".inputs").write_text(made_from)


def quality(settings: GatewaySettings, *arguments: str) -> int:
    """Run ``python -m nlu.quality`` in the dialogue environment; return its exit code."""
    command = [str(Path(settings.dialogue_python).absolute()), "-m", "nlu.quality", *arguments]
    environment = rasa_environment()
    if arguments[:1] == ("check",):  # near copies are told by the encoder that learnt nothing of our field
        environment["ADVISOR_ENCODER_FOLDER"] = str(bundled_encoder().resolve())
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603


def rasa_environment() -> dict[str, str]:
    """Return the environment that Rasa is run in by our tools."""
    return {
        **os.environ,
        "ADVISOR_ENCODER_FOLDER": str(field_encoder().resolve()),
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
        "CUDA_VISIBLE_DEVICES": "",
    }

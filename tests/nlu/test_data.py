"""Domain, rules, forms and utterances fit each other: Rasa's own validation, which our training leaves out."""

from __future__ import annotations

from pathlib import Path

from rasa.cli.utils import validate_files
from rasa.shared.importers.importer import TrainingDataImporter

ROOT = Path(__file__).resolve().parents[2]


def test_rasa_finds_nothing_wrong() -> None:
    importer = TrainingDataImporter.load_from_config(
        config_path=str(ROOT / "config.yml"),
        domain_path=str(ROOT / "nlu" / "domain"),
        training_data_paths=[str(ROOT / "nlu" / "data")],
    )
    validate_files(fail_on_warnings=False, max_history=None, importer=importer)  # ends the process where it does

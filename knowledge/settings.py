"""The settings of the knowledge: which encoder, and where the index lies."""

from __future__ import annotations

import functools
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from knowledge.field_encoder import field_encoder_name
from knowledge.library import Library, open_library
from knowledge.store import SERVICES_FOLDER, load


class KnowledgeSettings(BaseSettings):
    """Read once from ADVISOR_… variables."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", extra="ignore")

    # a sentence-transformers model's name or folder, or bundled:multilingual-e5-small
    encoder: str = Field(default_factory=field_encoder_name)
    reranker: str = ""  # a cross-encoder's name or folder; empty: none
    var: Path = Path("var")  # everything that is made at run time
    services: Path = SERVICES_FOLDER  # the service list's files

    @property
    def index_folder(self) -> Path:
        """Return where the index lies."""
        return self.var / "index"

    @property
    def versions_folder(self) -> Path:
        """Return where the versions of the service list are kept."""
        return self.var / "versions"

    @property
    def places_file(self) -> Path:
        """Return where the places are kept."""
        return self.var / "places.json"


@functools.cache
def default_library() -> Library:
    """Return the library the settings name; opened on first use, then shared."""
    settings = KnowledgeSettings()
    return open_library(settings.index_folder, settings.encoder, load(settings.services))

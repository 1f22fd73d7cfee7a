"""The settings of the actions: after how long what was said is forgotten."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from actions.understood import Ages


class ActionSettings(BaseSettings):
    """Read once from ADVISOR_… variables."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", extra="ignore")

    topic_minutes: int = Field(30, gt=0)  # what was talked about
    form_days: int = Field(7, gt=0)  # a booking that was begun

    @property
    def ages(self) -> Ages:
        """Return them as the actions use them."""
        return Ages(timedelta(minutes=self.topic_minutes), timedelta(days=self.form_days))

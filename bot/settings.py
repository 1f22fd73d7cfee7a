"""The gateway's settings: ADVISOR_… variables, read once."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from knowledge.hours import parse_hours
from storage.crypto import read_or_make_key


class GatewaySettings(BaseSettings):
    """Each has a default that works on one machine, bound to the loopback address."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", extra="ignore")

    host: str = "127.0.0.1"
    port: int = 8080
    dialogue_port: int = 5005
    var: Path = Path("var")
    database_url: str = ""  # empty: SQLite in var/
    key: str = ""  # empty: made once, kept in var/key
    dialogue_secret: str = ""  # the supervisor makes one a start
    action_secret: str = ""
    dialogue_timeout_s: float = Field(2.2, gt=0)  # the page must answer within 3 s
    restart_wait_max_s: float = Field(30, gt=0)  # between two starts of a process that keeps ending
    dialogue_python: str = ".venv-rasa/bin/python"
    record_days: int = Field(30, gt=0)  # how long conversations are kept
    demo: bool = False  # show the sample times, marked 示例; never for the public
    telegram_token: str = ""  # from @BotFather; without one the channel is off
    telegram_api: str = ""  # another Bot API server than Telegram's own
    telegram_webhook: str = ""  # our public HTTPS address, to be called there instead of polling
    page_url: str = ""  # the web page's address, told to who writes elsewhere
    telegram_proxy_from_env: bool = True  # Telegram may be reached only through HTTPS_PROXY
    signed_secret: str = ""  # of the signed webhook (bot/signed.py); empty: it refuses every call
    speech_model: str = ""  # a faster-whisper model: folder or name; empty: the bundled one
    tts_command: str = ""  # text on its input, WAV on its output; empty: espeak-ng
    desk_hours: str = "周一至周五 8:30-17:00"  # when somebody sits at the desk
    desk_on_holidays: bool = False  # on public holidays too
    desk_wait_minutes: int = Field(10, gt=0)  # by when somebody who asks for a person should be answered
    desk_silent_minutes: int = Field(5, gt=0)  # a clerk silent that long loses the conversation to the queue
    desk_idle_minutes: int = Field(30, gt=0)  # a session without a request ends
    desk_session_hours: int = Field(12, gt=0)  # and after that in any case
    public: bool = False  # behind HTTPS: cookies are marked Secure
    visitor_a_minute: int = Field(30, gt=0)  # messages of one visitor of the page
    address_a_minute: int = Field(300, gt=0)  # of one address: a whole centre may share it

    @field_validator("desk_hours")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        parse_hours(value)
        return value

    @property
    def dialogue_url(self) -> str:
        """Return the address of the dialogue server."""
        return f"http://127.0.0.1:{self.dialogue_port}"

    @property
    def database(self) -> str:
        """Return the database's address."""
        return self.database_url or f"sqlite:///{(self.var / 'advisor.db').resolve()}"

    def encryption_key(self) -> str:
        """Return the key, made on first use where none is set."""
        return self.key or read_or_make_key(self.var / "key")

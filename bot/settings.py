"""The gateway's settings: ADVISOR_… variables, read once."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

from knowledge.hours import parse_hours
from storage.crypto import read_or_make_key
from storage.database import TRACKERS

ROLES = ("web", "desk", "telegram", "outbox", "actions")


class GatewaySettings(BaseSettings):
    """Each has a default that works on one machine, bound to the loopback address."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", extra="ignore")

    host: str = "127.0.0.1"
    port: int = 8080
    roles: str = ",".join(ROLES)  # what this advisor server does, where there are several
    dialogue_host: str = "127.0.0.1"  # where our dialogue server listens
    dialogue_port: int = 5005
    dialogue_urls: str = ""  # all dialogue servers, with commas; empty: ours
    action_url: str = ""  # where dialogue servers call for actions; empty: our advisor server
    redis_url: str = ""  # counts visitors' messages for all servers; empty: each its own
    forwarded_from: str = "127.0.0.1"  # proxies whose X-Forwarded-For is believed
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
    busy_at_once: int = Field(8, gt=0)  # messages that one dialogue server understands at once; others wait
    busy_waiting: int = Field(100, gt=0)  # how many may wait; who comes then is told to come again
    busy_wait_s: float = Field(1.5, gt=0)  # and who has waited so long
    visitor_a_minute: int = Field(30, gt=0)  # messages of one visitor of the page
    address_a_minute: int = Field(300, gt=0)  # of one address: a whole centre may share it
    log: Literal["", "json", "console"] = ""  # empty: console at a terminal, else a JSON object a line
    metrics_secret: str = ""  # who has it may read /metrics from elsewhere; empty: this machine only

    @field_validator("desk_hours")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        parse_hours(value)
        return value

    @field_validator("roles")
    @classmethod
    def _are_roles(cls, value: str) -> str:
        unknown = {each.strip() for each in value.split(",")} - {*ROLES}
        if unknown:
            raise ValueError(f"no such role: {', '.join(sorted(unknown))}; there are {', '.join(ROLES)}")
        return value

    def has_role(self, role: str) -> bool:
        """Return whether this advisor server does ``role``."""
        return role in {each.strip() for each in self.roles.split(",")}

    @property
    def at_once(self) -> int:
        """Return how many messages are understood at once, by all dialogue servers."""
        return self.busy_at_once * len(self.dialogue_servers)

    @property
    def dialogue_servers(self) -> list[str]:
        """Return the addresses of the dialogue servers."""
        urls = [url.strip().rstrip("/") for url in self.dialogue_urls.split(",") if url.strip()]
        return urls or [f"http://127.0.0.1:{self.dialogue_port}"]

    @property
    def tracker_url(self) -> str:
        """Return the address of the trackers: a file beside ours, or a schema of the same PostgreSQL."""
        url = make_url(self.database)
        if url.get_backend_name() == "sqlite":
            return f"sqlite:///{(self.var / 'tracker.db').resolve()}"
        # Rasa's table has the name of one of ours.
        url = url.set(drivername="postgresql+psycopg2").update_query_dict({"options": f"-csearch_path={TRACKERS}"})
        return url.render_as_string(hide_password=False)

    @property
    def is_shared(self) -> bool:
        """Return whether other advisor servers may work on the same database."""
        return make_url(self.database).get_backend_name() != "sqlite"

    @property
    def database(self) -> str:
        """Return the database's address."""
        return self.database_url or f"sqlite:///{(self.var / 'advisor.db').resolve()}"

    def encryption_key(self) -> str:
        """Return the key, made on first use where none is set."""
        return self.key or read_or_make_key(self.var / "key")


def holder(settings: GatewaySettings) -> str:
    """Return the name leases are held by: a server that starts again in the same place has its own at once."""
    return hashlib.sha256(f"{socket.gethostname()}:{settings.port}".encode()).hexdigest()[:40]

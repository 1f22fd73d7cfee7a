"""What is around: the running system, channels, speech, and whether it is fit for the public."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import httpx

from bot.client import NotRunning, running
from bot.doctor.finding import Finding, Here, bad, ok, warning
from bot.speech.errors import NotAvailable
from bot.speech.model import model_folder
from bot.speech.speaking import Speaking

_TELEGRAM = "https://api.telegram.org"
_WITHIN_S = 5.0
_SHORTEST = 16  # characters of a secret


def system(here: Here) -> Iterable[Finding]:
    """Ask the running system, where one runs, for its health."""
    try:
        where = running(here.settings)
        health = httpx.get(f"{where.url}/healthz", timeout=_WITHIN_S, trust_env=False).json()
    except NotRunning:
        yield ok("system", "it does not run here now")
        return
    except (httpx.HTTPError, ValueError):
        yield bad("system", "it runs but does not say how it is", "see its log; restart it")
        return
    if not health.get("database"):
        yield bad("system", "its database does not answer", "see the database above")
    if not health.get("dialogue"):
        yield bad(
            "system",
            "its dialogue server does not answer, people get search results",
            "see the log lines of process dialogue",
        )
    if health.get("refused"):
        yield bad("system", "it refuses new files of the list", "advisor services check says why")
    if health.get("database") and health.get("dialogue") and not health.get("refused"):
        yield ok("system", f"runs at {where.url}")


def telegram(here: Here) -> Iterable[Finding]:
    """Ask Telegram who we are; without a token the channel is off."""
    settings = here.settings
    if not settings.telegram_token:
        yield ok("Telegram", "off: no ADVISOR_TELEGRAM_TOKEN")
        return
    base = (settings.telegram_api or _TELEGRAM).rstrip("/")
    try:
        with httpx.Client(timeout=_WITHIN_S, trust_env=settings.telegram_proxy_from_env) as http:
            answer = http.get(f"{base}/bot{settings.telegram_token}/getMe")
            name = answer.json().get("result", {}).get("username", "")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError):
        yield bad(
            "Telegram",
            f"{base} does not answer within {_WITHIN_S:.0f} s",
            "is the network there, or HTTPS_PROXY, or ADVISOR_TELEGRAM_API?",
        )
        return
    if answer.status_code != httpx.codes.OK:
        yield bad("Telegram", "it refuses ADVISOR_TELEGRAM_TOKEN", "get a new token from @BotFather")
    elif settings.telegram_webhook and not settings.telegram_webhook.startswith("https://"):
        yield bad(
            "Telegram",
            "ADVISOR_TELEGRAM_WEBHOOK is no HTTPS address, Telegram will not call it",
            "correct it, or remove it to poll",
        )
    else:
        yield ok("Telegram", f"@{name}")


def redis(here: Here) -> Iterable[Finding]:
    """Ask Redis, where it is set."""
    url = getattr(here.settings, "redis_url", "")
    if not url:
        yield ok("Redis", "off: one server counts by itself")
        return
    import redis as client

    try:
        client.Redis.from_url(url, socket_timeout=_WITHIN_S, socket_connect_timeout=_WITHIN_S).ping()
    except (client.RedisError, ValueError):
        yield bad("Redis", "it does not answer at ADVISOR_REDIS_URL", "start it, or remove the setting")
    else:
        yield ok("Redis")


def hearing(here: Here) -> Iterable[Finding]:
    """Look whether voice notes can be understood: the model is loaded where it is in place."""
    name, mend = "speech to text", "without it people are asked to write; see ADVISOR_SPEECH_MODEL"
    if find_spec("faster_whisper") is None:
        yield warning(name, "faster-whisper is not installed", "install the group voice of pyproject.toml")
        return
    made = here.settings.var / "speech" / "whisper-base" / "model.bin"
    if not here.settings.speech_model and not made.exists():
        yield ok(name, "the bundled model is put in place at the first recording")
        return
    try:
        folder = model_folder(here.settings.speech_model, here.settings.var)
        if not (Path(folder) / "model.bin").exists():
            raise NotAvailable(f"{folder} holds no model.bin")
        from faster_whisper import WhisperModel

        WhisperModel(folder, device="cpu", compute_type="int8", local_files_only=True)
    except (NotAvailable, OSError, RuntimeError, ValueError) as error:
        yield warning(name, f"the model cannot be loaded: {error}", mend)
    else:
        yield ok(name)


def reading_aloud(here: Here) -> Iterable[Finding]:
    """Look for the program that reads aloud."""
    try:
        Speaking(here.settings.tts_command)
    except (NotAvailable, ValueError, IndexError) as error:
        yield warning("text to speech", str(error), "without it nothing is read aloud in Telegram")
    else:
        yield ok("text to speech")


def public(here: Here) -> Iterable[Finding]:
    """Look for what must not be so where the public comes."""
    settings, found = here.settings, []
    if settings.public and settings.demo:
        found.append(bad("public", "the sample times (示例) are shown to the public", "remove ADVISOR_DEMO"))
    if settings.public and settings.page_url and not settings.page_url.startswith("https://"):
        found.append(bad("public", "ADVISOR_PAGE_URL is no HTTPS address", "put HTTPS in front, see docs/deploy.md"))
    if not settings.public and not _is_loopback(settings.host):
        found.append(
            bad(
                "public",
                f"it listens at {settings.host} but cookies are not marked Secure",
                "put HTTPS in front and set ADVISOR_PUBLIC=1, or listen at 127.0.0.1",
            )
        )
    shared = ("key", "dialogue_secret", "action_secret") if settings.is_shared else ()
    missing = [f"ADVISOR_{name.upper()}" for name in shared if not getattr(settings, name)]
    if settings.public and missing:
        found.append(
            bad(
                "secrets of several servers",
                f"not set: {', '.join(missing)}",
                "every server needs the same; see docs/deploy.md",
            )
        )
    for name in ("dialogue_secret", "action_secret", "signed_secret", "metrics_secret"):
        if 0 < len(getattr(settings, name)) < _SHORTEST:
            found.append(
                bad(
                    "secrets",
                    f"ADVISOR_{name.upper()} can be guessed: it is under {_SHORTEST} characters",
                    "make one with: openssl rand -base64 32",
                )
            )
    yield from found or [ok("public", "behind HTTPS" if settings.public else "no: this machine only")]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


CHECKS = (system, telegram, redis, hearing, reading_aloud, public)

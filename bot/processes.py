"""The two kinds of process, as commands with their environment: for the supervisor, and for servers of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bot.settings import GatewaySettings
from knowledge.field_encoder import field_encoder

ROOT = Path(__file__).resolve().parent.parent


def model_file(settings: GatewaySettings) -> Path:
    """Return where the trained model lies."""
    return settings.var / "models" / "advisor.tar.gz"


def advisor_command(settings: GatewaySettings) -> list[str]:
    """Return the command of the advisor server."""
    return [
        *(sys.executable, "-m", "uvicorn", "bot.app:create_app", "--factory"),
        *("--host", settings.host, "--port", str(settings.port)),
        *("--forwarded-allow-ips", settings.forwarded_from),
        *("--no-access-log", "--log-level=warning"),
        # Longer than nginx and browsers keep a connection: a message sent just as it is closed is lost.
        "--timeout-keep-alive=75",
        "--timeout-graceful-shutdown=3",  # pages hold a stream open for as long as they are
    ]


def dialogue_command(settings: GatewaySettings) -> list[str]:
    """Return the command of a dialogue server."""
    return [
        *(settings.dialogue_python, "-m", "rasa", "run", "-m", str(model_file(settings))),
        *("-i", settings.dialogue_host, "-p", str(settings.dialogue_port)),
        *("--endpoints", "nlu/endpoints.yml", "--credentials", "nlu/credentials.yml"),
    ]


def advisor_environment(settings: GatewaySettings) -> dict[str, str]:
    """Return the environment of the advisor server: the settings as they were read here."""
    return {
        **os.environ,
        "ADVISOR_DIALOGUE_SECRET": settings.dialogue_secret,
        "ADVISOR_ACTION_SECRET": settings.action_secret,
        "ADVISOR_KEY": settings.encryption_key(),
        "ADVISOR_VAR": str(settings.var.resolve()),
        "ADVISOR_HOST": settings.host,
        "ADVISOR_PORT": str(settings.port),
        "ADVISOR_ROLES": settings.roles,
        "ADVISOR_DIALOGUE_PORT": str(settings.dialogue_port),
        "ADVISOR_DEMO": str(settings.demo),
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
    }


def dialogue_environment(settings: GatewaySettings) -> dict[str, str]:
    """Return the environment of a dialogue server."""
    return {
        **advisor_environment(settings),
        "ADVISOR_ACTION_URL": settings.action_url or f"http://127.0.0.1:{settings.port}/actions/webhook",
        "ADVISOR_ENCODER_FOLDER": str(field_encoder().resolve()),
        "OMP_NUM_THREADS": "1",  # threads that wait busily for one another are far slower beside our own load
        "ADVISOR_RECORD_DAYS": str(settings.record_days),
        "ADVISOR_TRACKER_URL": settings.tracker_url,
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "PYTHONWARNINGS": "ignore",
        "CUDA_VISIBLE_DEVICES": "",
    }

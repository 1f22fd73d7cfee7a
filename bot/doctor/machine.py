"""The machine: programs, disk, files and ports."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import httpx

from bot.doctor.finding import Finding, Here, bad, ok, warning

_NEEDED = ("faiss", "sentence_transformers", "rasa_sdk", "fastapi", "uvicorn", "telegram", "jieba", "argon2")
_RASA = "3.6."
_FREE = 1_000_000_000  # bytes
_ELSEWHERE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "fuse.glusterfs", "ceph", "afs", "9p"}


def advisor_environment(here: Here) -> Iterable[Finding]:
    """Look for the packages of the advisor server."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        yield bad("advisor environment", f"packages are missing: {', '.join(missing)}", "run: make setup")
    else:
        yield ok("advisor environment")


def dialogue_environment(here: Here) -> Iterable[Finding]:
    """Ask the other Python for its Rasa."""
    python = here.settings.dialogue_python
    name, mend = "dialogue environment", "run: make setup, or set ADVISOR_DIALOGUE_PYTHON"
    program = "import importlib.metadata as m; print(m.version('rasa'))"
    try:
        found = subprocess.run([python, "-c", program], check=True, capture_output=True, timeout=30, text=True).stdout  # noqa: S603
    except FileNotFoundError:
        yield bad(name, f"there is no {python}", mend)
    except (OSError, subprocess.SubprocessError):
        yield bad(name, f"{python} has no Rasa", mend)
    else:
        version = found.strip()
        right = version.startswith(_RASA)
        yield ok(name, f"Rasa {version}") if right else bad(name, f"Rasa {version} instead of {_RASA}x", mend)


def disk(here: Here) -> Iterable[Finding]:
    """Look whether there is room, and whether the disk is in this machine."""
    folder = _existing(here.settings.var)
    usage = shutil.disk_usage(folder)
    free = f"{usage.free / 1e9:.1f} GB free"
    if usage.free < _FREE:
        yield bad("disk", f"only {free} for {here.settings.var}/", "make room: without it no message can be stored")
    elif usage.free < usage.total / 20:
        yield warning("disk", f"only {free} for {here.settings.var}/, under 5 %", "make room soon")
    else:
        yield ok("disk", free)
    kind = filesystem(folder)
    if kind in _ELSEWHERE and not here.settings.is_shared:
        yield bad(
            "disk of the database",
            f"{kind} is a network disk, SQLite can lose data on it",
            "put var/ on a local disk, or use PostgreSQL (ADVISOR_DATABASE_URL)",
        )
    else:
        yield ok("disk of the database", kind)


def filesystem(folder: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Return the kind of file system that ``folder`` lies on; "unknown" where Linux does not tell."""
    best, kind = -1, "unknown"
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return kind
    for line in lines:
        _, where, found, *_ = line.split()
        if folder.resolve().is_relative_to(where) and len(where) >= best:
            best, kind = len(where), found
    return kind


def permissions(here: Here) -> Iterable[Finding]:
    """Look who can write var/, and who can read what is secret."""
    var = here.settings.var
    if not os.access(_existing(var), os.W_OK):
        yield bad("var/", f"{var} cannot be written", "give it to the user who runs the advisor: chown -R")
        return
    for file in (var / "key", var / "run.json"):
        if file.exists() and file.stat().st_mode & 0o077:
            yield bad("secrets", f"{file} can be read by other users", f"run: chmod 600 {file}")
            return
    yield ok("secrets", "readable by their owner only")


def ports(here: Here) -> Iterable[Finding]:
    """Look whether the ports are free, or taken by us."""
    settings = here.settings
    for name, port, path in (
        ("ADVISOR_PORT", settings.port, "/healthz"),
        ("ADVISOR_DIALOGUE_PORT", settings.dialogue_port, "/webhooks/advisor/"),
    ):
        if not _listens(port):
            yield ok(f"port {port}", "free")
        elif _is_ours(port, path):
            yield ok(f"port {port}", "ours")
        else:
            yield bad(f"port {port}", "another program listens there", f"stop it, or set {name} to another port")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ours(port: int, path: str) -> bool:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=3.0, trust_env=False)
        return answer.status_code in (200, 503) and "status" in answer.json()
    except (httpx.HTTPError, ValueError, TypeError):
        return False


def _existing(folder: Path) -> Path:
    folder = folder.resolve()
    return folder if folder.exists() else _existing(folder.parent)


CHECKS = (advisor_environment, dialogue_environment, disk, permissions, ports)

"""nginx and Redis of the tests' own, on 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import redis

from bot.processes import ROOT
from bot.started import free_port
from tests.auxil.debian import debian

_START_WITHIN_S = 20


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Yield the URL of an empty Redis."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([_program("redis-server"), *options], stdout=subprocess.DEVNULL)
    try:
        _wait(lambda: redis.Redis(port=port).ping())
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def nginx(folder: Path, advisors: list[int]) -> Iterator[tuple[str, str]]:
    """Yield the addresses outside and inside of an nginx with our own files, before two advisor servers."""
    outside, inside = free_port(), free_port()
    for name in ("upstreams.conf", "proxy.conf", "locations.conf", "inside.conf"):
        text = (ROOT / "deploy/nginx" / name).read_text()
        ports = {"8081": advisors[0], "8082": advisors[1], "8090": inside}
        for shipped, ours in ports.items():
            text = text.replace(f"127.0.0.1:{shipped}", f"127.0.0.1:{ours}")
        (folder / name).write_text(text)
    (folder / "nginx.conf").write_text(
        f"{'user root; ' if os.geteuid() == 0 else ''}worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        "events { worker_connections 512; }\n"
        f"http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;\n"
        f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        "include upstreams.conf; include inside.conf;\n"
        f"server {{ listen 127.0.0.1:{outside}; include locations.conf; }} }}\n"
    )
    process = subprocess.Popen([_program("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    try:
        _wait(lambda: httpx.get(f"http://127.0.0.1:{outside}/metrics", trust_env=False).status_code == 404)
        yield f"http://127.0.0.1:{outside}", f"http://127.0.0.1:{inside}"
    finally:
        process.terminate()
        process.wait(10)


def _program(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if path is None:
        debian({"nginx": "nginx-light"}.get(name, name))
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if path is None:
        raise RuntimeError(f"{name} is missing: apt install {name}")
    return path


def _wait(is_up: object) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while True:
        try:
            if is_up():  # type: ignore[operator]
                return
        except (httpx.HTTPError, redis.ConnectionError):
            pass
        if time.monotonic() > deadline:
            raise RuntimeError("a server of the tests did not start")
        time.sleep(0.1)

"""A stock Rasa bot beside ours: the same intents, Rasa's own Chinese pipeline, one action, one process each.

It is what Rasa's documentation leads to: Jieba words, counts, DIET, rules, a reply from an
action server, trackers in memory. Speed does not depend on how well it was taught, so it is
trained on few examples for few rounds; its smaller vocabulary makes it faster if anything, and
so does that it keeps and records nothing.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from bot.processes import ROOT
from bot.settings import GatewaySettings
from bot.started import CannotStart, free_port
from bot.training import TrainingFailed, rasa_environment

_EXAMPLES, _EPOCHS = 25, 10
_START_S, _STOP_S = 180, 20
_ACTION = '''"""One action: a fixed answer for each intent."""
from rasa_sdk import Action


class Answer(Action):
    def name(self):
        return "action_reply"

    def run(self, dispatcher, tracker, domain):
        intent = (tracker.latest_message.get("intent") or {}).get("name")
        dispatcher.utter_message(text=f"这是关于“{intent}”的回答。请打12345，24小时有人接。")
        return []
'''


@dataclass(frozen=True)
class Stock:
    """The running bot: its address, and its processes."""

    url: str
    processes: tuple[int, ...]
    start_s: float


@contextmanager
def stock_bot(settings: GatewaySettings) -> Iterator[Stock]:
    """Train the bot where that was not done yet, start it, and yield it. Raises TrainingFailed, CannotStart."""
    python = str(Path(settings.dialogue_python).absolute())
    model = _trained(settings, python)
    port, action_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stock_actions.py").write_text(_ACTION, encoding="utf-8")
        endpoint = {"action_endpoint": {"url": f"http://127.0.0.1:{action_port}/webhook"}}
        (folder / "endpoints.yml").write_text(yaml.safe_dump(endpoint))
        (folder / "credentials.yml").write_text("rest:\n")
        actions = [python, "-m", "rasa_sdk", "--actions", "stock_actions", "-p", str(action_port)]
        rasa = [python, "-m", "rasa", "run", "-m", str(model), "-i", "127.0.0.1", "-p", str(port)]
        rasa += ["--endpoints", "endpoints.yml", "--credentials", "credentials.yml"]
        began = time.monotonic()
        log = folder / "log"
        with log.open("w") as out:
            running = [
                subprocess.Popen(  # noqa: S603 (Rasa, with our own arguments)
                    command, cwd=folder, env=rasa_environment(), stdout=out, stderr=subprocess.STDOUT
                )
                for command in (actions, rasa)
            ]
            try:
                url = f"http://127.0.0.1:{port}"
                _wait(url, running, log)
                yield Stock(url, tuple(each.pid for each in running), round(time.monotonic() - began, 1))
            finally:
                for each in running:
                    each.send_signal(signal.SIGTERM)
                for each in running:
                    _ended(each)


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(url: str, running: list[subprocess.Popen[bytes]], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and all(each.poll() is None for each in running):
        try:
            body = {"sender": "first", "message": "长护险怎么申请"}
            answer = httpx.post(f"{url}/webhooks/rest/webhook", json=body, timeout=20, trust_env=False)
            if answer.status_code == 200 and answer.json():
                return
        except (httpx.HTTPError, ValueError):
            pass
        time.sleep(0.2)
    tail = " | ".join(log.read_text(errors="replace").splitlines()[-5:])
    raise CannotStart(f"the stock Rasa bot did not start; its output ends with: {tail}")


def _trained(settings: GatewaySettings, python: str) -> Path:
    """Return its model, kept in var/models until what it is made from changes."""
    files = stock_files()
    digest = hashlib.sha256("\0".join(f"{name}\0{text}" for name, text in files.items()).encode()).hexdigest()
    model, stamp = settings.var / "models" / "stock.tar.gz", settings.var / "models" / "stock.tar.inputs"
    if model.exists() and stamp.exists() and stamp.read_text() == digest:
        return model.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        command = [python, "-m", "rasa", "train", "-d", "domain.yml", "-c", "config.yml", "--fixed-model-name", "stock"]
        command += ["--data", "nlu.yml", "rules.yml", "--out", "."]
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, env=rasa_environment(), capture_output=True, text=True, check=False
        )
        made = folder / "stock.tar.gz"
        if done.returncode or not made.exists():
            raise TrainingFailed(f"training the stock bot failed: {done.stderr[-300:]}")
        model.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, model)
    stamp.write_text(digest)
    return model.resolve()


def stock_files() -> dict[str, str]:
    """Return the bot's files, by name: our intents, a few of our examples of each, a rule for each."""
    intents = [str(each) for each in _read(ROOT / "nlu" / "domain" / "intents.yml")["intents"]]
    intents.remove("restart")  # Rasa has an action of its own for it, which says nothing
    examples: dict[str, list[str]] = {intent: [] for intent in intents}
    for file in sorted((ROOT / "nlu" / "data" / "nlu").glob("*.yml")):
        for entry in _read(file)["nlu"]:
            if entry.get("intent") in examples:
                examples[entry["intent"]] += [line.removeprefix("- ") for line in entry["examples"].splitlines()]
    dice = random.Random(1)  # noqa: S311
    taught = {name: dice.sample(said, min(_EXAMPLES, len(said))) for name, said in examples.items() if said}
    config = _read(ROOT / "nlu" / "quality" / "pipelines" / "stock.yml")
    config["pipeline"][-1]["epochs"] = _EPOCHS
    config["policies"] = [{"name": "MemoizationPolicy"}, {"name": "RulePolicy"}]
    nlu = [{"intent": name, "examples": "".join(f"- {each}\n" for each in said)} for name, said in taught.items()]
    rules = [{"rule": name, "steps": [{"intent": name}, {"action": "action_reply"}]} for name in taught]
    parts: dict[str, dict[str, Any]] = {
        "config.yml": config,
        "domain.yml": {"version": "3.1", "intents": list(taught), "actions": ["action_reply"]},
        "nlu.yml": {"version": "3.1", "nlu": nlu},
        "rules.yml": {"version": "3.1", "rules": rules},
    }
    return {name: yaml.safe_dump(part, allow_unicode=True, sort_keys=False) for name, part in parts.items()}


def _read(file: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return read

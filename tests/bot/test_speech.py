"""Speech with the real recogniser and the real voice."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.processes import ROOT
from bot.speech.correcting import corrected
from bot.speech.errors import NotAvailable, NotHeard, TooBusy
from bot.speech.hearing import Hearing
from bot.speech.model import model_folder
from bot.speech.speaking import Speaking, encoded
from tests.auxil.recordings import RECORDINGS, characters_wrong


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return model_folder("", tmp_path_factory.mktemp("var"))


@pytest.fixture
async def hearing(folder: str) -> AsyncIterator[Hearing]:
    made = Hearing(lambda: folder)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("長虎線怎麼申請", "长护险怎么申请"),
        ("养老古文在哪里", "养老顾问在哪里"),
        ("我要做统一虚求评估", "我要做统一需求评估"),
        ("敬老咖丢了怎么办", "敬老卡丢了怎么办"),
        ("我想问一下高铃津贴", "我想问一下高龄津贴"),
        ("喘息夫妇一年几天", "喘息服务一年几天"),
    ],
)
def test_terms_that_were_misheard_are_put_right(heard: str, meant: str) -> None:
    assert corrected(heard) == meant


@pytest.mark.parametrize(
    "text", ["今天天气蛮好的", "我女儿住在闵行", "老伴摔了一跤", "富士康在印度的工厂", "楼上漏水怎么办"]
)
def test_other_words_stay_as_they_are(text: str) -> None:
    assert corrected(text) == text


def test_real_recordings_are_recognised(folder: str) -> None:
    """The error rate over all recordings, which are about other things than ours."""
    hearing = Hearing(lambda: folder)

    async def hear_all() -> list[str]:
        return [await hearing.hear(file.read_bytes()) for file, _ in RECORDINGS]

    said = asyncio.run(hear_all())
    hearing.close()
    wrong = sum(characters_wrong(heard, meant) for heard, (_, meant) in zip(said, RECORDINGS, strict=True))
    assert wrong / sum(len(meant) for _, meant in RECORDINGS) <= 0.25, said


async def test_what_is_no_sound_is_not_heard(hearing: Hearing) -> None:
    with pytest.raises(NotHeard):
        await hearing.hear(b"no sound at all")
    with pytest.raises(NotHeard):
        await hearing.hear(b"")


async def test_a_worker_that_is_killed_is_replaced(hearing: Hearing) -> None:
    file, _ = RECORDINGS[0]
    await hearing.hear(file.read_bytes())
    assert hearing._pool
    for process in list(hearing._pool._processes.values()):
        process.kill()
    assert await hearing.hear(file.read_bytes())


def test_the_worker_ends_with_the_server_that_started_it(folder: str, tmp_path: Path) -> None:
    script = f"""
import asyncio, os, signal
from bot.speech.hearing import Hearing
hearing = Hearing(lambda: {folder!r})
try:
    asyncio.run(hearing.hear(b"no sound"))
except Exception:
    pass
print(*hearing._pool._processes, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    (tmp_path / "server.py").write_text("if __name__ == '__main__':\n    " + "\n    ".join(script.splitlines()))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, str(tmp_path / "server.py")], capture_output=True, env=environment)
    (worker,) = ran.stdout.split()
    deadline = time.monotonic() + 15
    while Path(f"/proc/{int(worker)}").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not Path(f"/proc/{int(worker)}").exists()


async def test_more_than_can_wait_are_told_so(hearing: Hearing) -> None:
    hearing._waiting = 20
    with pytest.raises(TooBusy):
        await hearing.hear(b"-")


@pytest.fixture(scope="module")
def espeak() -> None:
    if shutil.which("espeak-ng") is None:
        subprocess.run(["apt-get", "install", "-y", "-q", "espeak-ng"], check=True, capture_output=True)  # noqa: S607


@pytest.mark.usefixtures("espeak")
async def test_a_text_is_read_aloud_slower_on_request_and_once() -> None:
    speaking = Speaking()
    quick, slow = await speaking.say("您好，我是养老顾问。"), await speaking.say("您好，我是养老顾问。", slow=True)
    assert quick[:4] == slow[:4] == b"OggS"
    assert len(slow) > len(quick) * 1.1
    assert await speaking.say("您好，我是养老顾问。") is quick


async def test_any_command_can_speak() -> None:
    with pytest.raises(NotAvailable):
        await Speaking("false").say("您好")
    with pytest.raises(NotAvailable, match="no-such-voice"):
        Speaking("no-such-voice --now")
    wav = next(file for file, _ in RECORDINGS if file.suffix == ".wav")
    assert (await Speaking(f"cat {wav}").say("您好"))[:4] == b"OggS"
    assert encoded(wav.read_bytes(), "ogg")[:4] == b"OggS"
    assert encoded(wav.read_bytes(), "mp3")[:3] == b"ID3"

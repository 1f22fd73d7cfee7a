"""A stand-in for Telegram's Bot API: a real HTTP server on 127.0.0.1 for the unmodified library.

It takes what Telegram takes and refuses what Telegram refuses: text that is empty or over 4,096
UTF-16 units, HTML that does not parse, keyboards that are too large. It fails on order.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from bot.started import free_port

TOKEN = "123456:stand-in"
BOT = {"id": 123456, "is_bot": True, "first_name": "养老顾问", "username": "yanglao_guwen_bot"}
_TAGS = {"b", "i", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}
_MAX_TEXT, _MAX_CAPTION = 4096, 1024


@dataclass
class Sent:
    """One call that the server took."""

    method: str
    chat: int
    data: dict[str, Any]
    at: float
    file: bytes | None = None

    @property
    def text(self) -> str:
        """Return the text as a person reads it."""
        return _plain(self.data.get("text") or self.data.get("caption") or "")

    @property
    def buttons(self) -> list[tuple[str, str]]:
        """Return (title, callback data) of its buttons."""
        markup = self.data.get("reply_markup") or {}
        return [(b["text"], b.get("callback_data", "")) for row in markup.get("inline_keyboard", []) for b in row]

    @property
    def rows(self) -> list[int]:
        """Return how many buttons stand in each row."""
        return [len(row) for row in (self.data.get("reply_markup") or {}).get("inline_keyboard", [])]


@dataclass
class _Fault:
    kind: str
    times: int
    retry_after: int = 1
    chat: int | None = None
    seconds: float = 0


@dataclass
class BotApi:
    """The server's state, and what a test does with it."""

    url: str = ""
    sent: list[Sent] = field(default_factory=list)
    webhook: dict[str, Any] | None = None
    commands: list[dict[str, str]] = field(default_factory=list)
    polls: int = 0

    def __post_init__(self) -> None:
        self._updates: list[dict[str, Any]] = []
        self._faults: dict[str, deque[_Fault]] = defaultdict(deque)
        self._files: dict[str, bytes] = {}
        self._numbers = itertools.count(1000)
        self._messages = itertools.count(1)
        self.acknowledged = 0

    # --- what people do ------------------------------------------------------------------------

    def say(self, chat: int, text: str, **more: Any) -> dict[str, Any]:
        """Send a text message as a person in a private chat."""
        return self.give(message=self.message(chat, text=text, **more))

    def edit(self, chat: int, text: str) -> dict[str, Any]:
        """Change a message."""
        return self.give(edited_message=self.message(chat, text=text, edit_date=int(time.time())))

    def press(self, sent: Sent, title: str) -> dict[str, Any]:
        """Press a button under a message of the bot."""
        data = next(data for name, data in sent.buttons if title in name)
        query = {
            "id": str(next(self._numbers)),
            "from": person(sent.chat),
            "chat_instance": "x",
            "data": data,
            "message": self.message(sent.chat, text="-"),
        }
        return self.give(callback_query=query)

    def voice(self, chat: int, sound: bytes, seconds: int = 3) -> dict[str, Any]:
        """Send a voice note."""
        file_id = f"voice{next(self._numbers)}"
        self._files[file_id] = sound
        note = {"file_id": file_id, "file_unique_id": file_id, "duration": seconds, "file_size": len(sound)}
        return self.give(message=self.message(chat, voice=note))

    def message(self, chat: int, **parts: Any) -> dict[str, Any]:
        """Return a message as Telegram writes it."""
        text = str(parts.get("text") or "")
        if text.startswith("/"):
            length = len(text.split()[0])
            parts["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        kind = {"id": chat, "type": "private"} if chat > 0 else {"id": chat, "type": "group", "title": "一家人"}
        return {
            "message_id": next(self._messages),
            "date": int(time.time()),
            "chat": kind,
            "from": person(abs(chat)),
            **parts,
        }

    def give(self, **update: Any) -> dict[str, Any]:
        """Put an update into the queue, with the next number."""
        whole = {"update_id": next(self._numbers), **update}
        self.again(whole)
        return whole

    def again(self, update: dict[str, Any]) -> None:
        """Put the same update in (again), as Telegram does when it was not acknowledged."""
        self._updates.append(update)

    # --- what goes wrong -----------------------------------------------------------------------

    def fail(self, method: str, kind: str, times: int = 1, **more: Any) -> None:
        """Let the next calls of a method fail: flood, error, cut, hang, blocked, parse."""
        self._faults[method].append(_Fault(kind, times, **more))

    # --- what the bot did ----------------------------------------------------------------------

    def to(self, chat: int, method: str = "sendMessage") -> list[Sent]:
        """Return what was sent to a chat."""
        return [each for each in self.sent if each.chat == chat and each.method == method]

    def wait(self, condition: Callable[[], Any], seconds: float = 20) -> Any:
        """Wait until a condition holds, and return what it gave."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.02)
        said = [(each.chat, each.method, each.text[:60]) for each in self.sent[-8:]]
        raise AssertionError(f"not within {seconds} s; last sent: {said}")

    def answer(self, chat: int, number: int = 1, seconds: float = 20) -> Sent:
        """Wait for the ``number``-th message to a chat and return it."""
        self.wait(lambda: len(self.to(chat)) >= number, seconds)
        return self.to(chat)[number - 1]

    # --- the methods ---------------------------------------------------------------------------

    async def call(self, method: str, data: dict[str, Any], file: bytes | None) -> Response:
        """Answer one call."""
        chat = int(data.get("chat_id") or 0)
        fault = self._fault(method, chat)
        if fault:
            answer = await _failing(fault)
            if answer is not None:
                return answer
        handler = getattr(self, f"_{method}", None)
        if handler:
            return _ok(await handler(data))
        if method.startswith(("send", "edit")):
            wrong = _wrong(data, bool(file))
            if wrong:
                return _error(400, f"Bad Request: {wrong}")
            self.sent.append(Sent(method, chat, data, time.monotonic(), file))
            if method == "sendChatAction":
                return _ok(True)
            return _ok({**self.message(chat, text=data.get("text") or "-"), "from": BOT})
        if method in ("answerCallbackQuery", "deleteWebhook"):
            self.webhook = None if method == "deleteWebhook" else self.webhook
            self.sent.append(Sent(method, chat, data, time.monotonic()))
            return _ok(True)
        return _error(404, "Not Found")

    async def _getMe(self, data: dict[str, Any]) -> Any:
        return BOT

    async def _setMyCommands(self, data: dict[str, Any]) -> Any:
        self.commands = data["commands"]
        return True

    async def _setWebhook(self, data: dict[str, Any]) -> Any:
        self.webhook = data
        return True

    async def _getUpdates(self, data: dict[str, Any]) -> Any:
        self.polls += 1
        offset, deadline = int(data.get("offset") or 0), time.monotonic() + float(data.get("timeout") or 0)
        if offset:
            self.acknowledged = max(self.acknowledged, offset - 1)
            self._updates = [each for each in self._updates if each["update_id"] >= offset]
        while not self._updates and time.monotonic() < deadline:  # noqa: ASYNC110 (given by another thread)
            await asyncio.sleep(0.02)
        return self._updates[: int(data.get("limit") or 100)]

    async def _getFile(self, data: dict[str, Any]) -> Any:
        return {"file_id": data["file_id"], "file_unique_id": data["file_id"], "file_path": f"voice/{data['file_id']}"}

    def file(self, path: str) -> bytes | None:
        """Return a file that was sent to the bot."""
        return self._files.get(path.split("/")[-1])

    def _fault(self, method: str, chat: int) -> _Fault | None:
        queue = self._faults[method]
        for fault in queue:
            if fault.times > 0 and fault.chat in (None, chat):
                fault.times -= 1
                return fault
        return None


def person(number: int) -> dict[str, Any]:
    """Return a Telegram user."""
    return {"id": number, "is_bot": False, "first_name": "老人", "language_code": "zh-hans"}


@contextmanager
def bot_api() -> Iterator[BotApi]:
    """Run the server in a thread."""
    port = free_port()
    api = BotApi(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(_app(api), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield api
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(5)


def push(url: str, update: dict[str, Any], secret: str | None) -> httpx.Response:
    """Call a webhook as Telegram does."""
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret is not None else {}
    return httpx.post(url, json=update, headers=headers, timeout=10, trust_env=False)


def _app(api: BotApi) -> FastAPI:
    app = FastAPI()

    @app.api_route("/bot{token}/{method}", methods=["GET", "POST"])
    async def call(token: str, method: str, request: Request) -> Response:
        if token != TOKEN:
            return _error(401, "Unauthorized")
        data, file = await _parameters(request)
        return await api.call(method, data, file)

    @app.get("/file/bot{token}/{path:path}")
    async def download(token: str, path: str) -> Response:
        found = api.file(path) if token == TOKEN else None
        return Response(found) if found is not None else _error(404, "Not Found")

    return app


async def _parameters(request: Request) -> tuple[dict[str, Any], bytes | None]:
    form = await request.form()
    data: dict[str, Any] = dict(request.query_params)
    file = None
    for name, value in form.items():
        if isinstance(value, str):
            data[name] = value
        else:
            file = await value.read()
    for name in ("reply_markup", "commands", "allowed_updates"):
        if isinstance(data.get(name), str):
            data[name] = json.loads(data[name])
    return data, file


async def _failing(fault: _Fault) -> Response | None:
    if fault.kind == "flood":
        body = {"ok": False, "error_code": 429, "description": f"Too Many Requests: retry after {fault.retry_after}"}
        return JSONResponse({**body, "parameters": {"retry_after": fault.retry_after}}, 429)
    if fault.kind == "error":
        return _error(502, "Bad Gateway")
    if fault.kind == "blocked":
        return _error(403, "Forbidden: bot was blocked by the user")
    if fault.kind == "parse":
        return _error(400, "Bad Request: can't parse entities")
    if fault.kind == "cut":
        raise ConnectionError("cut on order")
    await asyncio.sleep(fault.seconds)  # hang, then answer
    return None


def _wrong(data: dict[str, Any], has_file: bool) -> str | None:
    """Return what Telegram would refuse in a message."""
    text = data.get("text", data.get("caption"))
    if text is not None:
        html = data.get("parse_mode") == "HTML"
        try:
            plain = _plain(text) if html else text
        except ValueError as error:
            return f"can't parse entities: {error}"
        if not plain.strip() and not has_file:
            return "message text is empty"
        if len(plain.encode("utf-16-le")) // 2 > (_MAX_CAPTION if has_file else _MAX_TEXT):
            return "message is too long"
    for row in (data.get("reply_markup") or {}).get("inline_keyboard", []):
        for button in row:
            if len(row) > 8 or not button["text"] or not 1 <= len(button.get("callback_data", "x").encode()) <= 64:
                return "BUTTON_DATA_INVALID"
    return None


class _Html(HTMLParser):
    """Reads Telegram's HTML as strictly as Telegram does."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise ValueError(f'unsupported start tag "{tag}"')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise ValueError(f'unexpected end tag "{tag}"')

    def handle_data(self, data: str) -> None:
        if "<" in data:
            raise ValueError('unescaped "<"')
        self.text += data

    def handle_entityref(self, name: str) -> None:
        self.text += {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}.get(name, f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.text += chr(int(name[1:], 16) if name.startswith("x") else int(name))

    def handle_comment(self, data: str) -> None:
        raise ValueError("a comment")


def _plain(text: str) -> str:
    parser = _Html()
    parser.feed(text)
    parser.close()
    if parser.open:
        raise ValueError(f'can\'t find end tag for "{parser.open[-1]}"')
    return parser.text


def _ok(result: Any) -> Response:
    return JSONResponse({"ok": True, "result": result})


def _error(code: int, description: str) -> Response:
    return JSONResponse({"ok": False, "error_code": code, "description": description}, code)

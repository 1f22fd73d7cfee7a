"""Draws the desk's pages, and lets in only who is logged in and may: every route asks here first."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fastapi import Request
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from starlette.concurrency import run_in_threadpool

from bot.desk.accounts import Accounts, digest
from bot.web.pages import HEADERS
from bot.web.session import same_origin
from storage.crypto import Cipher
from storage.staff import Member

COOKIE = "desk"
_TEMPLATES = Jinja2Templates(directory=Path(__file__).with_name("templates"))
# What is in the menu, and who may see it.
MENU = (
    ("/desk", "接听", "clerk"),
    ("/desk/queue", "排队", "clerk"),
    ("/desk/calls", "回电", "clerk"),
    ("/desk/bookings", "预约", "clerk"),
    ("/desk/notes", "记录", "clerk"),
    ("/desk/learning", "没答上的", "editor"),
    ("/desk/services", "服务清单", "editor"),
    ("/desk/statistics", "统计", "editor"),
    ("/desk/staff", "人员", "admin"),
    ("/desk/audit", "操作日志", "admin"),
)


class NotLoggedIn(Exception):
    """Nobody is logged in; becomes the way to the login page."""


class NotAllowed(Exception):
    """The member's role does not reach this far, or a form is not from our page; becomes status 403."""


class DeskPages:
    """Draws pages for members of staff."""

    def __init__(self, accounts: Accounts, cipher: Cipher, secure: bool) -> None:
        """Take who may log in, the key that form tokens hang on, and whether cookies need HTTPS."""
        self._accounts = accounts
        self._cipher = cipher
        self._secure = secure

    async def member(self, request: Request, role: str = "clerk", touch: bool = True) -> Member:
        """Return who asks; a page that looks by itself does not ``touch`` the session. Raises NotLoggedIn, NotAllowed."""
        found = await run_in_threadpool(self._accounts.member, request.cookies.get(COOKIE, ""), touch)
        if found is None:
            raise NotLoggedIn
        if not found.may(role):
            raise NotAllowed
        return found

    async def clerk(self, request: Request) -> Member:
        """Return who asks, as a dependency: a stream that has begun can refuse nobody."""
        return await self.member(request, touch=False)

    async def taken(self, request: Request, token: str, role: str = "clerk") -> Member:
        """Return who sent a form from one of our pages. Raises NotLoggedIn, NotAllowed."""
        member = await self.member(request, role)
        if not same_origin(request) or not hmac.compare_digest(self.form_token(request).encode(), token.encode()):
            raise NotAllowed
        return member

    def form_token(self, request: Request) -> str:
        """Return what the forms of this session carry."""
        return self._cipher.digest(digest(request.cookies.get(COOKIE, "")), "desk.form")

    def show(
        self,
        request: Request,
        template: str,
        member: Member | None,
        context: Mapping[str, Any] = MappingProxyType({}),
        status: int = 200,
    ) -> HTMLResponse:
        """Return a page of the desk."""
        every = {
            "member": member,
            "menu": [(to, title) for to, title, role in MENU if member and member.may(role)],
            "csrf": self.form_token(request),
            "key": uuid.uuid4().hex,
            "path": request.url.path,
        }
        return _TEMPLATES.TemplateResponse(request, template, {**every, **context}, status, headers=HEADERS)

    def log_in(self, answer: Response, token: str) -> None:
        """Set the cookie: no script reads it, no other site sends it, and it is gone with the browser."""
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=self._secure, path="/desk")

    def refuse(self, request: Request, error: Exception) -> Response:
        """Return the login page for who is not logged in, else a page that says what is not allowed."""
        if isinstance(error, NotLoggedIn):
            if request.headers.get("x-wants") == "part":
                return Response(status_code=401, headers=HEADERS)
            return go("/desk/login")
        return self.show(request, "refused.html", None, status=403)

    async def unread(self, request: Request, error: Exception) -> Response:
        """Return a plain page for a form of ours that cannot be read; elsewhere what FastAPI returns."""
        if not isinstance(error, RequestValidationError):
            raise error
        if not request.url.path.startswith("/desk"):
            return await request_validation_exception_handler(request, error)
        return self.show(request, "refused.html", None, {"unread": True}, 422)


def go(to: str) -> RedirectResponse:
    """Return the way to another page of the desk, after a form."""
    return RedirectResponse(to, status_code=303, headers=HEADERS)


def template_filter(name: str, function: Callable[..., Any]) -> None:
    """Add a filter that the desk's templates use."""
    _TEMPLATES.env.filters[name] = function


template_filter("clock", lambda at: at.strftime("%H:%M") if at else "")
template_filter("moment", lambda at: f"{at.month}月{at.day}日 {at:%H:%M}" if at else "")

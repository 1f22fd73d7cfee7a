"""Logging in and out, and who works here: for everybody, and for the administrator."""

from __future__ import annotations

import asyncio
from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from bot.desk.accounts import Accounts, LoginRefused
from bot.desk.pages import COOKIE, DeskPages, NotAllowed, go
from bot.web.limiting import Limiting, TooMany
from bot.web.session import Visitor, same_origin
from storage.audit import Audit
from storage.staff import ROLES, NameTaken, NoSuchStaff

ROLE_NAMES = {"clerk": "话务员", "editor": "编辑", "admin": "管理员"}
_TRIES_A_MINUTE = 60  # from one address, whatever the names: a whole shift may log in at once
_SHOWN = 200
_NAME = r"^[a-z0-9._-]{2,40}$"


def login_routes(pages: DeskPages, accounts: Accounts) -> APIRouter:
    """Return the routes of the login."""
    routes = APIRouter()
    limiting = Limiting(10_000, _TRIES_A_MINUTE)

    @routes.get("/desk/login", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """Show the form."""
        return pages.show(request, "login.html", None)

    @routes.post("/desk/login", response_class=HTMLResponse)
    async def log_in(
        request: Request,
        name: Annotated[str, Form(max_length=40)] = "",
        password: Annotated[str, Form(max_length=200)] = "",
        code: Annotated[str, Form(max_length=12)] = "",
    ) -> Response:
        """Begin a session; what was wrong is not told."""
        if not same_origin(request):
            raise NotAllowed
        try:
            limiting.check(request, Visitor(name), "login")
            token = await asyncio.to_thread(accounts.log_in, name.strip().lower(), password, code)
        except TooMany:
            return pages.show(request, "login.html", None, {"busy": True}, 429)
        except LoginRefused:
            return pages.show(request, "login.html", None, {"refused": True, "name": name}, 403)
        answer = go("/desk")
        pages.log_in(answer, token)
        return answer

    @routes.post("/desk/logout")
    async def log_out(request: Request, csrf: Annotated[str, Form(max_length=128)] = "") -> Response:
        """End the session."""
        await pages.taken(request, csrf)
        await asyncio.to_thread(accounts.log_out, request.cookies.get(COOKIE, ""))
        answer = go("/desk/login")
        answer.delete_cookie(COOKIE, path="/desk")
        return answer

    return routes


def staff_routes(pages: DeskPages, accounts: Accounts, audit: Audit) -> APIRouter:
    """Return the routes of the administrator: members and the audit."""
    routes = APIRouter()

    def shown(request: Request, member: object, **more: object) -> Response:
        context = {"staff": accounts.book.all(), "roles": ROLE_NAMES, **more}
        return pages.show(request, "staff.html", member, context)  # type: ignore[arg-type]

    @routes.get("/desk/staff", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """Show who works here."""
        member = await pages.member(request, "admin")
        return await asyncio.to_thread(shown, request, member)

    @routes.post("/desk/staff", response_class=HTMLResponse)
    async def act(
        request: Request,
        act: Annotated[str, Form(max_length=10)] = "",
        name: Annotated[str, Form(pattern=_NAME)] = "",
        called: Annotated[str, Form(max_length=20)] = "",
        role: Annotated[str, Form(max_length=8)] = "clerk",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Add a member, renew credentials, change the role, disable or enable."""
        member = await pages.taken(request, csrf, "admin")
        if role not in ROLES or (name == member.name and act != "renew"):
            raise NotAllowed  # nobody shuts themselves out
        book, made = accounts.book, None
        try:
            if act == "add":
                made = await asyncio.to_thread(accounts.add, name, called.strip() or name, role, member.actor)
            elif act == "renew":
                made = await asyncio.to_thread(accounts.renew, name, member.actor)
            elif act in ("disable", "enable"):
                await asyncio.to_thread(book.set_state, name, "disabled" if act == "disable" else "active")
                await asyncio.to_thread(audit.note, member.actor, f"staff_{act}", name)
            elif act == "role":
                await asyncio.to_thread(book.set_role, name, role)
                await asyncio.to_thread(audit.note, member.actor, "staff_role", f"{name} ({role})")
        except NameTaken:
            return await asyncio.to_thread(shown, request, member, problem=f"“{name}”已经有人用了，换一个登录名。")
        except NoSuchStaff:
            return await asyncio.to_thread(shown, request, member, problem=f"没有“{name}”这个人。")
        if made is None:
            return go("/desk/staff")
        code = segno.make(made.address(name), micro=False)
        picture = Markup(code.svg_inline(scale=4, border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr"))  # noqa: S704 (made of an address of ours)
        return await asyncio.to_thread(shown, request, member, made=made, made_for=name, qr=picture)

    @routes.get("/desk/audit", response_class=HTMLResponse)
    async def audited(request: Request, who: str = "") -> Response:
        """Show who did what."""
        member = await pages.member(request, "admin")
        lines = await asyncio.to_thread(audit.latest, _SHOWN, f"staff:{who}" if who else "")
        await asyncio.to_thread(audit.note, member.actor, "look_audit", who or None)
        return pages.show(request, "audit.html", member, {"lines": lines, "who": who})

    return routes

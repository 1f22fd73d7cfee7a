"""The form of one service over HTTP: filled in, looked at as it would be, handed to another editor."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from bot.desk.editing_form import Texts, groups, label_of, tables, texts_from, texts_of
from bot.desk.editing_list import Checked, Conflict, EditedList, service_in
from bot.desk.pages import DeskPages, NotAllowed, NotLoggedIn, go
from bot.web.session import same_origin
from knowledge.conditions_text import WORDS
from storage.drafts import MAX_WHY
from storage.staff import Member

_NEW = {"kind": "服务", "region": "上海"}
_WHY_MISSING = "请写一句为什么改，审核的人要看。"
Csrf = Annotated[str, Form(max_length=128)]


@dataclass(frozen=True)
class Opened:
    """A form as an editor has it before them; ``service_id`` is empty for a new service."""

    service_id: str
    texts: Texts
    base: str  # the list's version it was opened on, or last shown to differ from
    draft: str = ""  # the draft it is to replace
    why: str = ""
    checked: Checked | None = None
    conflict: Conflict | None = None
    why_missing: str = ""


def opened(edited: EditedList, service_id: str, draft_id: str) -> Opened:
    """Return the form to begin with; of a draft with what others changed meanwhile. Raises HTTPException 404."""
    present = edited.present()
    draft = edited.drafts.get(draft_id) if draft_id else None
    if service_id and service_id not in present.services:
        raise HTTPException(404)
    if draft and draft.service and service_id in ("", draft.service_id):
        conflict = edited.conflict(draft.service_id, draft.base)
        return Opened(service_id, texts_of(service_in(draft)), present.version, draft.id, draft.why, None, conflict)
    texts = texts_of(present[service_id]) if service_id else dict(_NEW)
    return Opened(service_id, texts, present.version)


def sent(edited: EditedList, service_id: str, form: Mapping[str, Any]) -> Opened:
    """Return the form that somebody sent, checked unless only more rows are wanted. Raises HTTPException 404."""
    present = edited.present()
    if service_id and service_id not in present.services:
        raise HTTPException(404)
    texts = texts_from(form)
    texts["id"] = service_id or texts["id"]
    base, draft, why = (" ".join(str(form.get(name) or "").split()) for name in ("base", "draft", "why"))
    given = Opened(service_id, texts, base, draft, why[:MAX_WHY])
    if form.get("act") == "rows":
        return given
    missing = _WHY_MISSING if form.get("act") == "submit" and not why else ""
    # Shown together with what others changed, the form counts as made from the list of now.
    return replace(
        given,
        base=present.version,
        checked=edited.check(texts, new=not service_id),
        conflict=edited.conflict(texts["id"], base),
        why_missing=missing,
    )


def form_routes(pages: DeskPages, edited: EditedList) -> APIRouter:
    """Return the routes of the form."""
    routes = APIRouter()

    def begin(request: Request, member: Member, service_id: str, draft: str) -> Response:
        return pages.show(request, "service_edit.html", member, _context(edited, opened(edited, service_id, draft)))

    def act(request: Request, member: Member, service_id: str, form: Mapping[str, Any]) -> Response:
        given = sent(edited, service_id, form)
        checked, stands = given.checked, given.conflict or given.why_missing
        if form.get("act") == "submit" and checked and checked.ready and not stands:
            draft = edited.make(given.texts["id"], checked.service, given.why, member, given.draft)
            return go(f"/desk/drafts/{draft.id}")
        status = 422 if given.why_missing or (checked and checked.wrong) else 200
        return pages.show(request, "service_edit.html", member, _context(edited, given), status)

    async def taken(request: Request, service_id: str, csrf: str) -> Response:
        """Take a form in. An hour's typing is not lost for a session that ended: it comes back, to be sent again."""
        form: Mapping[str, Any] = await request.form()
        try:
            member = await pages.taken(request, csrf, "editor")
        except (NotLoggedIn, NotAllowed) as error:
            if not same_origin(request):
                raise
            if isinstance(error, NotLoggedIn):
                typed = [(name, text) for name, text in form.items() if name != "act" and isinstance(text, str)]
                return pages.show(request, "service_waiting.html", None, {"typed": typed}, 401)
            member = await pages.member(request, "editor")
            form = {**form, "act": "preview"}  # whatever was pressed: only looked at, not kept
        return await asyncio.to_thread(act, request, member, service_id, form)

    @routes.get("/desk/services/new", response_class=HTMLResponse)
    async def new(request: Request, draft: str = "") -> Response:
        """Show the empty form, or a draft of a service that is not in the list yet."""
        member = await pages.member(request, "editor")
        return await asyncio.to_thread(begin, request, member, "", draft)

    @routes.post("/desk/services/new", response_class=HTMLResponse)
    async def add(request: Request, csrf: Csrf = "") -> Response:
        """Show what the new service would be, or keep it as a draft."""
        return await taken(request, "", csrf)

    @routes.get("/desk/services/{service_id}", response_class=HTMLResponse)
    async def page(request: Request, service_id: str, draft: str = "") -> Response:
        """Show the form of a service, or of a draft of it."""
        member = await pages.member(request, "editor")
        return await asyncio.to_thread(begin, request, member, service_id, draft)

    @routes.post("/desk/services/{service_id}", response_class=HTMLResponse)
    async def change(request: Request, service_id: str, csrf: Csrf = "") -> Response:
        """Show what would change, or keep it as a draft."""
        return await taken(request, service_id, csrf)

    return routes


def removal_routes(pages: DeskPages, edited: EditedList) -> APIRouter:
    """Return the routes of the page that proposes to remove a service."""
    routes = APIRouter()

    def context(service_id: str) -> dict[str, Any]:
        service = edited.present().get(service_id)
        if service is None:
            raise HTTPException(404)
        return {"service": service, "against": edited.check_removal(service_id), "max_why": MAX_WHY}

    @routes.get("/desk/services/{service_id}/remove", response_class=HTMLResponse)
    async def page(request: Request, service_id: str) -> Response:
        """Show what would be removed, and what stands against it."""
        member = await pages.member(request, "editor")
        return pages.show(request, "service_remove.html", member, await asyncio.to_thread(context, service_id))

    @routes.post("/desk/services/{service_id}/remove", response_class=HTMLResponse)
    async def remove(request: Request, service_id: str, why: Annotated[str, Form()] = "", csrf: Csrf = "") -> Response:
        """Keep the removal as a draft."""
        member = await pages.taken(request, csrf, "editor")
        found, why = await asyncio.to_thread(context, service_id), " ".join(why.split())[:MAX_WHY]
        if found["against"] or not why:
            found["why_missing"] = "" if why else _WHY_MISSING
            return pages.show(request, "service_remove.html", member, {**found, "why": why}, 422)
        draft = await asyncio.to_thread(edited.make, service_id, None, why, member)
        return go(f"/desk/drafts/{draft.id}")

    return routes


def _context(edited: EditedList, form: Opened) -> dict[str, Any]:
    wrong = form.checked.wrong if form.checked else {}
    waiting = edited.drafts.open(form.service_id) if form.service_id else []
    return {
        "form": form,
        "service": edited.present().get(form.service_id),
        "groups": groups(form.texts, wrong),
        "tables": tables(form.texts, wrong),
        "troubles": [(name, label_of(name), told) for name, each in wrong.items() for told in each],
        "others": [draft for draft in waiting if draft.id != form.draft],
        "words": WORDS,
        "max_why": MAX_WHY,
    }

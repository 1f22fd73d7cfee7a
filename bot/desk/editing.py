"""The editor's pages: the service list, drafts that a second editor publishes, the versions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from bot.desk.editing_list import CannotPublish, EditedList, compared, service_in
from bot.desk.editing_preview import answers, differences, hard_to_read
from bot.desk.editing_service import Csrf, form_routes, removal_routes
from bot.desk.pages import DeskPages, go
from knowledge.errors import KnowledgeError
from knowledge.schema import Service
from knowledge.sheet_columns import CATEGORIES
from knowledge.store import ServiceList, overdue
from storage.drafts import Draft
from storage.staff import Member


def editing_routes(pages: DeskPages, edited: EditedList, clock: Callable[[], datetime]) -> APIRouter:
    """Return the routes of the list, the form, the drafts and the versions."""
    routes = APIRouter()
    for each in (
        _list_routes(pages, edited, clock),
        _history_routes(pages, edited),  # before the form's: history is no service
        form_routes(pages, edited),
        removal_routes(pages, edited),
        _draft_routes(pages, edited, clock),
    ):
        routes.include_router(each)
    return routes


def _list_routes(pages: DeskPages, edited: EditedList, clock: Callable[[], datetime]) -> APIRouter:
    routes = APIRouter()

    def context(asked: str) -> dict[str, Any]:
        services, today, drafts = edited.present(), clock().date(), edited.drafts.open()
        shown = [service for service in services if _fits(service, asked)]
        late = overdue(shown, today)
        # Overdue ones first, else as they stand in the list.
        shown.sort(key=lambda service: service not in late)
        by_category = [(title, [each for each in shown if each.category is key]) for key, title in CATEGORIES.items()]
        return {
            "q": asked,
            "late": late,
            "categories": [(title, each) for title, each in by_category if each],
            "drafts": [(draft, _name(draft, services)) for draft in drafts],
            "in_draft": {draft.service_id for draft in drafts},
            "broken": edited.troubles(),
        }

    @routes.get("/desk/services", response_class=HTMLResponse)
    async def listed(request: Request, q: str = "") -> Response:
        """Show all services or those that ``q`` names, what is overdue, and what waits for a second editor."""
        member = await pages.member(request, "editor")
        return pages.show(request, "services.html", member, await asyncio.to_thread(context, q.strip()))

    return routes


def _draft_routes(pages: DeskPages, edited: EditedList, clock: Callable[[], datetime]) -> APIRouter:
    routes = APIRouter()

    def found(draft_id: str) -> Draft:
        draft = edited.drafts.get(draft_id)
        if draft is None:
            raise HTTPException(404)
        return draft

    def context(draft: Draft) -> dict[str, Any]:
        present = edited.present()
        after = service_in(draft) if draft.service else None
        path = draft.service_id if draft.service_id in present.services else "new"
        return {
            "draft": draft,
            "name": _name(draft, present),
            "differences": differences(edited.base_of(draft), after),
            "hard": hard_to_read(after, clock().date()) if after else [],
            "answers": answers(after, clock().date()) if after else [],
            "conflict": edited.conflict(draft.service_id, draft.base) if draft.state == "open" else None,
            "again": f"/desk/services/{path}?draft={draft.id}" if after else "",
        }

    def publish(request: Request, member: Member, draft: Draft) -> Response:
        try:
            edited.publish(draft.id, member)
        except CannotPublish as error:
            told = {**context(found(draft.id)), "against": error.reasons}
            return pages.show(request, "service_draft.html", member, told, 409)
        return go(f"/desk/drafts/{draft.id}")

    @routes.get("/desk/drafts/{draft_id}", response_class=HTMLResponse)
    async def page(request: Request, draft_id: str) -> Response:
        """Show what a draft changes and what it would answer."""
        member = await pages.member(request, "editor")
        draft = await asyncio.to_thread(found, draft_id)
        return pages.show(request, "service_draft.html", member, await asyncio.to_thread(context, draft))

    @routes.post("/desk/drafts/{draft_id}", response_class=HTMLResponse)
    async def end(
        request: Request, draft_id: str, act: Annotated[str, Form(max_length=10)] = "", csrf: Csrf = ""
    ) -> Response:
        """Publish a draft that somebody else made, or withdraw one."""
        member = await pages.taken(request, csrf, "editor")
        draft = await asyncio.to_thread(found, draft_id)
        if act == "publish":
            return await asyncio.to_thread(publish, request, member, draft)
        if act == "withdraw":
            await asyncio.to_thread(edited.withdraw, draft, member)
        return go(f"/desk/drafts/{draft.id}")

    return routes


def _history_routes(pages: DeskPages, edited: EditedList) -> APIRouter:
    routes = APIRouter()

    def version(number: int) -> ServiceList:
        """Return the list as it was; 0 is the list of now. Raises HTTPException 404."""
        try:
            return edited.keeper.services_of(number) if number else edited.present()
        except KnowledgeError as error:
            raise HTTPException(404, str(error)) from error

    def history(before: int | None, after: int) -> dict[str, Any]:
        versions = edited.keeper.versions()
        changed = compared(version(before), version(after)) if before is not None else None
        return {"versions": versions[::-1], "before": before, "after": after, "changed": changed}

    def rolled_back(number: int) -> dict[str, Any]:
        return {"number": number, "changed": compared(edited.present(), version(number))}

    @routes.get("/desk/services/history", response_class=HTMLResponse)
    async def page(request: Request, before: int | None = None, after: int = 0) -> Response:
        """Show the versions, and what is different between two of them."""
        member = await pages.member(request, "editor")
        return pages.show(request, "services_history.html", member, await asyncio.to_thread(history, before, after))

    @routes.get("/desk/services/history/{number}", response_class=HTMLResponse)
    async def ask(request: Request, number: int) -> Response:
        """Show what a roll-back would change."""
        member = await pages.member(request, "admin")
        return pages.show(request, "services_rollback.html", member, await asyncio.to_thread(rolled_back, number))

    @routes.post("/desk/services/history/{number}", response_class=HTMLResponse)
    async def roll_back(request: Request, number: int, csrf: Csrf = "") -> Response:
        """Make an earlier version the list again, as a new version."""
        member = await pages.taken(request, csrf, "admin")
        try:
            await asyncio.to_thread(edited.roll_back, number, member)
        except KnowledgeError as error:
            raise HTTPException(404, str(error)) from error
        return go("/desk/services/history")

    return routes


def _fits(service: Service, asked: str) -> bool:
    return any(asked.lower() in text.lower() for text in (service.name, *service.aliases, service.id))


def _name(draft: Draft, services: ServiceList) -> str:
    """Return the name as drafted, else as listed; the id of one that was removed."""
    if draft.service:
        return service_in(draft).name
    listed = services.get(draft.service_id)
    return listed.name if listed else draft.service_id

"""The service list to look through: by category, by search, one page a service, one address an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date, datetime
from urllib.parse import quote

import segno
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from bot.web.limiting import Limiting
from bot.web.pages import Pages, address_of, wants_part
from knowledge.answer import ASPECTS, Asked, compose
from knowledge.expiry import is_expired
from knowledge.figures import as_sentence
from knowledge.library import Library
from knowledge.normalise import normalise
from knowledge.passages import PassageKind
from knowledge.phrases import phrase, say
from knowledge.plain_text import plain_text
from knowledge.reply import AnswerBlock, Outcome, Reply
from knowledge.schema import Service
from knowledge.sheet_columns import CATEGORIES

_FOUND = 8
_LONGEST = 60  # characters of a search
_LEAST = 0.02  # probability under which a service is not worth a line


def service_routes(
    pages: Pages, library: Callable[[], Library], limiting: Limiting, clock: Callable[[], datetime], site: str
) -> APIRouter:
    """Return the routes. ``site`` is our public address, else what the browser asked for is taken."""
    routes = APIRouter()

    def service_of(service_id: str) -> Service:
        service = library().services.get(service_id)
        if service is None:
            raise HTTPException(404)
        return service

    @routes.get("/services", response_class=HTMLResponse)
    async def listed(request: Request, q: str = "", category: str = "") -> Response:
        """Show the categories, one of them, or what a search found."""
        services = library().services
        found = None
        if q.strip():
            limiting.check(request, pages.sessions.visitor(request), "search")
            found = await asyncio.to_thread(search, library(), q)
            if wants_part(request):
                return pages.show(request, "found.html", {"found": found, "asked": q[:_LONGEST]})
        chosen = next((each for each in CATEGORIES if each == category), None)
        context = {
            "asked": q[:_LONGEST],
            "found": found,
            "chosen": phrase("page_categories")[chosen] if chosen else None,
            "services": [each for each in services if each.category is chosen],
            "categories": [
                (each, phrase("page_categories")[each], sum(service.category is each for service in services))
                for each in CATEGORIES
            ],
        }
        return pages.show(request, "services.html", context)

    @routes.get("/services/{service_id}", response_class=HTMLResponse)
    async def service(request: Request, service_id: str) -> Response:
        """Show all that is known about a service, ready for an A4 page."""
        found = service_of(service_id)
        today = clock().date()
        address = address_of(request, site, f"/services/{found.id}")
        context = {
            "service": found,
            "parts": answers(found, today),
            "category": (found.category, phrase("page_categories")[found.category]),
            "related": [each for key in found.related if (each := library().services.get(key))],
            "qr": qr(address),
            "address": address,
            "described": described(found, address),
            "printed": say("list_made", year=today.year, month=today.month, day=today.day),
        }
        return pages.show(request, "service.html", context)

    @routes.get("/services/{service_id}/{aspect}", response_class=HTMLResponse)
    async def answer(request: Request, service_id: str, aspect: str) -> Response:
        """Show one answer at its own address, to send to family: nothing of anybody's chat is in it."""
        found = service_of(service_id)
        if aspect not in ASPECTS:
            raise HTTPException(404)
        block = _bare(compose(found, aspect, Asked(clock().date()))[0])
        address = address_of(request, site, f"/services/{found.id}/{aspect}")
        text = f"{plain_text(Reply(blocks=[block], outcome=Outcome.ANSWERED_SERVICE))}\n{address}"
        context = {
            "service": found,
            "block": block,
            "qr": qr(address),
            "address": address,
            "text": text,
            "sms": f"sms:?&body={quote(text)}",
        }
        return pages.show(request, "answer.html", context)

    return routes


def answers(service: Service, today: date) -> list[tuple[str, AnswerBlock]]:
    """Return what the list knows of a service: a heading and an answer for each aspect it can answer."""
    shown: dict[str, tuple[str, AnswerBlock]] = {}
    for aspect in ASPECTS:
        block, known = compose(service, aspect, Asked(today))
        if aspect == "ask_amount":
            block = _with_every_figure(block, service, today)
        if known and aspect != "ask_contact":  # the telephone stands below
            shown.setdefault(block.lead, (say(f"button_{aspect}"), _bare(block)))
    return list(shown.values())


def _with_every_figure(block: AnswerBlock, service: Service, today: date) -> AnswerBlock:
    """Return the amounts without the limit of a message, which may have left some out."""
    if service.standard is None or is_expired(service, today):
        return block
    facts = [as_sentence(fact) for fact in service.standard.facts if fact.current]
    return block.model_copy(update={"points": list(dict.fromkeys([*facts, *block.points]))})


def search(library: Library, text: str) -> list[Service]:
    """Return services for what is typed so far: what has just this name, what has it in a name, then by meaning."""
    asked = normalise(text[:_LONGEST])
    if not asked:
        return []
    # The index has every name as normal text already.
    names = [each for each in library.search.index.passages if each.kind in (PassageKind.NAME, PassageKind.ALIAS)]
    exact = [library.services[each.service_id] for each in names if each.text == asked]
    within = [library.services[each.service_id] for each in names if asked in each.text]
    found = library.find_at_once(asked, _FOUND)
    meant = [library.services[match.service_id] for match in found if match.score >= _LEAST]
    both = {service.id: service for service in [*exact, *within, *meant]}
    return list(both.values())[:_FOUND]


def qr(address: str) -> Markup:
    """Return the address as a QR code, an SVG that scales."""
    code = segno.make(address, error="m", micro=False)
    return Markup(code.svg_inline(scale=4, border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr"))  # noqa: S704 (made of an address of ours)


def described(service: Service, address: str) -> Markup:
    """Return the service as schema.org's GovernmentService, in JSON-LD."""
    data = {
        "@context": "https://schema.org",
        "@type": "GovernmentService",
        "name": service.name,
        "alternateName": list(service.aliases),
        "description": service.summary,
        "serviceType": CATEGORIES[service.category],
        "url": address,
        "inLanguage": "zh-Hans",
        "areaServed": {"@type": "City", "name": "上海"},
        "serviceAudience": {"@type": "Audience", "audienceType": service.who} if service.who else None,
        "serviceOperator": {"@type": "GovernmentOrganization", "name": service.lead} if service.lead else None,
        "availableChannel": [
            {"@type": "ServiceChannel", "name": line.name, "servicePhone": line.phone} for line in service.contact
        ],
    }
    text = json.dumps({key: value for key, value in data.items() if value}, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 (no tag can begin in it)


def _bare(block: AnswerBlock) -> AnswerBlock:
    return block.model_copy(update={"buttons": []})

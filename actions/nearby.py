"""Places near somebody: by district, street and road; without data, the number to ask."""

from __future__ import annotations

from datetime import datetime

from knowledge.hours import parse_hours, today_line
from knowledge.phrases import hotline, say
from knowledge.places import KIND_NAMES, KIND_SERVICES, Found, PlaceBook, PlaceKind, kind_asked, walking_minutes
from knowledge.reply import Outcome, PlaceLine, PlacesBlock, Reply
from knowledge.where import Whereabouts, whereabouts

_LISTED = 10  # on a page; a message shows three


def places_near(text: str, book: PlaceBook, at: datetime, was: PlaceKind | None = None) -> Reply | None:
    """Return the places that normal ``text`` looks for, or None where it looks for none.

    ``was`` is the kind asked for just before: 我住田林 goes on with it.
    """
    where = whereabouts(text)
    kind = kind_asked(text) or (was if where.is_known() else None)
    if kind is None or (not where.is_known() and not book):
        return None
    if not book:
        return _no_data(kind)
    if not where.is_known():
        return _answer(kind, say("places_where", kind=KIND_NAMES[kind]), [], Outcome.ASKED_SLOT)
    found = book.find(kind, where)
    if not found:
        return _no_data(kind)
    notes = _notes(found)
    if where.road and found[0].metres is None:
        notes.insert(0, say("places_no_road", road=where.road))
    name = where.road or where.street or where.district
    text = say("places_found", where=name, kind=KIND_NAMES[kind])
    return _answer(kind, text, [_line(each, at) for each in found], Outcome.ANSWERED_PLACES, notes)


def places_of(
    kind: PlaceKind, text: str, book: PlaceBook, at: datetime, near: tuple[float, float] | None = None
) -> Reply:
    """Return places of ``kind`` around a point, or near what normal ``text`` names."""
    where = whereabouts(text)
    if near is None and not where.is_known():
        return _answer(kind, say("places_where", kind=KIND_NAMES[kind]), [], Outcome.ASKED_SLOT)
    found = book.find(kind, where, near, top=_LISTED)
    if not found:
        return _no_data(kind)
    name = where.road or where.street or where.district or say("places_you")
    return _answer(
        kind,
        say("places_found", where=name, kind=KIND_NAMES[kind]),
        [_line(each, at) for each in found],
        Outcome.ANSWERED_PLACES,
        _notes(found),
    )


def places_around(point: tuple[float, float], book: PlaceBook, at: datetime) -> Reply:
    """Return the advisor points nearest to a point (WGS 84 latitude, longitude), with the way to walk."""
    found = book.find(PlaceKind.ADVISOR_POINT, Whereabouts(), near=point)
    if not found:
        return _no_data(PlaceKind.ADVISOR_POINT)
    lines = [_line(each, at) for each in found]
    return _answer(
        PlaceKind.ADVISOR_POINT, say("telegram_location_near"), lines, Outcome.ANSWERED_PLACES, _notes(found)
    )


def _notes(found: list[Found]) -> list[str]:
    notes = [say("places_walk")] if found[0].metres is not None else []
    return [*notes, say("places_sample")] if any(each.place.sample for each in found) else notes


def _line(found: Found, at: datetime) -> PlaceLine:
    place = found.place
    far = None
    if found.metres is not None:
        far = say("places_distance", metres=round(found.metres, -1), minutes=walking_minutes(found.metres))
    return PlaceLine(
        name=place.name,
        address=f"{place.district}{place.street or ''}{place.address}",
        phone=place.phone,
        hours=today_line(parse_hours(place.hours), at) if place.hours else None,
        distance=far,
        sample=place.sample,
    )


def _no_data(kind: PlaceKind) -> Reply:
    return _answer(kind, say("places_none", kind=KIND_NAMES[kind]), [], Outcome.UNANSWERED_FIELD)


def _answer(
    kind: PlaceKind, text: str, lines: list[PlaceLine], outcome: Outcome, notes: list[str] | None = None
) -> Reply:
    block = PlacesBlock(service_id=KIND_SERVICES[kind], text=text, places=lines, notes=notes or [], contact=[hotline()])
    return Reply(blocks=[block], outcome=outcome)


def looked_for(reply: Reply | None) -> PlaceKind | None:
    """Return the kind of place that the last reply asked the whereabouts for."""
    for block in reply.blocks if reply else []:
        if isinstance(block, PlacesBlock) and not block.places:
            return next((kind for kind, name in KIND_NAMES.items() if name in block.text), None)
    return None

"""A service and an aspect become a plain-language answer.

Every sentence comes from the service's own fields or from phrases.yaml; nothing is made up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from knowledge.phrases import say
from knowledge.reply import Act, AnswerBlock, Button, ContactLine, SourceLine
from knowledge.schema import Category, Condition, Fact, Kind, Service

ASPECTS = (
    "ask_service",
    "ask_eligibility",
    "ask_amount",
    "ask_how_to_apply",
    "ask_documents",
    "ask_where",
    "ask_contact",
    "ask_time",
)
MAX_LEAD = 60
MAX_ANSWER = 150
_SENTENCE = re.compile(r"[^。！？；]+[。！？；]?")
_DIGITS_ALOUD = str.maketrans("0123456789-", "零一二三四五六七八九 ")


@dataclass(frozen=True)
class Asked:
    """What the question says besides the aspect."""

    today: date
    ages: tuple[tuple[int, int], ...] = ()  # of each person named: youngest and oldest


@dataclass
class _Draft:
    lead: str
    points: list[str]
    how: str | None = None
    found: bool = True  # False: the list does not know this aspect


def compose(service: Service, aspect: str, asked: Asked, confidence: float = 1.0) -> tuple[AnswerBlock, bool]:
    """Return the answer, and whether the list knew the aspect asked for.

    ``aspect`` is one of ASPECTS; anything else is answered as ``ask_service``.
    """
    draft = _COMPOSERS.get(aspect, _service)(service, asked)
    lead, points = _fit(draft.lead, draft.points)
    block = AnswerBlock(
        service_id=service.id,
        aspect=aspect,
        title=service.name,
        lead=lead,
        points=points,
        how=draft.how,
        contact=[ContactLine(name=line.name, phone=line.phone) for line in service.contact[:2]],
        source=_source(service),
        outdated=say("outdated", phone=service.contact[0].phone) if asked.today > service.review_by else None,
        buttons=_buttons(service, aspect),
        confidence=confidence,
    )
    return block, draft.found


def aloud(block: AnswerBlock) -> str:
    """Return the answer for the ear: phone numbers digit by digit."""
    call = f"请打{block.contact[0].phone.translate(_DIGITS_ALOUD)}，{block.contact[0].name}。"
    return "".join([f"{block.title}。{block.lead}", *block.points, call])


def _service(service: Service, asked: Asked) -> _Draft:
    points = _sentences(service.content)
    if service.kind is Kind.SERVICE and service.who:
        points.insert(1, f"谁能享受：{service.who}")
    if service.caution:
        points.append(service.caution)
    return _Draft(service.summary, points, _first_step(service))


def _eligibility(service: Service, asked: Asked) -> _Draft:
    if not service.who:
        return _Draft(say("no_eligibility"), _sentences(service.content), found=False)
    lead = _sentences(f"{service.who.rstrip('。')}。")
    verdict = _age_verdict(service, asked)
    points = [*lead[1:], *([service.caution] if service.caution else [])]
    return _Draft(verdict + lead[0], points, _first_step(service))


def _age_verdict(service: Service, asked: Asked) -> str:
    """Return a first sentence where age alone already says no; otherwise nothing."""
    youngest = service.eligibility.min_age if service.eligibility else None
    if youngest and asked.ages and all(oldest < youngest for _, oldest in asked.ages):
        return f"要满{youngest}岁，现在还不到年龄。"
    return ""


def _amount(service: Service, asked: Asked) -> _Draft:
    caution = [service.caution] if service.caution else []
    if service.valid_to and asked.today > service.valid_to:
        return _Draft(say("expired", phone=service.contact[0].phone), [], found=False)
    if not service.standard:
        return _Draft(say("no_amount"), caution, found=False)
    facts = [fact for fact in service.standard.facts if fact.current]
    by_age = [fact for fact in facts if fact.condition and _age_only(fact.condition)]
    if asked.ages and by_age:
        fitting = [fact for age in asked.ages for fact in by_age if fact.condition and _covers(fact.condition, age)]
        if fitting:
            extra = [service.timing] if service.timing else []
            return _Draft("".join(_figure(fact) for fact in dict.fromkeys(fitting)), extra + caution)
        if not any(fact.condition and _touches(fact.condition, age) for age in asked.ages for fact in by_age):
            no = say("amount_none_for_age", age=asked.ages[0][0])
            return _Draft(f"{no}{service.standard.text}", caution)
    if service.standard.personal and facts:
        return _Draft(service.standard.text, [_figure(fact) for fact in facts] + caution)
    if service.standard.personal or service.category is Category.OVERVIEW:
        return _Draft(service.standard.text, caution)
    # What is on record counts places or people; what one person pays or gets is not.
    return _Draft(say("no_amount"), [service.standard.text, *caution], found=False)


def _age_only(condition: Condition) -> bool:
    return condition.model_dump(exclude_defaults=True).keys() <= {"min_age", "max_age"}


def _covers(condition: Condition, ages: tuple[int, int]) -> bool:
    low, high = _bounds(condition)
    return low <= ages[0] and ages[1] <= high


def _touches(condition: Condition, ages: tuple[int, int]) -> bool:
    low, high = _bounds(condition)
    return ages[0] <= high and low <= ages[1]


def _bounds(condition: Condition) -> tuple[int, int]:
    low = condition.min_age if condition.min_age is not None else 0
    high = condition.max_age if condition.max_age is not None else 200
    return low, high


def _figure(fact: Fact) -> str:
    if fact.value is not None:
        number = _number(fact.value)
    elif fact.min_value is not None and fact.max_value is not None:
        number = f"{_number(fact.min_value)}到{_number(fact.max_value)}"
    elif fact.max_value is not None:
        number = f"最多{_number(fact.max_value)}"
    else:
        number = f"{_number(fact.min_value or 0)}以上"
    per = f"每{fact.per.removeprefix('每')}" if fact.per else ""
    return f"{fact.label}：{per}{number}{fact.unit}。"


def _number(value: float) -> str:
    return f"{value:g}" if value < 100_000 else f"{value:.0f}"


def _how(service: Service, asked: Asked) -> _Draft:
    apply = service.apply
    if not (apply.steps or apply.where or apply.online):
        return _Draft(say("no_how"), _sentences(service.content)[:2], found=False)
    if service.kind is Kind.REFERRAL or not apply.steps:
        where = f"去{apply.where}办。" if apply.where else f"{apply.online}。"
        return _Draft(where, _sentences(service.content))
    steps = list(apply.steps)
    points = [f"第{number}步：{step}" for number, step in zip("二三四五", steps[1:], strict=False)]
    if apply.documents:
        points.append(f"带上：{'、'.join(apply.documents)}。")
    if apply.time_limit:
        points.append(apply.time_limit)
    return _Draft(f"第一步：{steps[0]}" if len(steps) > 1 else steps[0], points)


def _documents(service: Service, asked: Asked) -> _Draft:
    if not service.apply.documents:
        return _Draft(
            say("no_documents"), [f"办理的地方：{service.apply.where}。"] if service.apply.where else [], None, False
        )
    where = [f"交到{service.apply.where}。"] if service.apply.where else []
    return _Draft(f"要带：{'、'.join(service.apply.documents)}。", where)


def _where(service: Service, asked: Asked) -> _Draft:
    if not service.apply.where:
        return _Draft(say("no_where"), [], _first_step(service), found=False)
    return _Draft(f"去{service.apply.where.removeprefix('去')}。", [say("nearest")], _first_step(service))


def _contact(service: Service, asked: Asked) -> _Draft:
    first = service.contact[0]
    return _Draft(say("contact_lead", phone=first.phone, name=first.name), [])


def _time(service: Service, asked: Asked) -> _Draft:
    known = [text for text in (service.timing, service.apply.time_limit) if text]
    if not known:
        return _Draft(say("no_time"), [], _first_step(service), found=False)
    sentences = _sentences("。".join(text.rstrip("。") for text in known) + "。")
    return _Draft(sentences[0], sentences[1:])


_COMPOSERS: dict[str, Callable[[Service, Asked], _Draft]] = {
    "ask_service": _service,
    "ask_eligibility": _eligibility,
    "ask_amount": _amount,
    "ask_how_to_apply": _how,
    "ask_documents": _documents,
    "ask_where": _where,
    "ask_contact": _contact,
    "ask_time": _time,
}


def _first_step(service: Service) -> str | None:
    if service.apply.steps:
        return f"怎么办：{service.apply.steps[0]}"
    return f"去哪里：{service.apply.where}。" if service.apply.where else None


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.findall(text) if sentence.strip()]


def _fit(lead: str, points: list[str]) -> tuple[str, list[str]]:
    """Keep the lead short and the whole within MAX_ANSWER: whole sentences, the first ones first."""
    first, *rest = _sentences(lead) or [lead]
    while rest and len(first) + len(rest[0]) <= MAX_LEAD:
        first += rest.pop(0)
    kept: list[str] = []
    room = MAX_ANSWER - len(first)
    for point in [*rest, *(sentence for long in points for sentence in _as_points(long))]:
        if len(kept) == 4 or (kept and len(point) > room):
            break
        kept.append(point)
        room -= len(point)
    return first, kept


def _as_points(point: str) -> list[str]:
    return [point] if len(point) <= MAX_LEAD else _sentences(point)


def _source(service: Service) -> SourceLine:
    source = service.sources[0]
    shown = None
    if source.as_of:
        year, *rest = source.as_of.split("-")
        shown = f"{year}年" + (f"{int(rest[0])}月" if rest else "") + (f"{int(rest[1])}日" if len(rest) > 1 else "")
    return SourceLine(title=source.title, url=source.url if source.link_safe else None, as_of=shown)


def _buttons(service: Service, aspect: str) -> list[Button]:
    """Offer what people ask next and the list can answer."""
    known = {
        "ask_service": aspect != "ask_service",
        "ask_how_to_apply": bool(service.apply.steps),
        "ask_amount": bool(service.standard and service.standard.personal),
        "ask_eligibility": bool(service.who) and aspect != "ask_service",
        "ask_time": bool(service.timing),
        "ask_documents": bool(service.apply.documents),
    }
    order = ("ask_how_to_apply", "ask_amount", "ask_eligibility", "ask_documents", "ask_time", "ask_service")
    wanted = [name for name in order if known[name] and name != aspect][:3]
    return [Button(title=say(f"button_{name}"), act=Act(intent=name, service_id=service.id)) for name in wanted]

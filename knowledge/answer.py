"""A service and an aspect become a plain-language answer.

Every sentence comes from the service's own fields or from phrases.yaml; nothing is made up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from knowledge.eligibility import Judgement, Verdict, begins, judge
from knowledge.expiry import current, is_expired
from knowledge.figures import as_sentence, figures_for, payday_sentence
from knowledge.person import NOBODY, Person
from knowledge.phrases import say
from knowledge.reply import Act, AnswerBlock, Button, ContactLine, SourceLine
from knowledge.schema import Category, FactKind, Kind, Service, Topic
from knowledge.terms import explained

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
MAX_POINT = 40  # a longer point is shown as one for each sentence
MAX_POINTS = 4
_WAITS = re.compile(r"没消息|没有消息|进度|等了|等到|还没|一直没|怎么还|催|没人来|没下文")
_UNIT = re.compile(r"[\u3400-\u9fff]|[A-Za-z0-9.%]+")
_SENTENCE = re.compile(r"[^。！？；]+[。！？；]?")


@dataclass(frozen=True)
class Asked:
    """What the question says besides the aspect."""

    today: date
    people: tuple[Person, ...] = (NOBODY,)  # everybody the question is about; one at least
    years_on: int = 0  # 明年: their ages are those of next year already
    text: str = ""  # the question, as normal text


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
    service = current(service, asked.today)
    topic = topic_of(service, asked.text)
    draft = _topic(topic, service, aspect, asked) if topic else _COMPOSERS.get(aspect, _service)(service, asked)
    lead, points, how = _fit(service.name, draft)
    block = AnswerBlock(
        service_id=service.id,
        aspect=aspect,
        title=service.name,
        lead=lead,
        points=points,
        how=how,
        contact=[ContactLine(name=line.name, phone=line.phone) for line in service.contact[:2]],
        source=source_of(service, topic),
        outdated=say("outdated", phone=service.contact[0].phone) if asked.today > service.review_by else None,
        buttons=_buttons(service, aspect),
        confidence=confidence,
    )
    return block, draft.found


def topic_of(service: Service, text: str) -> Topic | None:
    """Return the topic of the service that normal ``text`` asks about; the one with most words in it."""
    hits = {
        topic: max((len(words) for words in topic.words if all(word in text for word in words.split("&"))), default=0)
        for topic in service.topics
    }
    best = max(hits, key=lambda topic: hits[topic], default=None)
    return best if best and hits[best] else None


def _topic(topic: Topic, service: Service, aspect: str, asked: Asked) -> _Draft:
    first, *rest = [*_figure_of_one(service, asked), *_sentences(topic.text)]
    if aspect == "ask_contact":
        rest.append(_contact(service, asked).lead)
    return _Draft(first, rest)


def simpler(block: AnswerBlock) -> AnswerBlock:
    """Return the two most important sentences of an answer: the answer itself, and what to do or to know next."""
    first, *rest = _sentences(block.lead)
    after = [*rest, *([block.how] if block.how else []), *block.points]
    return block.model_copy(update={"lead": first, "points": after[:1], "how": None, "source": None, "buttons": []})


def _service(service: Service, asked: Asked) -> _Draft:
    points = _sentences(service.content)
    if service.kind is Kind.SERVICE and service.who:
        points.insert(2, f"谁能享受：{service.who}")
    points = [*_figure_of_one(service, asked), *points]
    if service.caution:
        points.append(service.caution)
    return _Draft(service.summary, points, _first_step(service))


def _figure_of_one(service: Service, asked: Asked) -> list[str]:
    """Return the figure of the one person who was spoken of, where there is one."""
    if service.standard is None or not service.standard.personal or len(asked.people) > 1:
        return []
    facts = [fact for fact in service.standard.facts if fact.current and fact.kind is not FactKind.COUNT]
    kept, decided = figures_for(facts, asked.people[0], asked.today)
    return [as_sentence(kept[0])] if decided and kept else []


def _eligibility(service: Service, asked: Asked) -> _Draft:
    if service.kind is Kind.REFERRAL:
        return _service(service, asked)
    if not service.who:
        return _Draft(say("no_eligibility"), _sentences(service.content), found=False)
    lead = _sentences(f"{service.who.rstrip('。')}。")
    caution = [service.caution] if service.caution else []
    verdict = _verdict(service, asked)
    if verdict:
        return _Draft(verdict[0], [*verdict[1:], *lead, *caution], _first_step(service))
    return _Draft(lead[0], [*lead[1:], *caution], _first_step(service))


def _verdict(service: Service, asked: Asked) -> list[str]:
    """Return what is so for the person; empty where nothing that matters was said of one."""
    person = asked.people[0]
    if service.eligibility is None or len(asked.people) > 1:
        return []
    judgement = judge(service.eligibility, person, asked.today)
    needs = "、".join(dict.fromkeys(check.needs for check in judgement.checks))
    if judgement.verdict is Verdict.NO:
        return [_refusal(judgement, person, needs)]
    if not judgement.met:
        return []
    if judgement.verdict is Verdict.YES:
        return [say("eligible_yes")]
    also = [say("eligible_also", also="、".join(judgement.also))] if judgement.also else []
    return [say("eligible_depends", needs=needs), *also] if needs else [say("eligible_likely"), *also]


def _refusal(judgement: Judgement, person: Person, needs: str) -> str:
    ages = [int(digits) for check in judgement.checks for digits in re.findall(r"满(\d+)岁$", check.needs)]
    start = begins(ages[0], person) if len(judgement.checks) == 1 and ages else None
    if start:
        return say("eligible_no_begins", needs=needs, year=start.year, month=start.month)
    return say("eligible_no", needs=needs)


def _amount(service: Service, asked: Asked) -> _Draft:
    caution = [service.caution] if service.caution else []
    standard = service.standard
    if is_expired(service, asked.today):
        return _Draft(say("expired", phone=service.contact[0].phone), [], found=False)
    if not standard:
        return _Draft(say("no_amount"), [*caution, *_sentences(service.content)], found=False)
    facts = [fact for fact in standard.facts if fact.current]
    facts = [fact for fact in facts if fact.kind is not FactKind.COUNT] or facts
    if not standard.personal or not facts:
        if standard.personal or service.category is Category.OVERVIEW:
            return _Draft(standard.text, caution)
        # What is on record counts places or people; what one person pays or gets is not.
        return _Draft(say("no_amount"), [standard.text, *caution], found=False)
    when = [payday_sentence(standard.payday, asked.today)] if standard.payday else []
    chosen = [figures_for(facts, person, asked.today) for person in asked.people]
    if not any(decided for _, decided in chosen):
        return _Draft(standard.text, [*_few(list(map(as_sentence, facts)), MAX_POINTS - len(when)), *when, *caution])
    fitting = list(dict.fromkeys(as_sentence(fact) for kept, _ in chosen for fact in kept))
    if not fitting:
        return _Draft(f"{_nothing_for(service, asked)}{standard.text}", caution)
    opening = _in_years(asked)
    first = len(asked.people) if len(asked.people) > 1 else 1  # a figure each
    return _Draft(f"{opening}{''.join(fitting[:first])}", [*fitting[first:], *when, *caution])


def _few(figures: list[str], most: int) -> list[str]:
    """Return the figures in at most ``most`` lines: two in each where they are too many for one each."""
    if len(figures) <= most:
        return figures
    pairs = [figures[at : at + 2] for at in range(0, len(figures), 2)]
    return ["；".join([*(each.rstrip("。") for each in pair[:-1]), pair[-1]]) for pair in pairs]


def _in_years(asked: Asked) -> str:
    ages = asked.people[0].ages_on(asked.today)
    if not asked.years_on or not ages:
        return ""
    year = asked.today.year + asked.years_on
    return say("in_years", year=year, age=ages[0] if ages[0] == ages[1] else f"{ages[0]}到{ages[1]}")


def _nothing_for(service: Service, asked: Asked) -> str:
    ages = asked.people[0].ages_on(asked.today)
    youngest = service.eligibility.min_age if service.eligibility else None
    if ages and youngest and ages[1] < youngest:
        return say("too_young", age=youngest)
    return say("amount_none")


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
    payday = service.standard.payday if service.standard else None
    paid = [payday_sentence(payday, asked.today)] if payday else []
    known = [*paid, *(text for text in (service.timing, service.apply.time_limit) if text)]
    if not known:
        waits = [say("no_news", phone=service.contact[0].phone)] if _WAITS.search(asked.text) else []
        points = _sentences(service.content) if service.kind is Kind.REFERRAL else []
        return _Draft(say("no_time"), [*waits, *points], found=False)
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
    return [re.sub("；$", "。", sentence.strip()) for sentence in _SENTENCE.findall(text) if sentence.strip()]


def _fit(title: str, draft: _Draft) -> tuple[str, list[str], str | None]:
    """Return lead, points and how within the limits: whole sentences, terms explained, first ones first."""
    sentences = _sentences(draft.lead) or [draft.lead]
    points = [sentence for long in draft.points for sentence in _as_points(long)]
    told = explained(title, [*sentences, *([draft.how] if draft.how else []), *points])
    first, *rest = told[: len(sentences)]
    how = told[len(sentences)] if draft.how else None
    points = told[len(sentences) + (how is not None) :]
    while rest and length(first) + length(rest[0]) <= MAX_LEAD:
        first += rest.pop(0)
    kept: list[str] = []
    room = MAX_ANSWER - length(first) - length(how or "")
    for point in [*rest, *points]:
        if len(kept) == MAX_POINTS or length(point) > room:
            break
        kept.append(point)
        room -= length(point)
    return first, kept, how


def length(text: str) -> int:
    """Return the length as it is read: a Chinese character, a number or a latin word counts one."""
    return len(_UNIT.findall(text))


def _as_points(point: str) -> list[str]:
    return [point] if length(point) <= MAX_POINT else _sentences(point)


def source_of(service: Service, topic: Topic | None = None) -> SourceLine:
    """Return where the service, or a topic of it, was read, as shown: with its date, or until when it is trusted."""
    source = service.sources[0]
    until = service.review_by
    shown = say("source_undated", year=until.year, month=until.month, day=until.day)
    if topic and topic.source:
        return SourceLine(title=topic.source, as_of=shown)
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
        "ask_time": bool(service.timing or (service.standard and service.standard.payday)),
        "ask_documents": bool(service.apply.documents),
    }
    order = ("ask_how_to_apply", "ask_amount", "ask_eligibility", "ask_documents", "ask_time", "ask_service")
    wanted = [name for name in order if known[name] and name != aspect][:3]
    return [Button(title=say(f"button_{name}"), act=Act(intent=name, service_id=service.id)) for name in wanted]

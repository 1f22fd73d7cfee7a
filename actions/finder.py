"""The benefit finder: asks only what still changes the result, then lists what a person gets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from actions.understood import FINDER, FinderState, UnderstoodAct
from knowledge.eligibility import Judgement, Verdict, judge_service
from knowledge.expiry import current
from knowledge.figures import as_sentence, figures_for
from knowledge.person import Person, person_of
from knowledge.phrases import hotline, phrase, say
from knowledge.reply import Act, Button, FinderBlock, FinderItem, FormBlock, Outcome, Reply
from knowledge.schema import Service
from knowledge.store import ServiceList

MAX_QUESTIONS = 5
_WORST_RANK = 10
_NAMED_AT_ONCE = 3
_SHOWN = 8  # of each part: more than a person reads is no help
# What is asked, the plainest first; the rest (bereavement, service in the army …) is only
# reckoned with when it is told.
ASKABLE = ("age", "hukou", "frail", "insured", "income", "lives_alone", "care_level", "dementia", "disabled")
_SKIP = re.compile(
    r"^(?:不知道|不清楚|不晓得|跳过|不想说|不方便说|不告诉你|说不清|没有?评过|没评|忘了|不说)[了。！呀啊]*$"
)
_YES = re.compile(r"^(?:是的?|有的?|对的?|嗯+|要的?|好的?|当然|确诊了?|办了|有医保|有的有的)[啊呀哦。，！]*$")
_NO = re.compile(r"^(?:不是的?|没有?的?|不要?|无|不用|不对|没办|没得)[啊呀哦。，！]*$")
_YES_NO: dict[str, tuple[Any, Any]] = {
    "hukou": ("shanghai", "elsewhere"),
    "income": (None, ()),
    **dict.fromkeys(("frail", "insured", "lives_alone", "dementia", "disabled"), (True, False)),
}


@dataclass(frozen=True)
class _Found:
    service: Service
    judgement: Judgement


def reply(services: ServiceList, person: Person, state: FinderState, today: date) -> Reply:
    """Return the next question, or the result where none would change it or five were asked."""
    found = [_Found(s, judge_service(s, person, today)) for s in services if s.benefit]
    slot = next_slot(found, state.asked)
    if slot is None:
        return _result(found, person, today)
    return Reply(blocks=[question(slot, state.asked, person)], outcome=Outcome.ASKED_SLOT)


def so_far(services: ServiceList, near: Iterable[str], person: Person, today: date) -> dict[str, str]:
    """Return what is likely already, a line for each service: first what the words were ``near``, then the best."""
    # Most who ask have it; nobody is shown what is for others only because nothing was said.
    person = replace(person, hukou=person.hukou or "shanghai")
    best = sorted((s for s in services if s.benefit), key=lambda s: s.benefit or _WORST_RANK)
    ordered = dict.fromkeys([*(services[each] for each in near if services[each].benefit), *best])
    judged = {s: judge_service(s, person, today) for s in ordered}
    likely = [
        s for s, judgement in judged.items() if judgement.verdict is not Verdict.NO and not _needs_telling(judgement)
    ]
    return {service.id: f"{service.name}：{_gets(service, person, today)}" for service in likely[:_NAMED_AT_ONCE]}


def question(slot: str, asked: Iterable[str], person: Person) -> FormBlock:
    """Return the question for ``slot``, with its buttons; each can be skipped."""
    buttons = [
        Button(title=title, act=Act(intent="inform", slot=slot, value=value))
        for value, title in phrase(f"finder_{slot}_answers").items()
    ]
    buttons.append(Button(title=say("finder_skip"), act=Act(intent="skip", slot=slot)))
    text = say(f"finder_{slot}", who=_of(person))
    return FormBlock(form=FINDER, slot=slot, asked=[*asked, slot], text=text, buttons=buttons)


def next_slot(found: Iterable[_Found], asked: tuple[str, ...]) -> str | None:
    """Return what decides most of what is still open; the better the benefit the more it counts."""
    if len(asked) >= MAX_QUESTIONS:
        return None
    weight: Counter[str] = Counter()
    for each in found:
        if each.judgement.verdict is Verdict.DEPENDS and not _needs_telling(each.judgement):
            for slot in each.judgement.open():
                weight[slot] += _WORST_RANK - (each.service.benefit or _WORST_RANK)
    # A care level is a matter only of somebody who needs help.
    waits = {"care_level"} if weight["frail"] else set()
    open_slots = [slot for slot in ASKABLE if weight[slot] and slot not in asked and slot not in waits]
    return max(open_slots, key=lambda slot: weight[slot]) if open_slots else None


def answered(slot: str, act: UnderstoodAct) -> Person | None:
    """Return what ``act`` says to the question for ``slot``; None where it does not answer it."""
    if act.slot == slot and act.value is not None:
        return _said(slot, act.value)
    said = person_of(act.text)
    if getattr(said, slot) is not None or (slot == "age" and said.birth):
        return said
    if slot == "age" and re.fullmatch(r"\d{2,3}[。了]?", act.text):
        years = int(re.sub(r"\D", "", act.text))
        return Person(age=(years, years)) if 40 <= years <= 120 else None
    yes, no = _YES_NO.get(slot, (None, None))
    if _NO.match(act.text) and no is not None:
        return Person(**{slot: no})
    if _YES.match(act.text) and yes is not None:
        return Person(**{slot: yes})
    return None


def is_skip(slot: str, act: UnderstoodAct) -> bool:
    """Return whether ``act`` leaves the question open."""
    unassessed = slot == "care_level" and (_NO.match(act.text) or "没" in act.text)
    return bool(act.intent == "skip" or _SKIP.match(act.text) or unassessed)


def describe(person: Person, today: date) -> str:
    """Return what is known of ``person`` in a line, or nothing."""
    ages = person.ages_on(today)
    parts = [person.who or ""]
    if ages:
        parts.append(say("person_age", age=ages[0] if ages[0] == ages[1] else f"{ages[0]}到{ages[1]}"))
    if person.hukou:
        parts.append(say(f"needs_hukou_{person.hukou}"))
    if person.care_level:
        low, high = person.care_level
        parts.append(say("person_care_level", level=low if low == high else f"{low}到{high}"))
    parts += [say(f"income_{group}") for group in person.income or ()]
    for name in ("frail", "lives_alone", "insured", "dementia", "disabled", "veteran", "lost_only_child", "childless"):
        value = getattr(person, name)
        if value is not None:
            parts.append(say(f"needs_{name}" if value else f"needs_not_{name}"))
    known = "，".join(part for part in parts if part)
    return say("finder_person", known=known) if known else ""


def _said(slot: str, value: str) -> Person:
    if slot in ("age", "care_level"):
        low, high = value.split("-")
        return Person(**{slot: (int(low), int(high))})  # type: ignore[arg-type]
    if slot == "income":
        return Person(income=() if value == "none" else (value,))
    return Person(**{slot: value if slot == "hukou" else value == "yes"})  # type: ignore[arg-type]


def _result(found: list[_Found], person: Person, today: date) -> Reply:
    certain = [each for each in found if each.judgement.verdict is Verdict.YES]
    perhaps = [
        each for each in found if each.judgement.verdict is Verdict.DEPENDS and not _needs_telling(each.judgement)
    ]
    items = [*_items(certain, person, today, True), *_items(perhaps, person, today, False)]
    buttons = [
        Button(
            title=say("finder_how", service=item.title), act=Act(intent="ask_how_to_apply", service_id=item.service_id)
        )
        for item in items
    ]
    more = len(certain) + len(perhaps) - len(items)
    block = FinderBlock(
        person=describe(person, today),
        text=_counted(items) if items else say("finder_nothing"),
        items=items,
        notes=[*([say("finder_more", more=more)] if more else []), say("finder_identity"), say("finder_check")],
        contact=[hotline()],
        buttons=buttons,
    )
    return Reply(blocks=[block], outcome=Outcome.ANSWERED_FINDER, speak=_aloud(block))


def _counted(items: list[FinderItem]) -> str:
    certain = sum(item.certain for item in items)
    return say("finder_result", certain=certain, perhaps=len(items) - certain)


def _items(found: list[_Found], person: Person, today: date, certain: bool) -> list[FinderItem]:
    """Return the first ones by rank, those of one group together."""
    first = sorted(found, key=lambda each: each.service.benefit or _WORST_RANK)[:_SHOWN]
    groups = list(dict.fromkeys(say(f"group_{each.service.category.value}") for each in first))
    items = [
        FinderItem(
            service_id=each.service.id,
            title=each.service.name,
            line=_gets(each.service, person, today) if certain else _depends(each.judgement),
            group=say(f"group_{each.service.category.value}"),
            certain=certain,
        )
        for each in first
    ]
    return sorted(items, key=lambda item: groups.index(item.group))


def _gets(service: Service, person: Person, today: date) -> str:
    service = current(service, today)
    standard = service.standard
    if standard and standard.personal:
        kept, decided = figures_for([fact for fact in standard.facts if fact.current], person, today)
        if decided and kept:
            return "".join(map(as_sentence, kept[:2]))
    return service.summary


def _depends(judgement: Judgement) -> str:
    needs = dict.fromkeys([*(check.needs for check in judgement.checks), *judgement.also])
    return say("finder_depends", needs="；".join(needs))


def _needs_telling(judgement: Judgement) -> bool:
    """Return whether it hangs on something that is not asked."""
    return bool(set(judgement.open()) & {"lost_only_child", "veteran", "no_guardian", "has_capacity"}) and not (
        set(judgement.open()) & set(ASKABLE)
    )


def _of(person: Person) -> str:
    return say("finder_you") if person.who in (None, "我") else say("finder_your", who=person.who)


def _aloud(block: FinderBlock) -> str:
    names = "、".join(item.title for item, _ in block.part(True))
    more = "、".join(item.title for item, _ in block.part(False))
    return say("finder_aloud", text=block.text, names=names, more=more)

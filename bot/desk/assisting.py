"""What a clerk is shown for what the caller says: the services that fit, one in full, and whether the caller can have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from actions import finder
from actions.about import ANSWER_FROM, CLAUSE_COUNTS, SURE_FROM
from actions.understood import FinderState
from knowledge.answer import Asked, compose, source_of, topic_of
from knowledge.eligibility import Judgement, Verdict, judge_service
from knowledge.expiry import current
from knowledge.library import Library
from knowledge.normalise import clauses, normalise
from knowledge.person import NOBODY, Person, person_of
from knowledge.phrases import every_phrase, hotline, say
from knowledge.reply import AnswerBlock, FinderBlock, Reply
from knowledge.schema import Service
from knowledge.search import Match

SHOWN = 5
ASPECTS = {
    "ask_service": "介绍",
    "ask_amount": "多少钱",
    "ask_eligibility": "谁能享受",
    "ask_how_to_apply": "怎么办",
    "ask_documents": "带什么",
    "ask_where": "去哪里",
    "ask_time": "多久",
}
FLAGS = {
    "frail": "要人照顾",
    "insured": "有上海医保",
    "lives_alone": "独居",
    "dementia": "失智",
    "disabled": "残疾",
}
FACTS = ("age", "hukou", "level", "income", *FLAGS)
_HUKOU = ("shanghai", "elsewhere")
_MAX_TEXT = 500
_LAST_SAYS = 4  # characters of the last fragment worth a search of its own


@dataclass(frozen=True)
class Candidate:
    """One service that fits: how surely, and the words of the list that speak for it."""

    service: Service
    percent: int
    why: str
    verdict: Verdict


@dataclass(frozen=True)
class Detail:
    """One service in full, each field in its fixed place; empty where the list does not know."""

    service: Service
    fields: tuple[tuple[str, tuple[str, ...]], ...]
    source: str
    url: str | None
    review: date
    overdue: bool
    judgement: Judgement
    to_ask: tuple[str, ...]
    script: tuple[str, ...]


class Assisting:
    """Finds and explains, with one version of the list for each request."""

    def __init__(self, library: Callable[[], Library], today: Callable[[], date]) -> None:
        self._library = library
        self._today = today

    def find(self, text: str, person: Person) -> list[Candidate]:
        """Return the services that fit best; the last fragment counts by itself too."""
        library, said = self._library(), normalise(text[-_MAX_TEXT:])
        if not said:
            return []
        matches = {match.service_id: match for match in library.find_at_once(said, SHOWN)}
        best = max((match.score for match in matches.values()), default=0.0)
        parts = clauses(said)
        if best < SURE_FROM and len(parts) > 1 and len(parts[-1]) >= _LAST_SAYS:
            for match in library.find_at_once(parts[-1], SHOWN):
                score = match.score * CLAUSE_COUNTS
                before = matches.get(match.service_id)
                if before is None or before.score < score:
                    matches[match.service_id] = Match(match.service_id, score, match.passage)
        ranked = sorted(matches.values(), key=lambda match: -match.score)[:SHOWN]
        return [self._candidate(library.services[match.service_id], match, person) for match in ranked]

    def detail(self, service_id: str | None, person: Person, text: str = "") -> Detail | None:
        """Return one service in full, held against ``person``; ``text`` is what was asked."""
        service = self._library().services.get(service_id)
        if service is None:
            return None
        today = self._today()
        service = current(service, today)
        judgement = judge_service(service, person, today)
        return Detail(
            service,
            _fields(service, person, today),
            _source(service),
            service.sources[0].url if service.sources[0].link_safe else None,
            service.review_by,
            today > service.review_by,
            judgement,
            _to_ask(judgement),
            self.script(service, person, normalise(text[-_MAX_TEXT:])),
        )

    def script(self, service: Service, person: Person, text: str = "") -> tuple[str, ...]:
        """Return what the clerk can read out, a sentence or two a line; first what normal ``text`` asks just so."""
        service = current(service, self._today())
        topic = topic_of(service, text)
        asked = Asked(self._today(), (person,))
        about, _ = compose(service, "ask_service", asked)
        much, priced = compose(service, "ask_amount", asked)
        how, applied = compose(service, "ask_how_to_apply", asked)
        lines = [f"您问的是{service.name}。{about.lead}"]
        if service.eligibility and person != NOBODY:
            lines.append(self.answer(service, "ask_eligibility", person).lead)
        if judge_service(service, person, self._today()).verdict is Verdict.NO:
            return (*lines, "这一项现在不合条件，先不用去办。我再替您看看别的。")
        lines += ["".join([much.lead, *much.points[:1]])] if priced else []
        lines += ["".join([how.lead, *how.points[:2]])] if applied else []
        if about.outdated:
            lines.append(about.outdated)
        line = service.contact[0]
        if topic:
            lines.insert(1, topic.text)
        where = service.apply.where
        if line.phone != hotline().phone:
            end = f"还要细问，请打{line.phone}，{line.name}。"
        else:  # that is where the caller is already
            end = f"还要细问，可以去{where.removeprefix('去')}问。" if where else "您还想问什么？"
        return (*dict.fromkeys(lines), end)

    def answer(self, service: Service, aspect: str, person: Person) -> AnswerBlock:
        """Return one aspect as the person would get it, without buttons: to read out or to send."""
        block, _ = compose(service, aspect, Asked(self._today(), (person,)))
        return block.model_copy(update={"buttons": []})

    def benefits(self, person: Person) -> FinderBlock:
        """Return what a person can have, as far as it is known."""
        reply: Reply = finder.reply(
            self._library().services, person, FinderState(finder.ASKABLE[: finder.MAX_QUESTIONS]), self._today()
        )
        block = next(block for block in reply.blocks if isinstance(block, FinderBlock))
        return block.model_copy(update={"buttons": []})

    def _candidate(self, service: Service, match: Match, person: Person) -> Candidate:
        verdict = judge_service(service, person, self._today()).verdict
        return Candidate(service, round(match.score * 100), match.passage, verdict)


def is_likely(candidates: list[Candidate]) -> bool:
    """Return whether the first fits well enough to be read out without asking back."""
    return bool(candidates) and candidates[0].percent >= ANSWER_FROM * 100


def person_in(text: str, told: Mapping[str, str]) -> Person:
    """Return whom the caller speaks of: from the words, and what the clerk has put in (that wins)."""
    values: dict[str, Any] = {}
    age, level = told.get("age", ""), told.get("level", "")
    if age.isdigit() and 0 < int(age) <= 130:
        values["age"] = (int(age), int(age))
    if told.get("hukou") in _HUKOU:
        values["hukou"] = told["hukou"]
    if level.isdigit() and 1 <= int(level) <= 6:
        values["care_level"] = (int(level), int(level))
    income = told.get("income", "")
    if income in every_phrase()["finder_income_answers"]:
        values["income"] = () if income == "none" else (income,)
    values |= {name: told[name] == "yes" for name in FLAGS if told.get(name) in ("yes", "no")}
    return person_of(normalise(text[-_MAX_TEXT:])).with_more(Person(**values))


def facts_of(person: Person) -> dict[str, str]:
    """Return what is known of a person as the fields of the desk's form, as far as it has one."""
    facts = {name: "yes" if value else "no" for name in FLAGS if (value := getattr(person, name)) is not None}
    for name, known in (("age", person.age), ("level", person.care_level)):
        if known and known[0] == known[1]:
            facts[name] = str(known[0])
    if person.hukou:
        facts["hukou"] = person.hukou
    if person.income is not None:
        facts["income"] = person.income[0] if person.income else "none"
    return facts


def _fields(service: Service, person: Person, today: date) -> tuple[tuple[str, tuple[str, ...]], ...]:
    amount, known = compose(service, "ask_amount", Asked(today, (person,)))
    much = (amount.lead, *amount.points) if known else ()
    apply = service.apply
    how = (*apply.steps, *([apply.online] if apply.online else []))
    time = tuple(text for text in (service.timing, apply.time_limit) if text)
    return (
        ("谁能享受", (service.who,) if service.who else ()),
        ("多少钱", much),
        ("怎么办", how),
        ("带什么", apply.documents),
        ("去哪里", (apply.where,) if apply.where else ()),
        ("多久", time),
        ("电话", tuple(f"{line.name} {line.phone}" for line in service.contact)),
        ("当心", (service.caution,) if service.caution else ()),
    )


def _source(service: Service) -> str:
    source = source_of(service)
    return f"{source.title}{f'（{source.as_of}）' if source.as_of else ''}"


def _to_ask(judgement: Judgement) -> tuple[str, ...]:
    """Return what still decides it, as questions to the caller."""
    if judgement.verdict is not Verdict.DEPENDS:
        return ()
    phrases = every_phrase()
    asked = [
        say(f"finder_{check.attribute}", who="老人家")
        if f"finder_{check.attribute}" in phrases
        else f"是不是{check.needs}？"
        for check in judgement.checks
        if check.verdict is Verdict.DEPENDS
    ]
    return (*dict.fromkeys(asked), *(f"还要由单位定：{also}" for also in judgement.also))

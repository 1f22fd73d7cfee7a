"""What was not answered, most frequent first; an editor makes lessons of it and takes them away as files."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import yaml
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from pypinyin import lazy_pinyin

from bot.desk.learning_export import LONGEST_ALIAS, TRAINING_FILE, Taken, archive, read_training, utterance
from bot.desk.learning_groups import LONGEST, Group, Groups
from bot.desk.pages import DeskPages, go
from bot.web.pages import HEADERS
from knowledge.live import LiveKnowledge
from knowledge.normalise import normalise
from knowledge.phrases import phrase
from knowledge.schema import Category, Service
from storage.audit import Audit
from storage.lessons import Lesson, Lessons, NewLesson
from storage.staff import Member

PROJECT = Path(__file__).resolve().parents[2]
_INTENTS = Path("nlu/domain/intents.yml")
_A_PAGE = 20  # groups
_SHOWN = 5  # texts of a group, before one asks for all
_ALL = 40
_NAME = (2, 40)  # characters of a new service's name
_FALLBACK = "ask_service"


class CannotLearn(Exception):
    """What was typed makes no lesson; the message says why, to the editor."""


@dataclass(frozen=True)
class Typed:
    """What an editor wants to be learnt of a group."""

    act: str  # alias, utterance, service, drop
    texts: str  # one a line
    service: str
    intent: str
    name: str


@dataclass(frozen=True)
class Box:
    """A group as it is shown, with what its form holds."""

    group: Group
    texts: tuple[str, ...]
    service: str | None
    intent: str
    name: str = ""

    @property
    def more(self) -> int:
        """Return how many different texts are not shown."""
        return len(self.group.texts) - len(self.texts)


class Learning:
    """Turns what an editor typed into lessons, checked against the list and what waits."""

    def __init__(self, lessons: Lessons, live: LiveKnowledge, project: Path) -> None:
        """Read the intents that may be taught. Raises OSError, yaml.YAMLError where they cannot be read."""
        self.lessons = lessons
        self._live = live
        self._training = project / TRAINING_FILE
        self.intents: list[str] = yaml.safe_load((project / _INTENTS).read_text(encoding="utf-8"))["intents"]

    def learn(self, questions: Sequence[int], typed: Typed, member: Member, now: datetime) -> int:
        """Keep the lessons; return how many questions left the list. Raises CannotLearn."""
        return self.lessons.learn(questions, self._lessons(typed), member.name, now)

    def taken(self) -> Taken:
        """Return what stands in the list, and in the desk's own file of training data, already."""
        try:
            training = read_training(self._training.read_text(encoding="utf-8"))
        except FileNotFoundError:
            training = {}
        return Taken(self._live.library.services, training)

    def services(self) -> list[tuple[str, list[Service]]]:
        """Return the services by category, to choose from."""
        listed, names = self._live.library.services, phrase("page_categories")
        return [(names[each], [one for one in listed if one.category is each]) for each in Category]

    def _lessons(self, typed: Typed) -> list[NewLesson]:
        if typed.act == "drop":
            return []
        texts = list(dict.fromkeys(filter(None, map(utterance, typed.texts.splitlines()))))
        long = next((each for each in texts if len(each) > LONGEST), None)
        if long:
            raise CannotLearn(f"“{long[:20]}…”太长了，一句最多{LONGEST}个字，请改短。")
        if typed.act == "service":
            return self._draft(" ".join(typed.name.split()), texts)
        if not texts:
            raise CannotLearn("一句话也没有，请至少留一句。")
        if typed.act == "alias":
            return self._names(typed.service, texts)
        return self._utterances(typed.intent, texts)

    def _names(self, service_id: str, texts: Sequence[str]) -> list[NewLesson]:
        """Return aliases, and what is too long for one as questions of the same service."""
        if self._live.library.services.get(service_id) is None:
            raise CannotLearn("请选是哪一项服务。")
        self._unowned(service_id, texts)
        return [NewLesson("alias" if len(each) <= LONGEST_ALIAS else "question", each, service_id) for each in texts]

    def _unowned(self, service_id: str, texts: Sequence[str]) -> None:
        """Raise CannotLearn where a text is in the list, or waits to be put there for another service."""
        taken, services = self.taken(), self._live.library.services
        waiting = {
            normalise(each.text): each.target for each in self.lessons.waiting() if each.kind in ("alias", "question")
        }
        for text in texts:
            owner, promised = taken.owners.get(normalise(text)), waiting.get(normalise(text), service_id)
            if owner is not None:
                raise CannotLearn(f"“{text}”已经写在“{services[owner].name}”里了，请删掉这一句，或者改一改。")
            if promised != service_id:
                name = found.name if (found := services.get(promised)) else promised
                raise CannotLearn(f"“{text}”刚才已经加给“{name}”了。要改，先在下面把那一条拿掉。")

    def _utterances(self, intent: str, texts: Sequence[str]) -> list[NewLesson]:
        if intent not in self.intents:
            raise CannotLearn("请选问的是什么。")
        for each in self.lessons.waiting():
            if each.kind == "utterance" and each.text in texts and each.target != intent:
                raise CannotLearn(f"“{each.text}”刚才已经算作“{each.target}”了。要改，先在下面把那一条拿掉。")
        return [NewLesson("utterance", each, intent) for each in texts]

    def _draft(self, name: str, texts: Sequence[str]) -> list[NewLesson]:
        if not _NAME[0] <= len(name) <= _NAME[1]:
            raise CannotLearn(f"请写新服务的名称，{_NAME[0]}到{_NAME[1]}个字。")
        waiting = self.lessons.waiting()
        known = {normalise(each.text): each.target for each in waiting if each.kind == "service"}
        if owner := self.taken().owners.get(normalise(name)):
            raise CannotLearn(f"清单里已经有“{self._live.library.services[owner].name}”了，请用“加成别名”。")
        used = {each.target for each in waiting} | set(self._live.library.services.services)
        target = known.get(normalise(name)) or _new_id(name, used)
        self._unowned(target, texts)
        return [NewLesson("service", name, target), *(NewLesson("question", each, target) for each in texts)]


def learning_routes(
    pages: DeskPages,
    lessons: Lessons,
    live: LiveKnowledge,
    audit: Audit,
    clock: Callable[[], datetime],
    project: Path = PROJECT,
) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()
    learning, groups = Learning(lessons, live, project), Groups(lessons, live)

    def box(group: Group, most: int) -> Box:
        intent = group.intent if group.intent in learning.intents else _FALLBACK
        return Box(group, group.texts[:most], groups.nearest(group), intent)

    def listed(request: Request, member: Member, page: int) -> Response:
        found, alone = groups.all()
        last = max(1, -(-len(found) // _A_PAGE))
        page = min(max(page, 1), last)
        shown = [box(each, _SHOWN) for each in found[(page - 1) * _A_PAGE : page * _A_PAGE]]
        audit.note(member.actor, "look_learning", f"page {page}")
        waiting, taken = lessons.waiting(), learning.taken()
        context = {
            "boxes": shown,
            "count": sum(len(each.ids) for each in found),
            "alone": alone,
            "page": page,
            "last": last,
            "waiting": [(each, each in taken) for each in waiting],
            "done": request.query_params.get("done"),
        }
        return drawn(request, "learning.html", member, context)

    def drawn(request: Request, template: str, member: Member, context: dict[str, object]) -> Response:
        services = live.library.services
        every = {"services": learning.services(), "intents": learning.intents, "list": services, "alias": LONGEST_ALIAS}
        return pages.show(request, template, member, {**every, **context})

    def one(request: Request, member: Member, question: int, typed: Typed | None = None, problem: str = "") -> Response:
        group = next((each for each in groups.all()[0] if question in each.ids), None)
        if group is None:
            return go("/desk/learning?done=gone")
        shown = box(group, _ALL)
        if typed is not None:  # nothing that was typed is lost
            texts = tuple(typed.texts.splitlines())
            shown = replace(shown, texts=texts, service=typed.service, intent=typed.intent, name=typed.name)
        audit.note(member.actor, "look_learning", f"group of {len(group.ids)}")
        return drawn(request, "learning_group.html", member, {"box": shown, "problem": problem})

    @routes.get("/desk/learning", response_class=HTMLResponse)
    async def all_of_them(request: Request, page: int = 1) -> Response:
        """Show the groups, the biggest first, and the lessons that wait."""
        member = await pages.member(request, "editor")
        return await asyncio.to_thread(listed, request, member, page)

    @routes.get("/desk/learning/export.zip")
    async def export(request: Request) -> Response:
        """Hand over the lessons as files for the list and the training data."""
        member = await pages.member(request, "editor")
        made = await asyncio.to_thread(lambda: archive(lessons.waiting(), learning.taken(), clock()))
        await asyncio.to_thread(audit.note, member.actor, "lessons_export")
        name = f"attachment; filename=lessons-{clock():%Y%m%d-%H%M}.zip"
        return Response(made, media_type="application/zip", headers={**HEADERS, "Content-Disposition": name})

    @routes.get("/desk/learning/{question}", response_class=HTMLResponse)
    async def group_of(request: Request, question: int) -> Response:
        """Show one group whole."""
        member = await pages.member(request, "editor")
        return await asyncio.to_thread(one, request, member, question)

    @routes.post("/desk/learning", response_class=HTMLResponse)
    async def learn(
        request: Request,
        act: Annotated[str, Form(pattern="^(alias|utterance|service|drop)$")],
        ids: Annotated[str, Form(max_length=20_000, pattern="^[0-9]{1,9}( [0-9]{1,9})*$")],
        texts: Annotated[str, Form(max_length=20_000)] = "",
        service: Annotated[str, Form(max_length=40)] = "",
        intent: Annotated[str, Form(max_length=40)] = "",
        name: Annotated[str, Form(max_length=200)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Make lessons of a group, or drop it: its questions leave the list."""
        member = await pages.taken(request, csrf, "editor")
        questions, typed = [int(each) for each in ids.split()], Typed(act, texts, service, intent, name)
        try:
            left = await asyncio.to_thread(learning.learn, questions, typed, member, clock())
        except CannotLearn as problem:
            return await asyncio.to_thread(one, request, member, questions[0], typed, str(problem))
        if not left:
            return go("/desk/learning?done=gone")
        target = {"alias": service, "utterance": intent}.get(act, "")
        noted = ("lesson_dropped" if act == "drop" else "lesson_made", f"{act} {target} ({left})")
        await asyncio.to_thread(audit.note, member.actor, *noted)
        return go(f"/desk/learning?done={act}")

    @routes.post("/desk/learning/undo", response_class=HTMLResponse)
    async def take_back(
        request: Request,
        lesson: Annotated[str, Form(max_length=32)] = "",
        csrf: Annotated[str, Form(max_length=128)] = "",
    ) -> Response:
        """Delete one lesson; without one named, all that stand in the list or the training data already."""
        member = await pages.taken(request, csrf, "editor")

        def undo() -> list[Lesson]:
            taken = learning.taken()
            over = [lesson] if lesson else [each.id for each in lessons.waiting() if each in taken]
            return lessons.take_back(over)

        for each in await asyncio.to_thread(undo):
            await asyncio.to_thread(audit.note, member.actor, "lesson_undone", f"{each.kind} {each.target}")
        return go("/desk/learning?done=undo#lessons")

    return routes


def _new_id(name: str, used: set[str]) -> str:
    """Return an id for a service that is not in the list yet: its name in pinyin."""
    spelt = re.sub(r"[^a-z0-9]+", "_", "_".join(lazy_pinyin(name)).lower()).strip("_")
    spelt = spelt if re.match(r"[a-z]", spelt) else f"new_{spelt}"
    spelt = spelt[:36].rstrip("_").ljust(3, "x")
    spelt = f"new_{spelt}"[:36] if spelt.startswith("ref_") else spelt
    return next(each for n in range(1, 10_000) if (each := spelt if n == 1 else f"{spelt}_{n}") not in used)

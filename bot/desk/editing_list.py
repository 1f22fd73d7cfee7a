"""The service list as editors change it: checked like `advisor services check`, published by a second editor."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bot.desk.editing_form import Texts, Wrong, label_of, read
from bot.desk.editing_preview import Answer, Difference, answers, differences, hard_to_read
from bot.desk.editing_words import in_chinese
from bot.desk.pages import NotAllowed
from knowledge.changes import changes
from knowledge.errors import Problem, ServiceListError
from knowledge.keeping import Keeper, Version
from knowledge.live import LiveKnowledge
from knowledge.normalise import normalise_listed
from knowledge.schema import Service
from knowledge.settings import KnowledgeSettings
from knowledge.store import ServiceList, load
from storage.audit import Audit
from storage.drafts import Draft, Drafts
from storage.staff import Member

NOT_IDS = ("new", "history")  # addresses of pages


class CannotPublish(Exception):
    """Something stands against it; ``reasons`` are sentences for the editor."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__("；".join(reasons))


@dataclass(frozen=True)
class Checked:
    """What came of a form: the service, where it can be read, and all there is to say about it."""

    service: Service | None
    wrong: Wrong
    differences: list[Difference] = field(default_factory=list)
    hard: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        """Return whether a draft can be made of it."""
        return not self.wrong and bool(self.differences)


@dataclass(frozen=True)
class Conflict:
    """The service is not any more what the change was made from; ``known`` is False where nobody kept that."""

    known: bool
    differences: list[Difference]


@dataclass(frozen=True)
class Changed:
    """One service that differs between two versions."""

    id: str
    name: str
    kind: str
    differences: list[Difference]


class EditedList:
    """The list in the files, its versions, and the drafts."""

    def __init__(
        self,
        settings: KnowledgeSettings,
        drafts: Drafts,
        live: LiveKnowledge,
        audit: Audit,
        clock: Callable[[], datetime],
    ) -> None:
        """Take where the list and its versions lie; ``live`` stands in while the files cannot be read."""
        self.keeper = Keeper(settings.services, settings.versions_folder)
        self.drafts = drafts
        self._folder = settings.services
        self._live = live
        self._audit = audit
        self._clock = clock
        self._one = threading.Lock()  # who ends a draft does so alone

    def present(self) -> ServiceList:
        """Return the list in the files; the one in use where somebody broke them by hand."""
        try:
            return load(self._folder)
        except ServiceListError:
            return self._live.library.services

    def troubles(self) -> list[str]:
        """Return what is wrong with the files, or why the running system does not take them."""
        try:
            load(self._folder)
        except ServiceListError as error:
            return [f"{each.file} 第{each.line}行 {_told(each)}" for each in error.problems]
        return [self._live.refused] if self._live.refused else []

    def check(self, texts: Texts, new: bool) -> Checked:
        """Return what a form comes to, on the list of now."""
        present = self.present()
        service, wrong = read(texts)
        if new and (texts["id"] in present.services or texts["id"] in NOT_IDS):
            wrong.setdefault("id", []).append("这个编号已经有了，换一个。")
        if service is None:
            return Checked(None, wrong)
        if not wrong:
            wrong = self._refused([s for s in present if s.id != service.id], service)
        before, today = present.get(service.id), self._clock().date()
        return Checked(
            service, wrong, differences(before, service), hard_to_read(service, today), answers(service, today)
        )

    def check_removal(self, service_id: str) -> list[str]:
        """Return what stands against leaving a service out."""
        try:
            self.keeper.propose([service for service in self.present() if service.id != service_id])
        except ServiceListError as error:
            return [_told(each) for each in error.problems]
        return []

    def conflict(self, service_id: str, base: str) -> Conflict | None:
        """Return what others changed in a service since version ``base`` of the list; None where nothing."""
        present = self.present()
        if base == present.version:
            return None
        kept = self._kept(base)
        if kept is None:
            return Conflict(False, [])
        found = differences(kept.get(service_id), present.get(service_id))
        return Conflict(True, found) if found else None

    def base_of(self, draft: Draft) -> Service | None:
        """Return the service that a draft changes, as it was when the draft was made."""
        return (self._kept(draft.base) or self.present()).get(draft.service_id)

    def make(self, service_id: str, service: Service | None, why: str, member: Member, instead_of: str = "") -> Draft:
        """Keep a draft made from the list of now, a removal without a ``service``; the one it replaces is withdrawn."""
        text = service.model_dump_json() if service else ""
        draft = self.drafts.make(service_id, text, self.present().version, why, member.name, self._clock())
        self._audit.note(member.actor, "draft_made", f"{service_id} {draft.id}")
        replaced = self.drafts.get(instead_of) if instead_of else None
        if replaced and replaced.service_id == service_id:
            self.withdraw(replaced, member)
        return draft

    def withdraw(self, draft: Draft, member: Member) -> bool:
        """End a draft unpublished; False where it has ended already."""
        with self._one:
            ended = self.drafts.end(draft.id, "withdrawn", member.name, self._clock())
        if ended:
            self._audit.note(member.actor, "withdrawn", f"{draft.service_id} {draft.id}")
        return ended

    def publish(self, draft_id: str, member: Member) -> Version:
        """Make a draft part of the list. Raises NotAllowed for who made it, CannotPublish."""
        with self._one:
            draft = self.drafts.get(draft_id)
            if draft is None or draft.state != "open":
                raise CannotPublish(["这份草稿已经处理过了。"])
            if draft.made_by == member.name:
                raise NotAllowed
            version = self._apply(draft, member)
            self.drafts.end(draft.id, "published", member.name, self._clock())
        self._audit.note(member.actor, "published", f"{draft.service_id} {draft.id} v{version.number}")
        return version

    def roll_back(self, number: int, member: Member) -> Version:
        """Make an earlier version the list again. Raises NoSuchVersion, ServiceListError."""
        with self._one:
            version = self.keeper.roll_back(number, member.name, self._clock())
        self._audit.note(member.actor, "rolled_back", f"to {number} as v{version.number}")
        return version

    def _apply(self, draft: Draft, member: Member) -> Version:
        present = self.present()
        after = {service.id: service for service in present}
        if draft.service:
            after[draft.service_id] = service_in(draft)
        else:
            after.pop(draft.service_id, None)
        if list(after.values()) != list(present) and self.conflict(draft.service_id, draft.base):
            raise CannotPublish(["做草稿以后，这一项被改过了。请重新编辑。"])
        try:
            return self.keeper.apply(after.values(), f"{draft.made_by}+{member.name}", draft.why, self._clock())
        except ServiceListError as error:
            raise CannotPublish([_told(each) for each in error.problems]) from error

    def _kept(self, version: str) -> ServiceList | None:
        """Return the list of that version, where it can still be read."""
        if version == self.present().version:
            return self.present()
        numbers = [each.number for each in self.keeper.versions() if each.list_version == version]
        try:
            return self.keeper.services_of(numbers[-1]) if numbers else None
        except ServiceListError:  # kept by an older release, with fields there are no more
            return None

    def _refused(self, others: list[Service], service: Service) -> Wrong:
        wrong: Wrong = {}
        try:
            self.keeper.propose([*others, service])
        except ServiceListError as error:
            for problem in error.problems:
                name, told = _placed(problem, service)
                wrong.setdefault(name, []).append(told)
        return wrong


def service_in(draft: Draft) -> Service:
    """Return the service that a draft holds."""
    return Service.model_validate_json(draft.service)


def compared(before: Iterable[Service], after: Iterable[Service]) -> list[Changed]:
    """Return what is different between two versions of the list."""
    old, new = ({service.id: service for service in each} for each in (before, after))
    kinds = {"added": "新加", "changed": "改动", "removed": "删掉"}
    return [
        Changed(
            change.service_id,
            change.name,
            kinds[change.kind],
            differences(old.get(change.service_id), new.get(change.service_id)) if change.kind == "changed" else [],
        )
        for change in changes(old.values(), new.values())
    ]


def _told(problem: Problem) -> str:
    return f"{problem.entry} {label_of(problem.field)}：{in_chinese(problem.message)}"


def _placed(problem: Problem, service: Service) -> tuple[str, str]:
    """Return the field of ``service`` that a problem belongs to, and what to say there."""
    if problem.entry == service.id:
        return problem.field, in_chinese(problem.message)
    shared = re.fullmatch(rf"«(.*)» also belongs to {service.id}", problem.message)
    if shared is None:
        return "", _told(problem)
    asked = normalise_listed(shared[1]) in map(normalise_listed, service.questions)
    return "questions" if asked else "aliases", in_chinese(f"«{shared[1]}» also belongs to {problem.entry}")

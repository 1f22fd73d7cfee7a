"""What editors learnt, as files for the service list and the training data, in one archive.

Nothing is written into the repository here: somebody copies the files over and checks them.
"""

from __future__ import annotations

import functools
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from knowledge.listing import as_yaml
from knowledge.normalise import clean, normalise_listed
from knowledge.schema import MIN_QUESTIONS, Service
from knowledge.store import ServiceList
from storage.lessons import Lesson

TRAINING_FILE = "nlu/data/nlu/from_desk.yml"
LONGEST_ALIAS = 12  # characters; what is longer is no name but a question
_MISSING = {
    "category": "放在哪一类，例如 home_care、allowance（就是清单的文件名）",
    "region": "只有上海有写 shanghai，全国都有写 national",
    "summary": "一句话说它是什么，4到40个字",
    "content": "具体给什么、做什么",
    "contact": "打哪个电话，例如 - {name: 市民服务热线, phone: '12345'}",
    "sources": "出处，例如 - {title: 文件名, as_of: '2026-11', confidence: high}",
    "review_by": "哪一天要重新核对，例如 2027-06-30",
}
_README = """养老顾问接线台：编辑从“没答上的”问题里学到的东西（{at:%Y-%m-%d %H:%M}）

文件放到哪里（都在项目文件夹里，照这里的路径盖过去）：
{places}
然后依次运行：
  advisor services check    看清单有没有错
  advisor quality check     看训练数据有没有重复、矛盾
  advisor train             重新训练对话模型
装好以后，在接线台“没答上的”那一页，把已经收进去的拿掉。
{left}"""


@dataclass(frozen=True)
class Taken:
    """What stands in the list and in the desk's own file of training data already."""

    services: ServiceList
    training: Mapping[str, str]  # each utterance's intent

    @functools.cached_property
    def owners(self) -> dict[str, str]:
        """Return whose each name, alias and question of the list is, by normal text."""
        return owners(self.services)

    def __contains__(self, lesson: Lesson) -> bool:
        if lesson.kind == "utterance":
            return self.training.get(lesson.text) == lesson.target
        if lesson.kind == "service":
            return lesson.target in self.services.services
        return self.owners.get(normalise_listed(lesson.text)) == lesson.target


def owners(services: Iterable[Service]) -> dict[str, str]:
    """Return whose each name, alias and question is, by normal text: it may stand in one service only."""
    return {
        normalise_listed(text): each.id for each in services for text in (each.name, *each.aliases, *each.questions)
    }


def utterance(text: str) -> str:
    """Return a text as one line of a file: no signs in it that YAML or Rasa would read as their own."""
    text = re.sub("[\ufffe\uffff\\\\]", "", " ".join(clean(text).split()))
    return text.lstrip("-#|> ").translate(str.maketrans("[]{}", "【】（）"))


def as_training(utterances: Mapping[str, str]) -> str:
    """Return utterances, each with its intent, as a file of ``nlu/data/nlu``."""
    by_intent: dict[str, list[str]] = {}
    for text, intent in utterances.items():
        by_intent.setdefault(intent, []).append(text)
    lines = ["# From the hotline desk: questions that were not answered, with what an editor says they mean."]
    lines += ['version: "3.1"', "", "nlu:"]
    for intent, texts in sorted(by_intent.items()):
        lines += [f"- intent: {intent}", "  examples: |", *(f"    - {text}" for text in texts)]
    return "\n".join(lines) + "\n"


def read_training(text: str) -> dict[str, str]:
    """Return the utterances of such a file, each with its intent. Raises yaml.YAMLError, KeyError, TypeError."""
    entries = (yaml.safe_load(text) or {}).get("nlu") or []
    return {
        line.removeprefix("- ").strip(): entry["intent"]
        for entry in entries
        for line in entry["examples"].splitlines()
        if line.strip()
    }


def archive(lessons: Sequence[Lesson], taken: Taken, at: datetime) -> bytes:
    """Return the archive. What the list cannot take any more is left out, and its README says so."""
    files: dict[str, str] = {}
    utterances = {each.text: each.target for each in lessons if each.kind == "utterance"}
    if utterances:  # what was exported earlier stays in the file
        files[TRAINING_FILE] = as_training({**taken.training, **utterances})
    changed, left = _with_names(lessons, taken.services)
    for category in sorted({each.category for each in changed.values()}):
        of_it = [changed.get(each.id, each) for each in taken.services if each.category is category]
        files[f"knowledge/services/{category.value}.yaml"] = as_yaml(of_it)
    for draft in (each for each in lessons if each.kind == "service" and each not in taken):
        asked = [each.text for each in lessons if each.kind == "question" and each.target == draft.target]
        files[f"drafts/{draft.target}.yaml"] = as_draft(draft.target, draft.text, asked)
    places = "".join(
        f"  {name}{'：草稿，先补齐再放进清单，不要直接放' if 'drafts/' in name else ''}\n" for name in files
    )
    told = "没有放进去的（清单后来变了）：\n" + "".join(f"  {line}\n" for line in left) if left else ""
    readme = _README.format(at=at, places=places or "  （现在没有要放的）\n", left=told)
    return _zipped({"README.txt": readme, **files}, at)


def as_draft(service_id: str, name: str, questions: Sequence[str]) -> str:
    """Return a service as far as it is known, and in comments what is missing before the list can take it."""
    known: dict[str, Any] = {"id": service_id, "name": name}
    if questions:
        known["questions"] = list(dict.fromkeys(questions))
    lines = ["# 草稿，还不是清单的一部分。补齐下面写着“还缺”的，再把它放进 knowledge/services 里这一类的文件。"]
    for field, info in Service.model_fields.items():
        if info.is_required() and field not in known and field != "questions":
            lines.append(f"# 还缺 {field}：{_MISSING.get(field, '必填')}")
    if len(known.get("questions", ())) < MIN_QUESTIONS:
        lines.append(
            f"# 还缺 questions：老人会怎么问，至少{MIN_QUESTIONS}句，现在有{len(known.get('questions', ()))}句"
        )
    lines.append("# 没有查到的（金额、条件、材料等）不写，不要猜。")
    return "\n".join(lines) + "\n" + yaml.safe_dump([known], allow_unicode=True, sort_keys=False, width=10_000)


def _with_names(lessons: Sequence[Lesson], services: ServiceList) -> tuple[dict[str, Service], list[str]]:
    """Return the services with their new aliases and questions, and a line for each text that was left out."""
    drafts = {each.target for each in lessons if each.kind == "service"}
    changed: dict[str, Service] = {}
    left, whose = [], owners(services)
    for each in lessons:
        if each.kind not in ("alias", "question") or (each.kind == "question" and each.target in drafts):
            continue
        service, key = changed.get(each.target) or services.get(each.target), normalise_listed(each.text)
        if service is None:
            left.append(f"“{each.text}”：清单里没有 {each.target} 了")
        elif whose.setdefault(key, each.target) != each.target:
            left.append(f"“{each.text}”：已经是 {whose[key]} 的了")
        elif key not in map(normalise_listed, (service.name, *service.aliases, *service.questions)):
            field = "aliases" if each.kind == "alias" else "questions"
            texts = (*getattr(service, field), each.text)
            try:
                changed[service.id] = Service.model_validate({**service.model_dump(), field: texts})
            except ValueError:  # the same but for signs: the list refuses it
                left.append(f"“{each.text}”：和 {each.target} 里的一句只差标点")
    return changed, left


def _zipped(files: Mapping[str, str], at: datetime) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as into:
        for name, text in files.items():
            into.writestr(zipfile.ZipInfo(name, at.timetuple()[:6]), text, zipfile.ZIP_DEFLATED)
    return held.getvalue()

"""Which service an act is about: named, meant by a follow-up, one of several, or none."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from actions.understood import Context, UnderstoodAct
from knowledge.answer import topic_of
from knowledge.encoder import Encoder
from knowledge.library import Library
from knowledge.normalise import DATA, clauses
from knowledge.schema import Service
from knowledge.search import Match

# Probabilities of the fused search, chosen on the dev questions (docs/adr/0003).
ANSWER_FROM = 0.30  # below, we ask whether one of the nearest is meant
ASK_FROM = 0.10  # below, we do not know
SURE_FROM = 0.80  # above, another close match is not asked about
TWINS_FROM = 0.85  # where even the second is that likely, two services share the words: 监护人
TWIN_RATIO = 0.90
CLOSE_RATIO = 0.15  # below SURE_FROM, what has this share of the first's probability is asked about too
FOLLOW_UP_BELOW = 0.50  # a short follow-up goes on with the last service below this
LEADS_ON_BELOW = 0.80  # the same, where the message begins as a follow-up does
_LEADS_ON = ("那", "它", "还有", "这个", "他", "她")
_SHORT = 16
_VERY_SHORT = 6  # 一级可以吗: a text that short and without a name says nothing by itself
_LONG = 20  # a longer text may say more than one thing
_SAYS_SOMETHING = 5  # characters of a clause worth a search
_MAX_CLAUSES = 6
TOPIC_SCORE = 0.82  # above SURE_FROM: who asks just what a service has its own answer to gets that answer
_TOPIC_FROM = 0.08
CLAUSE_COUNTS = 0.8  # a clause that names no service is less sure than the whole: what is around it may turn it
_FOLLOW_UP_LENGTH = 20  # a longer text says something; matching it would be slow too
_ORDINALS = {"一": 0, "1": 0, "二": 1, "两": 1, "2": 1, "三": 2, "3": 2}
_ORDINAL = re.compile(r"(?:第|选|要)?([一二两三123])(?:个|项|号|种|条)?[。！]?$|第([一二三123])")


@dataclass(frozen=True)
class About:
    """The services an act may be about, the likeliest first, and how surely."""

    matches: tuple[Match, ...]
    followed: bool = False  # goes on with the last service

    @property
    def best(self) -> Match | None:
        """Return the likeliest, or None."""
        return self.matches[0] if self.matches else None

    def is_known(self) -> bool:
        """Return whether the likeliest is likely enough to answer."""
        return bool(self.matches) and self.matches[0].score >= ANSWER_FROM

    def guesses(self) -> list[Match]:
        """Return the matches to offer where none is likely enough to answer, at most three."""
        if self.is_known() or not self.matches or self.matches[0].score < ASK_FROM:
            return []
        return [match for match in self.matches[:3] if match.score >= ASK_FROM / 3]

    def close(self) -> list[Match]:
        """Return the matches to ask about; empty where one stands out or none is likely."""
        if not self.is_known() or self.followed:
            return []
        first = self.matches[0].score
        if SURE_FROM <= first < TWINS_FROM:
            return []
        ratio = CLOSE_RATIO if first < SURE_FROM else TWIN_RATIO
        near = [match for match in self.matches[:3] if match.score >= first * ratio]
        return near if len(near) > 1 else []


def about(act: UnderstoodAct, context: Context, library: Library, only: Sequence[str] = ()) -> About:
    """Return what ``act`` is about; ``only`` limits the services considered."""
    if act.service_id and library.services.get(act.service_id):
        return About((Match(act.service_id, 1.0, ""),))
    last = library.services.get(context.last_service)
    if last and is_follow_up(act.text):
        return About((Match(last.id, 1.0, ""),), followed=True)
    vector = act.vector if act.encoder == library.encoder_name else None
    if vector is None and act.text:
        vector = library.vector_of(act.text)
    matches = library.find_by_vector(act.text, vector, only=only)
    best = matches[0].score if matches else 0.0
    encoder = library.loaded_encoder
    if not only and encoder and best < SURE_FROM and len(context.said or act.text) > _LONG:
        # A part that says too little by itself is about what the whole message says.
        whole = context.said if best < ANSWER_FROM and context.said else act.text
        matches = _with_clauses(whole, matches, library, encoder)
    matches = _with_topics(act.text, matches, library)
    best = matches[0].score if matches else 0.0
    leads_on = act.text.startswith(_LEADS_ON) or (
        len(act.text) <= _VERY_SHORT and not library.search.names_one(act.text)
    )
    sure = LEADS_ON_BELOW if leads_on else FOLLOW_UP_BELOW
    if last and len(act.text) <= _SHORT and best < sure and not only:
        return About((Match(last.id, 1.0, ""), *matches), followed=True)
    return About(tuple(matches))


def _with_topics(text: str, matches: Sequence[Match], library: Library) -> list[Match]:
    """Return the matches with those raised that have their own answer to just this question."""
    raised = [
        replace(match, score=max(match.score, TOPIC_SCORE))
        if match.score >= _TOPIC_FROM and topic_of(library.services[match.service_id], text)
        else match
        for match in matches
    ]
    return sorted(raised, key=lambda match: -match.score)


def _with_clauses(text: str, matches: Sequence[Match], library: Library, encoder: Encoder) -> list[Match]:
    """Return the matches of a long text, or of the clause that says it best.

    What somebody tells around the matter drowns it in one vector of the whole.
    """
    parts = [part for part in clauses(text) if len(part) >= _SAYS_SOMETHING][:_MAX_CLAUSES]
    best = {match.service_id: match for match in matches}
    for part, vector in zip(parts, encoder.queries(parts) if parts else [], strict=True):
        counts = 1.0 if library.search.names_one(part) else CLAUSE_COUNTS
        for match in library.find_by_vector(part, vector):
            score = match.score * counts
            if score > (best[match.service_id].score if match.service_id in best else 0.0):
                best[match.service_id] = replace(match, score=score)
    return sorted(best.values(), key=lambda match: -match.score)[: len(matches)]


def is_follow_up(text: str) -> bool:
    """Return whether normal ``text`` names nothing: 那要多少钱, 在哪里办."""
    return len(text) <= _FOLLOW_UP_LENGTH and _empty_words().fullmatch(text) is not None


@functools.cache
def _empty_words() -> re.Pattern[str]:
    lines = (DATA / "follow_up_words.txt").read_text(encoding="utf-8").splitlines()
    words = [word for line in lines if line and not line.startswith("#") for word in _alternatives(line)]
    return re.compile(f"(?:{'|'.join(words)}|[^\\u3400-\\u9fffa-z0-9])*")


def _alternatives(line: str) -> list[str]:
    """Split at the bars outside brackets."""
    return re.findall(r"(?:[^|()]|\([^()]*\))+", line)


@functools.cache
def _places() -> re.Pattern[str]:
    lines = (DATA / "elsewhere.txt").read_text(encoding="utf-8").splitlines()
    return re.compile("|".join(word for line in lines if not line.startswith("#") for word in line.split()))


def is_elsewhere(text: str) -> bool:
    """Return whether ``text`` names another place and not Shanghai."""
    return bool(_places().search(text)) and "上海" not in text


_HERE = re.compile(
    r"上海|沪|浦东|徐汇|静安|黄浦|长宁|普陀|虹口|杨浦|闵行|宝山|嘉定|松江|青浦|奉贤|金山|崇明|"
    r"来这|这边|这里|来带|过来|搬回|没迁|未迁|住在女儿|住在儿子|跟(?:儿子|女儿)住|"
    r"(?:儿子|女儿|孙子|孙女|妹妹|弟弟|姐姐|哥哥|子女|小孩|老公|爱人|我|人)(?:一家)?(?:都)?在"
)


def lives_here(text: str) -> bool:
    """Return whether ``text``, which names another place, is still about somebody who is here."""
    return bool(_HERE.search(text))


def chosen(text: str, offered: Sequence[str], library: Library) -> Service | None:
    """Return which of the services ``offered`` the words 第二个, 最后一个 or a name mean."""
    options = [service for service in map(library.services.get, offered) if service]
    if not options:
        return None
    for service in options:
        if any(name in text for name in (service.name, *service.aliases)):
            return service
    if "最后" in text or "下面" in text:
        return options[-1]
    if "上面" in text or "头一" in text or "前面" in text:
        return options[0]
    found = _ORDINAL.search(text)
    position = _ORDINALS[found[1] or found[2]] if found else None
    return options[position] if position is not None and position < len(options) else None

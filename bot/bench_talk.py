"""What the bench's users say: mixed conversations, most of their questions never asked before.

An encoding that is kept from before costs nothing, so a bench that asks the same few questions
measures a cache. Here questions come from the service list, each with one of many openings;
what people do say again and again (怎么申请, 好的, 谢谢) repeats, as it does in life.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from knowledge.normalise import normalise

_OPENINGS = (
    "",
    "请问",
    "侬好，",
    "我妈八十三了，",
    "我爸走路不方便，",
    "老伴刚出院，",
    "邻居阿婆托我问，",
    "我住浦东，",
    "外地回来的，",
    "不好意思问一下，",
    "同志，",
    "我是居委会的，",
)
_FOLLOW_UPS = (
    "怎么申请",
    "那要多少钱",
    "要带什么材料",
    "在哪里办",
    "多久能办好",
    "我妈能申请吗",
    "电话多少",
    "说简单点",
)
_FINDER = (
    ("我妈能享受什么", "83岁", "上海户口", "一个人住", "不晓得"),
    ("看看我爸能拿哪些补贴", "他76了", "是上海户口", "和我妈一起住", "跳过"),
    ("帮我查查能领什么", "我九十一岁", "户口在上海", "跟儿子住", "没有评过"),
)
_BOOKING = (
    ("帮我妈约下周三上午徐汇的养老顾问", "第一个", "敬老卡在哪里办", "算了不约了"),
    ("我要报名家庭照护培训", "第二个", "是给我自己报的", "不约了"),
    ("约养老顾问，明朝早浪向", "杨浦区", "第一个", "先不约了"),
)
_CHAT = (
    ("侬好", "你是机器人吗", "你会做什么", "谢谢"),
    ("在吗", "今天天气真好", "你能再说一遍吗", "再见"),
    ("您好", "字能大一点吗", "好的谢谢"),
)
_DANGER = (("我爸摔倒了起不来", "谢谢"), ("老伴胸口痛得厉害，喘不上气",))
# Of a hundred conversations; the rest are questions with a follow-up or two.
_SHARES = {"finder": 12, "booking": 12, "chat": 10, "danger": 3, "two_at_once": 4}
_FIXED: dict[str, tuple[tuple[str, ...], ...]] = {
    "finder": _FINDER,
    "booking": _BOOKING,
    "chat": _CHAT,
    "danger": _DANGER,
}


@dataclass(frozen=True)
class Talk:
    """One conversation: what kind it is, and what the person writes one after another."""

    kind: str
    texts: tuple[str, ...]


def talks(questions: Sequence[str], seed: int = 11) -> Iterator[Talk]:
    """Yield conversations without end, always the same for one ``seed``; a question comes again only after all."""
    dice = random.Random(seed)  # noqa: S311 (a repeatable mixture)
    fresh = _shuffled(questions, dice)
    kinds = [*_SHARES, "question"]
    weights = [*_SHARES.values(), 100 - sum(_SHARES.values())]
    while True:
        kind = dice.choices(kinds, weights)[0]
        if kind in _FIXED:
            yield Talk(kind, dice.choice(_FIXED[kind]))
        elif kind == "two_at_once":
            yield Talk(kind, (f"{next(fresh)}，还有，{next(fresh)}",))
        else:
            more = dice.sample(_FOLLOW_UPS, dice.choice((0, 1, 1, 2)))
            yield Talk(kind, (next(fresh), *more, *([next(fresh)] if dice.random() < 0.3 else [])))


def enough(stream: Iterator[Talk], messages: int) -> list[Talk]:
    """Return the next conversations, with ``messages`` messages or a few more in all."""
    taken: list[Talk] = []
    while sum(len(talk.texts) for talk in taken) < messages:
        taken.append(next(stream))
    return taken


def kept_share(said: Iterable[Talk], before: Iterable[Talk] = ()) -> float:
    """Return what share of the messages in ``said`` were written before, word for word, so their encoding is kept."""
    known = {normalise(text) for talk in before for text in talk.texts}
    again = total = 0
    for talk in said:
        for text in talk.texts:
            total += 1
            again += normalise(text) in known
            known.add(normalise(text))
    return round(again / total, 2) if total else 0.0


def _shuffled(questions: Sequence[str], dice: random.Random) -> Iterator[str]:
    while True:
        order = dice.sample(list(questions), len(questions))
        for question in order:
            yield dice.choice(_OPENINGS) + question

"""What is said before an answer: that we feel with the person, and that we know Shanghai only."""

from __future__ import annotations

import functools
import re

from actions.about import is_elsewhere
from knowledge.normalise import DATA
from knowledge.phrases import say
from knowledge.plain_text import plain_text
from knowledge.reply import Block, Outcome, Reply, TextBlock

_OWN_WORDS = {Outcome.GUARDED_WELLBEING, Outcome.GUARDED_ABUSE, Outcome.GUARDED_EMERGENCY}
_ABOUT_SHANGHAI = {
    Outcome.ANSWERED_SERVICE,
    Outcome.ANSWERED_REFERRAL,
    Outcome.ANSWERED_SEVERAL,
    Outcome.UNANSWERED_FIELD,
    Outcome.GUARDED_MEDICAL,
}

_FAMILY_AWAY = re.compile(r"(?:儿子|女儿|子女|孩子|妹妹|弟弟|哥哥|姐姐|家里人)们?都?(?:住|还)?在[^，。！？]{2,4}")

_HAS_COME = re.compile(r"没迁|未迁|来带|搬回|住在?(?:女儿|儿子|我)家|跟(?:女儿|儿子|我们?)住")


def opened(reply: Reply, text: str) -> Reply:
    """Return the reply to normal ``text`` with the opening it needs, if any."""
    opening: list[Block] = []
    if reply.outcome not in _OWN_WORDS:
        opening += [TextBlock(text=say(feeling)) for feeling in _feelings(text)[:1] if not _consoles(reply, feeling)]
    if reply.outcome in _ABOUT_SHANGHAI and is_elsewhere(_FAMILY_AWAY.sub("", text)) and not _HAS_COME.search(text):
        opening.append(TextBlock(text=say("elsewhere_note")))
    return reply.model_copy(update={"blocks": [*opening, *reply.blocks]}) if opening else reply


def _consoles(reply: Reply, feeling: str) -> bool:
    """Return whether the reply itself says so already."""
    return feeling == "feeling_loss" and "节哀" in plain_text(reply)


def _feelings(text: str) -> list[str]:
    return [feeling for feeling, words in _patterns() if words.search(text)]


@functools.cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the phrase for each feeling, and the words that show it."""
    lines = (DATA / "feelings.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    return tuple((name, re.compile(words.replace(" ", "|"))) for name, words in rows)

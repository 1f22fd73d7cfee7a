"""What happens to words on their way to us: other scripts, no stops, misheard words, dialect.

For measuring how much of it the model bears, and for training it on such copies. Each
function takes its random numbers, so that the same seed gives the same copy.
"""

from __future__ import annotations

import functools
import random
import re
from pathlib import Path
from typing import Any, Callable, Dict, List

_STOPS = re.compile(r"[，。？！、；：,.?!;:…~～“”\"'（）()]")
_DIALECT = Path(__file__).with_name("dialect_noise.tsv")
_MISHEARD = 0.25  # share of the words that have a homophone
_HALF = 0.5
_SPOKEN = 0.8  # share of the words that have another in dialect
_COMMON = 80  # occurrences in Jieba's corpus from which a word may be heard instead


def traditional(text: str, rng: random.Random) -> str:
    """Return ``text`` in Traditional characters."""
    return str(_to_traditional().convert(text))


def without_stops(text: str, rng: random.Random) -> str:
    """Return ``text`` as speech recognition without punctuation gives it."""
    return _STOPS.sub("", text) or text


def misheard(text: str, rng: random.Random) -> str:
    """Return ``text`` with some words replaced by others of the same sound, at least one where any has one."""
    import jieba

    words = list(jieba.cut(text))
    heard = _homophones()
    open_to = [at for at, word in enumerate(words) if heard.get(_sound(word), [word]) != [word]]
    chosen = [at for at in open_to if rng.random() < _MISHEARD] or open_to[:1]
    for at in chosen:
        words[at] = rng.choice([other for other in heard[_sound(words[at])] if other != words[at]] or [words[at]])
    return "".join(words)


def in_dialect(text: str, rng: random.Random) -> str:
    """Return ``text`` with words of Shanghai (and a few of elsewhere) in the place of common ones."""
    for common, spoken in _dialect().items():
        if common in text and rng.random() < _SPOKEN:
            text = text.replace(common, rng.choice(spoken))
    return text


VARIANTS: Dict[str, Callable[[str, random.Random], str]] = {
    "traditional": traditional,
    "without_stops": without_stops,
    "misheard": misheard,
    "in_dialect": in_dialect,
}


def one_of_all(text: str, rng: random.Random) -> str:
    """Return ``text`` changed in one of these ways: misheard as often as all others together."""
    return (misheard if rng.random() < _HALF else rng.choice((without_stops, in_dialect)))(text, rng)


@functools.lru_cache(maxsize=None)
def _to_traditional() -> Any:
    import opencc

    return opencc.OpenCC("s2t")


@functools.lru_cache(maxsize=None)
def _dialect() -> Dict[str, List[str]]:
    lines = _DIALECT.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {row[0]: row[1].split() for row in sorted(rows, key=lambda row: -len(row[0]))}


@functools.lru_cache(maxsize=None)
def _homophones() -> Dict[str, List[str]]:
    import jieba

    jieba.initialize()
    by_sound: Dict[str, List[str]] = {}
    for word, count in jieba.dt.FREQ.items():
        if count >= _COMMON and 2 <= len(word) <= 3 and "\u4e00" <= word[0] <= "\u9fff":
            by_sound.setdefault(_sound(word), []).append(word)
    return {sound: words for sound, words in by_sound.items() if len(words) > 1}


@functools.lru_cache(maxsize=200_000)
def _sound(word: str) -> str:
    from pypinyin import lazy_pinyin

    return " ".join(lazy_pinyin(word))

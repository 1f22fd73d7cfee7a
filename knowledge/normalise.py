"""What normal text is: one definition for the dialogue server (3.10) and the advisor (3.11+).

``clean`` makes text safe to store and show; ``normalise`` makes it fit to be understood:
simplified characters, common words instead of dialect, the field's own terms instead of
their homophones, Chinese instead of pinyin.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from pathlib import Path
from typing import Any

MAX_MESSAGE = 2_000  # characters kept of one message
_LATEST = 64  # texts kept: several steps need the same message as normal text
MAX_QUERY = 200  # characters the encoder sees: it takes 0.6 s for 1,000
DATA = Path(__file__).parent / "data"

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_BLANK = re.compile(r"\s+")
_CJK = "\u3400-\u9fff"
_BLANK_BY_CJK = re.compile(rf"(?<=[{_CJK}，。？！、])\s+|\s+(?=[{_CJK}，。？！、])")
_SAME_AGAIN = re.compile(r"(.)\1{3,}")
_CJK_RUN = re.compile(rf"[{_CJK}]+")
_COURTESY = r"(?:hello|hi|hey|dear|please|pls|plz|thanks?(?: you)?(?: so| very)?(?: much)?|thx|tks|ok(?:ay)?|excuse me|sorry|btw|so|well)"
_COURTESY_AROUND = re.compile(
    rf"^(?:{_COURTESY}(?![a-z])[\s，。！~]*)+(?=.*[{_CJK}].*[{_CJK}])|(?<=[{_CJK}，。？！\s])(?:[\s，。！~]*(?<![a-z]){_COURTESY})+[\s，。！~]*$"
)
_LATIN_ONLY = re.compile(r"[a-z\s,.?!'，。？！]+")
_FUZZY_SOUNDS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"))
_STOP = re.compile(r"(?<=[。？！；，、\n])")
_BREATH = 24  # characters said without a stop
_ANEW = re.compile(
    r"(?=我想问|(?<!我)想问|请问|能不能|能否|可不可以|可以不可以|有没有|要不要|是不是|还有|但是|不过|现在|所以|因为|听说|听人|"
    r"我们|他们|这个要|(?<!这个)(?<!那)要多少|收费|我一个人|家里)"
)
# NFKC would turn Chinese punctuation into ASCII; the sentence splitter wants it Chinese.
_PUNCTUATION = str.maketrans({",": "，", "?": "？", "!": "！", ";": "；", ":": "："})


def clean(text: str, limit: int = MAX_MESSAGE) -> str:
    """Return ``text`` without what breaks parts further on, at most ``limit`` characters.

    Removes control, direction and zero-width characters and lone surrogates, and any
    leading "/", which Rasa would run as a command (a full-width ／ too).
    """
    text = text[: limit * 2].encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    text = _INVISIBLE.sub("", text)
    text = "".join(ch if ch == "\n" or unicodedata.category(ch) != "Cc" else " " for ch in text)
    text = text.strip()[:limit]
    while unicodedata.normalize("NFKC", text[:1]) == "/":
        text = text[1:].lstrip()
    return text


@functools.lru_cache(maxsize=_LATEST)
def normalise(text: str) -> str:
    """Return ``text`` as the models should see it. Idempotent on its own results."""
    text = unicodedata.normalize("NFKC", clean(text)).lower()
    text = _simplified().convert(text).translate(_PUNCTUATION)
    text = _BLANK.sub(" ", text).strip()
    text = _SAME_AGAIN.sub(r"\1\1", text)
    if _LATIN_ONLY.fullmatch(text):
        return _from_pinyin(text)
    text = _COURTESY_AROUND.sub("", text).strip()  # "hello … thank you" around a question in Chinese is no greeting
    text = _BLANK_BY_CJK.sub("", text)
    text = _common_words(text)
    return _mend_homophones(text)


def to_simplified(text: str) -> str:
    """Return ``text`` in Simplified characters."""
    return str(_simplified().convert(text))


@functools.lru_cache(maxsize=50_000)
def normalise_listed(text: str) -> str:
    """Return normal ``text`` of the service list, which is the same again and again; never for messages."""
    return normalise(text)


@functools.cache
def _simplified() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


@functools.cache
def _dialect() -> tuple[re.Pattern[str], dict[str, str]]:
    rows = [line.split("\t") for line in _lines("dialect.tsv")]
    table = {row[0]: row[1] for row in rows}
    ordered = sorted(table, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))), table


def _common_words(text: str) -> str:
    pattern, table = _dialect()
    text = pattern.sub(lambda found: table[found.group()], text)
    # 伐 asks a question only at the end of a clause (not in 砍伐树木).
    return re.sub(rf"伐(?=$|[^{_CJK}])", "吗", text)


@functools.cache
def _terms_by_sound() -> dict[int, dict[tuple[str, ...], str]]:
    by_length: dict[int, dict[tuple[str, ...], str]] = {}
    for term in domain_terms():
        if 3 <= len(term) <= 8 and _CJK_RUN.fullmatch(term):
            by_length.setdefault(len(term), {})[_sounds(term)] = term
    return dict(sorted(by_length.items(), reverse=True))


def _mend_homophones(text: str) -> str:
    """Replace what speech recognition misheard of the field's terms (长沪险 → 长护险).

    At least two characters must already be right, so a chance rhyme is left alone.
    """
    for run in list(_CJK_RUN.finditer(text)):
        chars, sounds = run.group(), _sounds(run.group())
        if len(sounds) != len(chars):
            continue
        mended = chars
        for length, terms in _terms_by_sound().items():
            for start in range(len(chars) - length + 1):
                term = terms.get(sounds[start : start + length])
                heard = chars[start : start + length]
                if term and term != heard and sum(a == b for a, b in zip(term, heard, strict=True)) >= 2:
                    mended = mended[:start] + term + mended[start + length :]
        text = text[: run.start()] + mended + text[run.end() :]
    return text


def _sounds(text: str) -> tuple[str, ...]:
    from pypinyin import lazy_pinyin

    return tuple(_fuzzy(syllable) for syllable in lazy_pinyin(text))


def _fuzzy(syllable: str) -> str:
    for sound, merged in _FUZZY_SOUNDS:
        syllable = syllable.replace(sound, merged)
    return syllable


@functools.cache
def _pinyin_words() -> dict[str, str]:
    from pypinyin import lazy_pinyin

    words = [*_lines("pinyin_words.txt"), *domain_terms()]
    return {"".join(lazy_pinyin(word)): word for word in words}


def _from_pinyin(text: str) -> str:
    """Return the Chinese of a message in pinyin, or ``text`` where it is not pinyin.

    Greedy longest match over the field's terms and everyday words; at least two thirds
    of the letters must be covered.
    """
    words = _pinyin_words()
    longest = max(map(len, words))
    letters = re.sub(r"[^a-z]", "", text)
    out, at, covered = [], 0, 0
    while at < len(letters):
        for size in range(min(longest, len(letters) - at), 1, -1):
            word = words.get(letters[at : at + size])
            if word:
                out.append(word)
                at, covered = at + size, covered + size
                break
        else:
            at += 1
    return "".join(out) if len(letters) >= 4 and covered >= len(letters) * 2 / 3 else text


@functools.cache
def domain_terms() -> tuple[str, ...]:
    """Return the field's terms, as in the Jieba dictionary."""
    return tuple(line.split()[0] for line in _lines("jieba/terms.txt"))


def _lines(name: str) -> list[str]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def clauses(text: str) -> list[str]:
    """Return the clauses of normal ``text`` with their stops.

    Speech comes without stops: what is longer than a breath is cut where people begin anew.
    """
    parts = [part for part in _STOP.split(text) if part.strip()]
    return [piece for part in parts for piece in (_ANEW.split(part) if len(part) > _BREATH else [part]) if piece]

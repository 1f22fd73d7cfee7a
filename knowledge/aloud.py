"""Answers for the ear: phone numbers digit by digit, every other number as a word."""

from __future__ import annotations

import re

import cn2an

from knowledge.reply import AnswerBlock

_DIGITS = str.maketrans("0123456789", "零幺二三四五六七八九")
# A hotline, a service number, a mobile or a land line; not an amount or a year.
_PHONE = re.compile(
    r"(?<![\d.])(?:12345|(?:\+?86-?)?1[3-9]\d{9}|0\d{2,3}-?\d{7,8}|11[0-9]|12[0-2]|1[12]\d{3}|9[56]\d{3})(?![\d.%元个家张人名项小分天岁万级])"
)
_BRACKET = re.compile(r"（([^（）]*)）")
_SILENT = str.maketrans(
    {"“": "", "”": "", "《": "", "》": "", "【": "", "】": "", "〔": "", "〕": "", "☎": "", "·": ""}
)


def aloud(text: str) -> str:
    """Return ``text`` as it is to be spoken: no figures, brackets as a short pause."""
    text = _PHONE.sub(lambda found: _phone(found.group()), text)
    text = _BRACKET.sub(r"，\1，", text).translate(_SILENT)
    text = str(cn2an.transform(text, "an2cn"))
    return re.sub(
        r"，(?=[，。！？；])|(?<=[，。！？；])，",
        "",
        re.sub(r"\d", lambda found: found.group().translate(_DIGITS), text),
    )


def answer_aloud(block: AnswerBlock) -> str:
    """Return a whole answer for the ear."""
    call = f"请打{block.contact[0].phone}，{block.contact[0].name}。" if block.contact else ""
    return aloud("".join([f"{block.title}。{block.lead}", *block.points, block.how or "", block.outdated or "", call]))


def _phone(number: str) -> str:
    """12345 is called 一二三四五 by everybody; elsewhere a one is said 幺."""
    if number == "12345":
        return "一二三四五"
    return re.sub(r"\D", "", number).translate(_DIGITS)

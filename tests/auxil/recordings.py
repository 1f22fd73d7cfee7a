"""Real Mandarin recordings with what is said in them (sources and licences in tests/speech/README.md)."""

from __future__ import annotations

import re
from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "speech"
RECORDINGS = [
    (_FOLDER / "aishell.wav", "广州市房地产中介协会分析"),
    (_FOLDER / "wenet_mid.wav", "大学生利用漏洞免费吃肯德基获刑"),
    (_FOLDER / "wenet_long.wav", "富士康在印度工厂出现大规模感染目前工厂产量已下降超50%"),
    (_FOLDER / "chinese.flac", "砸自己的脚"),
]


def characters_wrong(heard: str, meant: str) -> int:
    """Return the edit distance in characters, punctuation and blanks left out."""
    one, other = (re.sub(r"[^\w%]", "", text) for text in (heard, meant))
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]

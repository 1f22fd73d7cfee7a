"""Bars drawn as an SVG that stands for itself: readable in black and white, with its numbers at the bars."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from markupsafe import Markup, escape

from bot.desk.suppression import Hidden, Shown

WIDTH = 720
TEXT = 16  # user units: the page never draws the chart narrower than WIDTH, in pixels
_ROW, _BAR, _GAP = 28, 18, 8
_LABEL = (90, 300)  # narrowest and widest column of labels
_NUMBER = 90  # right of the longest bar
_UNKNOWN = 60  # every hidden bar is as long: its length says nothing


def bars(name: str, title: str, rows: Sequence[tuple[str, Shown]]) -> Markup:
    """Return a chart with a bar for each (label, count); ``name`` begins its ids and is unique on the page.

    A hidden count is a hatched outline of one and the same length, with the words that say so.
    """
    left = _label_width(rows)
    largest = max((count for _, count in rows if isinstance(count, int)), default=0)
    scale = (WIDTH - left - _GAP - _NUMBER) / max(largest, 1)
    height = len(rows) * _ROW + _GAP
    drawn = Markup("").join(_row(name, number, row, left, scale) for number, row in enumerate(rows))
    return Markup(
        '<svg class="chart" role="img" aria-labelledby="{name}-title {name}-desc" viewBox="0 0 {width} {height}" '
        'width="{width}" height="{height}" xmlns="http://www.w3.org/2000/svg">'
        '<title id="{name}-title">{title}</title><desc id="{name}-desc">{description}</desc>'
        '<defs><pattern id="{name}-hatch" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<path d="M-2 2L2 -2M0 8L8 0M6 10L10 6" stroke="#16191a" stroke-width="1.5"/></pattern></defs>'
        '<g font-size="{text}" fill="#16191a">{drawn}</g>'
        '<path d="M{axis} 0V{height}" stroke="#16191a" stroke-width="2"/></svg>'
    ).format(
        name=name,
        title=title,
        description=description(rows),
        width=WIDTH,
        height=height,
        text=TEXT,
        drawn=drawn,
        axis=left + _GAP,
    )


def description(rows: Sequence[tuple[str, Shown]]) -> str:
    """Return what the chart shows, in a sentence."""
    counts = [(count, label) for label, count in rows if isinstance(count, int)]
    hidden = len(rows) - len(counts)
    told = f"横条图，共{len(rows)}项。"
    if counts and max(counts)[0]:
        most = max(count for count, _ in counts)
        first = next(label for count, label in counts if count == most)
        told += f"最多的是{first}，{most}。"
    if hidden:
        told += f"有{hidden}项不显示数字。"
    return told + "数字都在下面的表里。"


def _row(name: str, number: int, row: tuple[str, Shown], left: int, scale: float) -> Markup:
    label, count = row
    top, start = number * _ROW + (_ROW - _BAR) // 2, left + _GAP
    hidden = isinstance(count, Hidden)
    length = _UNKNOWN if isinstance(count, Hidden) else round(count * scale, 1)
    fill = f"url(#{name}-hatch)" if hidden else "#0b4a2c"
    outline = Markup(' stroke="#16191a" stroke-width="1.5" stroke-dasharray="4 3"') if hidden else ""
    bar = Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"{}/>').format(
        start, top, length, _BAR, fill, outline
    )
    base = top + _BAR - 3
    return Markup('<text x="{}" y="{}" text-anchor="end">{}</text>{}<text x="{}" y="{}">{}</text>').format(
        left, base, cut(label), bar if length else "", start + length + _GAP, base, escape(count)
    )


def cut(label: str) -> str:
    """Return the label, shortened to the widest column; the whole of it is in the table."""
    while _width(label) > _LABEL[1]:
        label = label.removesuffix("…")[:-1] + "…"
    return label


def _label_width(rows: Sequence[tuple[str, Shown]]) -> int:
    return min(max([_LABEL[0], *(_width(label) for label, _ in rows)]), _LABEL[1])


def _width(text: str) -> int:
    """Return about how wide the text is: Chinese letters are square, others a little over half."""
    return sum(TEXT if unicodedata.east_asian_width(letter) in "WFA" else 10 for letter in text)

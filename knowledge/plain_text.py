"""A reply as plain lines: for a terminal, a text message, an evaluation."""

from __future__ import annotations

from collections.abc import Iterable

from knowledge.phrases import say
from knowledge.reply import (
    AnswerBlock,
    Block,
    BookingBlock,
    ChoiceBlock,
    CompareBlock,
    ContactLine,
    EmergencyBlock,
    FinderBlock,
    FormBlock,
    PlacesBlock,
    Reply,
    SourceLine,
)


def plain_text(reply: Reply) -> str:
    """Return the reply as plain lines."""
    return "\n".join(line for block in reply.blocks for line in block_lines(block) if line)


def block_lines(block: Block, numbered: bool = True) -> list[str]:
    """Return a block's lines; ``numbered`` adds the buttons of a question, for who cannot tap them."""
    if isinstance(block, AnswerBlock):
        return [
            f"【{block.title}】{block.lead}",
            *(f"· {point}" for point in block.points),
            block.how or "",
            *_phones(block.contact),
            block.outdated or "",
            _source(block.source),
        ]
    if isinstance(block, EmergencyBlock):
        return [block.lead, *(f"☎ {number}" for number in block.call), *block.advice]
    if isinstance(block, FinderBlock):
        return _finder(block)
    if isinstance(block, CompareBlock):
        rows = [f"{row.title}\n  {block.left}：{row.left}\n  {block.right}：{row.right}" for row in block.rows]
        return [f"【{block.left}】和【{block.right}】", *rows, *_phones(block.contact), *map(_source, block.source)]
    if isinstance(block, BookingBlock):
        card = [f"号码：{block.code_aloud}", f"{block.title}（{block.for_whom}）", block.when, block.place]
        return [block.text, *card, *block.notes, *_phones(block.contact)]
    if isinstance(block, PlacesBlock):
        places = [
            line
            for place in block.places
            for line in (
                f"· {place.name}（{place.distance}）" if place.distance else f"· {place.name}",
                f"  {place.address}",
                f"  ☎ {place.phone}" if place.phone else "",
                f"  {place.hours}" if place.hours else "",
            )
        ]
        return [block.text, *places, *block.notes, *_phones(block.contact)]
    lines = [block.text, *(f"· {point}" for point in getattr(block, "points", []))]
    lines += _phones(getattr(block, "contact", []))
    if numbered and isinstance(block, (ChoiceBlock, FormBlock)):
        lines += [f"{number}. {button.title}" for number, button in enumerate(block.buttons, 1)]
    return lines


def _finder(block: FinderBlock) -> list[str]:
    lines = [block.person, block.text]
    for certain in (True, False):
        items = [item for item, _ in block.part(certain)]
        if items:
            lines.append(say("finder_certain" if certain else "finder_perhaps"))
        group = ""
        for item in items:
            if item.group != group:
                group = item.group
                lines.append(f"〔{group}〕")
            lines.append(f"· {item.title}：{item.line}")
    return [*lines, *block.notes, *_phones(block.contact)]


def _phones(contact: Iterable[ContactLine]) -> list[str]:
    return [f"☎ {line.name} {line.phone}" for line in contact]


def _source(source: SourceLine | None) -> str:
    if source is None:
        return ""
    as_of = f"（{source.as_of}）" if source.as_of else ""
    return f"{say('source_prefix')}{source.title}{as_of}"

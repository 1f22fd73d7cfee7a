"""A Reply as Telegram messages: what matters first and in bold, the source folded away, large buttons."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knowledge.phrases import say
from knowledge.plain_text import block_lines
from knowledge.reply import AnswerBlock, Block, BookingBlock, Button, ContactLine, EmergencyBlock, HandoffBlock, Reply
from storage.deliveries import ChatSettings

MAX_UNITS = 3900  # of UTF-16; Telegram takes 4,096
MAX_BUTTONS = 4
_ONE_ROW = 8  # characters of a title, up to which two buttons fit beside each other on a small phone
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SENTENCE = re.compile(r"[^。！？；\n]*[。！？；\n]?")
_SHORT_POINTS = 1


@dataclass(frozen=True)
class Part:
    """One message: its text as Telegram's HTML, rows of (title, token), and a number to tap and ring."""

    text: str
    buttons: tuple[tuple[tuple[str, str], ...], ...] = ()
    contact: ContactLine | None = None


@dataclass(frozen=True)
class _Line:
    text: str
    tag: str = ""  # b, code, blockquote
    number: str = ""  # shown after the text, to tap and copy
    link: str = ""  # what the text opens

    def html(self) -> str:
        close = self.tag.split(" ")[0]
        body = escape(self.text) + (f" <code>{escape(self.number)}</code>" if self.number else "")
        if self.link:
            body = f'<a href="{html.escape(self.link)}">{body}</a>'
        return f"<{self.tag}>{body}</{close}>" if self.tag else body

    def units(self) -> int:
        return _units(self.text) + _units(self.number) + 2


def drawn(reply: Reply, settings: ChatSettings = ChatSettings()) -> list[Part]:  # noqa: B008 (frozen)
    """Return the messages of a reply, in order; the buttons stand under the last one. Of none there are none."""
    if not reply.blocks:
        return []
    lines = [line for block in reply.blocks for line in _lines(block, settings) if line.text]
    texts = list(_packed(piece for line in lines for piece in _cut(line))) or [escape(say("system_error"))]
    buttons = [button for block in reply.blocks for button in getattr(block, "buttons", []) if button.token]
    parts = [Part(text) for text in texts]
    parts[-1] = Part(texts[-1], _rows(buttons[:MAX_BUTTONS]), _to_ring(reply))
    return parts


def escape(text: str) -> str:
    """Return any text so that Telegram shows it as it is: the only way into a message."""
    return html.escape(_UNPRINTABLE.sub("", text), quote=False)


def unformatted(text: str) -> str:
    """Return a message's HTML as plain text, for when Telegram refuses the HTML."""
    return html.unescape(re.sub(r"</?[a-z][^>]*>", "", text))


def _lines(block: Block, settings: ChatSettings) -> Iterator[_Line]:
    if isinstance(block, AnswerBlock):
        yield from _answer(block, settings)
    elif isinstance(block, EmergencyBlock):
        yield _Line(block.lead, "b")
        yield from (_Line("☎", number=number) for number in block.call)
        yield from map(_Line, block.advice)
    elif isinstance(block, BookingBlock):
        text, code, *rest = block_lines(block)
        yield from (_Line(text, "b"), _Line(code, "b"))
        yield from map(_phone, rest)
        if block.map_url:
            yield _Line(say("book_map"), link=block.map_url)
    else:
        first, *rest = [line for line in block_lines(block, numbered=False) if line]
        yield _Line(first, "b")
        for line in rest:
            yield _phone(line)


def _answer(block: AnswerBlock, settings: ChatSettings) -> Iterator[_Line]:
    yield _Line(block.title)
    yield _Line(block.lead, "b")
    points = block.points[:_SHORT_POINTS] if settings.short else block.points
    yield from (_Line(f"• {point}") for point in points)
    if block.how and not settings.short:
        yield _Line(block.how)
    yield from (_Line(f"☎ {line.name}", number=line.phone) for line in block.contact)
    if block.outdated:
        yield _Line(block.outdated, "b")
    if block.source:
        as_of = f"（{block.source.as_of}）" if block.source.as_of else ""
        yield _Line(f"{say('source_prefix')}{block.source.title}{as_of}", "blockquote expandable")


def _phone(line: str) -> _Line:
    """Return ☎ name number with the number to tap."""
    found = re.fullmatch(r"\s*(☎.*?)\s*([\d-]{3,})", line)
    return _Line(found[1], number=found[2]) if found else _Line(line)


def _to_ring(reply: Reply) -> ContactLine | None:
    """Return the number that is sent as a card with a button to ring: in danger, and for who asks for a person."""
    for block in reply.blocks:
        if isinstance(block, EmergencyBlock) and block.call:
            return ContactLine(name=say("ring_name", number=block.call[0]), phone=block.call[0])
        if isinstance(block, HandoffBlock) and block.contact:
            return block.contact[0]
    return None


def _rows(buttons: Sequence[Button]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return two buttons a row where both titles are short, else one."""
    rows: list[tuple[tuple[str, str], ...]] = []
    waiting: list[tuple[str, str]] = []
    for button in buttons:
        pair = (button.title, button.token or "")
        if len(button.title) > _ONE_ROW:
            rows += [(each,) for each in waiting] + [(pair,)]
            waiting = []
            continue
        waiting.append(pair)
        if len(waiting) == 2:
            rows.append(tuple(waiting))
            waiting = []
    return (*rows, *((each,) for each in waiting))


def _packed(lines: Iterator[_Line]) -> Iterator[str]:
    """Yield texts of whole lines, each within ``MAX_UNITS``."""
    texts: list[str] = []
    units = 0
    for line in lines:
        if texts and units + line.units() > MAX_UNITS:
            yield "\n".join(texts)
            texts, units = [], 0
        texts.append(line.html())
        units += line.units()
    if texts:
        yield "\n".join(texts)


def _cut(line: _Line) -> Iterator[_Line]:
    """Yield a line in pieces that fit: cut at the end of a sentence, or where one is too long itself."""
    if line.units() <= MAX_UNITS:
        yield line
        return
    piece = ""
    for sentence in filter(None, _SENTENCE.findall(line.text)):
        for bit in _bits(sentence):
            if _units(piece) + _units(bit) > MAX_UNITS - 2:
                yield _Line(piece, line.tag)
                piece = ""
            piece += bit
    yield _Line(piece, line.tag, line.number)


def _bits(sentence: str) -> Iterator[str]:
    bit, units = "", 0
    for character in sentence:
        width = _units(character)
        if units + width > MAX_UNITS - 2:
            yield bit
            bit, units = "", 0
        bit += character
        units += width
    yield bit


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2

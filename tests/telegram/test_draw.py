"""A reply as Telegram messages, checked by the stand-in's own rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telegram.draw import MAX_UNITS, Part, drawn, escape, unformatted
from bot.telegram.sending import _keyboard
from knowledge.reply import (
    AnswerBlock,
    BookingBlock,
    Button,
    ContactLine,
    EmergencyBlock,
    Outcome,
    Reply,
    SourceLine,
    TextBlock,
)
from storage.deliveries import ChatSettings
from tests.auxil.bot_api import _plain, _wrong


def refused(part: Part) -> str | None:
    keyboard = _keyboard(part)
    return _wrong(
        {
            "text": part.text,
            "parse_mode": "HTML",
            "reply_markup": keyboard.to_dict() if keyboard else {},
        },
        False,
    )


def answer(**more: object) -> AnswerBlock:
    given: dict[str, object] = {
        "service_id": "respite",
        "aspect": "ask_service",
        "title": "喘息服务",
        "lead": "家里人累了，老人可以短期托出去。",
        "points": ["一年不超过60天。", "要先评估。", "第三点。"],
        "how": "怎么办：找居委会。",
        "contact": [ContactLine(name="市民服务热线", phone="12345")],
        "source": SourceLine(title="《条例》<第37条> & 其他", as_of="2016年4月"),
        "buttons": [Button(title="怎么办理", token="a" * 16), Button(title="谁能享受", token="b" * 16)],
    }
    return AnswerBlock.model_validate(given | more)


def reply(*blocks: object) -> Reply:
    return Reply(blocks=list(blocks), outcome=Outcome.ANSWERED_SERVICE)  # type: ignore[arg-type]


def test_the_lead_is_bold_the_source_folded_and_the_number_can_be_tapped() -> None:
    (part,) = drawn(reply(answer()))
    assert "<b>家里人累了，老人可以短期托出去。</b>" in part.text
    assert "<code>12345</code>" in part.text
    assert "<blockquote expandable>依据：《条例》&lt;第37条&gt; &amp; 其他（2016年4月）</blockquote>" in part.text
    assert part.buttons == ((("怎么办理", "a" * 16), ("谁能享受", "b" * 16)),)
    assert refused(part) is None


def test_long_titles_have_a_row_to_themselves_and_four_buttons_are_the_most() -> None:
    buttons = [Button(title=f"{number}月1日（周二）下午2点（徐汇区）", token="t") for number in range(1, 7)]
    (part,) = drawn(reply(TextBlock(text="选一个", buttons=buttons)))
    assert [len(row) for row in part.buttons] == [1, 1, 1, 1]


def test_short_answers_keep_the_lead_the_number_and_the_source() -> None:
    (part,) = drawn(reply(answer()), ChatSettings(short=True))
    assert "第三点" not in part.text
    assert "居委会" not in part.text
    assert all(words in part.text for words in ("短期托出去", "12345", "依据"))


def test_danger_has_a_number_to_ring_with_one_tap() -> None:
    (part,) = drawn(reply(EmergencyBlock(danger="fall", lead="马上打120！", call=["120"], advice=["不要扶。"])))
    assert part.contact == ContactLine(name="拨打120", phone="120")
    assert part.text.startswith("<b>马上打120！</b>")


@pytest.mark.parametrize("length", [4095, 4096, 4097, 20_000])
@pytest.mark.parametrize("letter", ["老", "😀", "a<&>", "句。"])
def test_long_texts_arrive_whole_in_order_and_within_the_limit(length: int, letter: str) -> None:
    text = (letter * length)[:length]
    parts = drawn(reply(TextBlock(text=text)))
    assert all(refused(part) is None for part in parts)
    assert "".join(_plain(part.text) for part in parts) == text


def test_a_long_text_is_cut_at_the_end_of_a_sentence() -> None:
    first, *_ = drawn(reply(TextBlock(text="这是一句话，说的是养老。" * 600)))
    assert _plain(first.text).endswith("。")


@given(st.text(max_size=300), st.text(max_size=60), st.text(max_size=40))
def test_no_text_breaks_a_message(lead: str, title: str, source: str) -> None:
    block = answer(lead=lead, title=title, source=SourceLine(title=source), points=[lead[:50]])
    for part in drawn(reply(block)):
        assert refused(part) is None
        assert len(part.text.encode("utf-8", "surrogatepass")) < 4 * 6 * MAX_UNITS


@given(st.text())
def test_escaping_loses_nothing_that_can_be_shown(text: str) -> None:
    shown = _plain(escape(text))
    assert unformatted(escape(text)) == shown
    assert not any(character in shown for character in "\x00\x0b\x1f")
    assert [c for c in text if c.isprintable()] == [c for c in shown if c.isprintable()]


def test_a_booking_has_its_code_in_bold_and_a_map() -> None:
    card = BookingBlock(
        text="约好了。",
        code="123456",
        title="照护课",
        when="12月3日",
        place="路1号",
        for_whom="本人",
        map_url='https://uri.amap.com/marker?position=1,2&name="<b>',
    )
    (part,) = drawn(reply(card))
    assert "<b>号码：123 456</b>" in part.text
    assert "看地图</a>" in part.text
    assert refused(part) is None

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.normalise import MAX_MESSAGE, clean, normalise


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("長護險怎麼申請？", "长护险怎么申请？"),
        ("老 年 食 堂　在哪", "老年食堂在哪"),
        ("８０岁能拿多少", "80岁能拿多少"),
        ("迭个津贴几钿一个号头", "这个津贴多少钱一个月"),
        ("好伐", "好吗"),
        ("砍伐树木", "砍伐树木"),
        ("长沪险", "长护险"),
        ("养老古文在哪里", "养老顾问在哪里"),
        ("lao nian shi tang zai na", "老年食堂在哪"),
        ("hello", "hello"),
        ("hello 长护险怎么申请 thank you so much!", "长护险怎么申请"),
        ("hi，我妈83，能 apply 吗 pls", "我妈83，能apply吗"),
        ("长护险ok吗", "长护险ok吗"),
        ("救命啊啊啊啊啊", "救命啊啊"),
    ],
)
def test_what_people_type_becomes_normal_text(typed: str, meant: str) -> None:
    assert normalise(typed) == meant


@pytest.mark.parametrize("sent", ["/restart", "／restart", " / /restart", "//restart", "\u200b/restart", "/\n/restart"])
def test_a_leading_slash_never_reaches_rasa(sent: str) -> None:
    assert not clean(sent).startswith(("/", "／"))


@given(st.text(alphabet=st.characters(), max_size=3_000))
def test_any_text_becomes_safe_and_bounded(text: str) -> None:
    safe = clean(text)
    assert len(safe) <= MAX_MESSAGE
    assert "\x00" not in safe
    safe.encode("utf-8")
    normalise(text)


@given(st.text(alphabet="侬阿拉长护险几钿伐 ，。?？８8養老院 abc/okhi!", max_size=40))
def test_normal_text_stays_as_it_is(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once

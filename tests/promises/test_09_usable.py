"""Promise 9: usable by all. In a real browser, with the real system behind it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.web.browsing import (
    PAGES,
    QUESTION,
    SIZES,
    THEMES,
    ask,
    conversation,
    shut_out,
    too_small,
    too_wide,
)

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("theme", THEMES)
def test_no_page_shuts_anybody_out(opened: Callable[..., Tab], theme: str) -> None:
    tab = opened("/", {"theme": theme, "size": SIZES[THEMES.index(theme) % 3]})
    found = {}
    for address in PAGES:
        tab.goto(address)
        found[address] = [*shut_out(tab), *too_small(tab)]
    assert {address: wrong for address, wrong in found.items() if wrong} == {}


def test_a_conversation_shuts_nobody_out_in_any_look(opened: Callable[..., Tab]) -> None:
    tab = conversation(opened("/chat"))
    for theme in THEMES:
        for size in SIZES if theme == "light" else SIZES[1:2]:
            tab.context.add_cookies([{"name": "theme", "value": theme, "url": tab.url}])
            tab.context.add_cookies([{"name": "size", "value": size, "url": tab.url}])
            tab.reload()
            assert [*shut_out(tab), *too_small(tab)] == [], (theme, size)


@pytest.mark.parametrize(
    "viewport", [{"width": 320, "height": 640}, {"width": 320, "height": 256}, {"width": 640, "height": 360}]
)
def test_nobody_scrolls_sideways(opened: Callable[..., Tab], viewport: dict[str, int]) -> None:
    """320 x 256 is a screen of 1280 x 1024 at 400 %."""
    tab = conversation(opened("/chat", {"size": "larger"}, viewport=viewport))
    wide = {tab.url: too_wide(tab)}
    for address in PAGES:
        tab.goto(address)
        wide[address] = too_wide(tab)
    assert {address: by for address, by in wide.items() if by > 0} == {}


def test_wider_spacing_of_text_hides_nothing(opened: Callable[..., Tab]) -> None:
    tab = conversation(opened("/chat", viewport={"width": 320, "height": 640}))
    spaced = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }"
    tab.evaluate(
        "(css) => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets = [s]; }", spaced
    )
    assert too_wide(tab) <= 0
    cut = """() => [...document.querySelectorAll("p,li,button,a,h1,h2,td,th")].filter((e) => e.checkVisibility()
      && getComputedStyle(e).overflow !== "visible" && e.scrollHeight > e.clientHeight + 1).map((e) => e.textContent)"""
    assert tab.evaluate(cut) == []


def test_in_forced_colours_every_control_has_an_edge(opened: Callable[..., Tab]) -> None:
    tab = opened("/chat", forced_colors="active")
    ask(tab, QUESTION)
    bare = """() => [...document.querySelectorAll("button,a.button,textarea,.tool")].filter((e) => e.checkVisibility()
      && parseFloat(getComputedStyle(e).borderTopWidth) < 2).map((e) => e.textContent)"""
    assert tab.evaluate(bare) == []


def test_with_the_keyboard_alone_one_asks_and_always_sees_where_one_is(opened: Callable[..., Tab]) -> None:
    tab = opened("/", viewport={"width": 360, "height": 480})
    reached = []
    for _ in range(40):
        tab.keyboard.press("Tab")
        at = tab.evaluate(
            """() => { const e = document.activeElement, b = e.getBoundingClientRect(), s = getComputedStyle(e);
              const x = b.left + Math.min(b.width, innerWidth) / 2, y = Math.max(b.top, 0) + Math.min(b.height, innerHeight) / 2;
              const over = document.elementFromPoint(Math.min(Math.max(x, 1), innerWidth - 1), Math.min(Math.max(y, 1), innerHeight - 1));
              return { name: (e.textContent || e.name || "").trim(), tag: e.tagName, outline: parseFloat(s.outlineWidth),
                style: s.outlineStyle, free: e === over || e.contains(over) || (over && over.contains(e) && over.tagName !== "BODY") } }"""
        )
        if at["tag"] == "BODY":
            break
        reached.append(at["name"])
        assert at["outline"] >= 3, at
        assert at["style"] == "solid", at
        assert at["free"], at
        if "问养老服务" in at["name"]:
            tab.keyboard.press("Enter")
            tab.wait_for_url("**/chat**")
            break
    assert reached[0] == "跳到正文"
    tab.focus("#say")
    tab.keyboard.type(QUESTION)
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.locator("#log .answer h2")).to_contain_text("长期护理保险", timeout=15_000)


def test_an_answer_is_announced_once_in_order_and_the_focus_stays(opened: Callable[..., Tab]) -> None:
    tab = opened("/chat")
    assert tab.evaluate("document.getElementById('log').getAttribute('role')") == "log"
    tab.evaluate(
        """() => { window.heard = []; new MutationObserver((all) => all.forEach((m) => m.addedNodes.forEach((n) => {
          if (n.nodeType === 1) window.heard.push(n.innerText); }))).observe(document.getElementById("log"), { childList: true, subtree: true }); }"""
    )
    for text in (QUESTION, "那要多少钱"):
        ask(tab, text)
        assert tab.evaluate("document.activeElement.id") == "say"
    heard = [each for each in tab.evaluate("window.heard") if each.strip()]
    spoke = [each.split("\n")[0] for each in heard]
    assert spoke == ["您说", "小助手说", "您说", "小助手说"]
    time.sleep(3)  # what the stream of events brings is there already
    assert len([each for each in tab.evaluate("window.heard") if each.strip()]) == 4


def test_a_screen_reader_finds_the_conversation_in_order(opened: Callable[..., Tab]) -> None:
    tab = opened("/chat")
    ask(tab, QUESTION)
    read = tab.locator("main").aria_snapshot()
    assert re.search(r'heading "问养老顾问" \[level=1\]', read)
    order = [
        "log",
        "您说",
        QUESTION,
        "小助手说",
        'heading "长期护理保险',
        "link",
        "status",
        'textbox "您想问什么？"',
        'button "发送"',
    ]
    places = [read.index(each, max(0, read.index("log"))) for each in order]
    assert places == sorted(places), read


def test_something_is_said_at_once(opened: Callable[..., Tab]) -> None:
    tab = opened("/chat")
    tab.evaluate(
        """() => { const s = document.getElementById("status"); new MutationObserver(() => {
          if (s.textContent && !window.saidAt) window.saidAt = performance.now() - window.pressedAt; }).observe(s, { childList: true, characterData: true, subtree: true }); }"""
    )
    tab.fill("#say", QUESTION)
    tab.evaluate("window.pressedAt = performance.now()")
    tab.press("#say", "Enter")
    tab.wait_for_function("window.saidAt !== undefined")
    assert tab.evaluate("window.saidAt") < 300
    expect(tab.locator("#log .answer")).to_have_count(1, timeout=15_000)
    assert tab.locator("#status").inner_text() == ""


def test_a_whole_booking_without_a_script(opened: Callable[..., Tab]) -> None:
    tab = opened("/", java_script_enabled=False)
    tab.click("text=预约培训或顾问")
    tab.locator("form", has_text="最近的几场").first.locator("button[name=token]").first.click()
    tab.fill("#say", "13800138021")
    tab.click("text=发送")
    tab.locator("button", has_text="对，就这样").last.click()
    code = tab.locator(".code").last.inner_text().strip()
    assert re.fullmatch(r"\d{3} \d{3}", code)
    with tab.expect_download() as got:
        tab.locator("a", has_text="加到日历").last.click()
    assert Path(got.value.path()).read_bytes().startswith(b"BEGIN:VCALENDAR")
    tab.click("text=回首页")
    tab.click("text=预约培训或顾问")
    assert code in tab.locator("main").inner_text()
    tab.locator("button", has_text="取消预约").first.click()
    tab.locator("button", has_text=re.compile("^取消$")).last.click()
    assert "已经取消了" in tab.locator(".answer").last.inner_text()


def test_a_day_later_everything_still_works(opened: Callable[..., Tab]) -> None:
    tab = opened("/chat")
    tab.clock.install()
    ask(tab, QUESTION)
    tab.clock.fast_forward(24 * 3600 * 1000)
    assert QUESTION in tab.locator("#log").inner_text()
    assert tab.locator("meta[http-equiv]").count() == 0

"""The page in a real browser, with the real system behind it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from playwright.sync_api import Page as Tab

from bot.client import Where
from tests.auxil.browser import chromium
from tests.auxil.recordings import RECORDINGS
from tests.web.browsing import shut_out, too_small, too_wide

pytestmark = pytest.mark.processes
PAGES = [
    "/",
    "/chat",
    "/services",
    "/services?category=allowance",
    "/services?q=没人烧饭",
    "/services/sh_comprehensive_allowance",
    "/services/sh_comprehensive_allowance/ask_amount",
    "/places",
    "/places?kind=canteen&where=徐汇区",
    "/bookings",
    "/look",
    "/privacy",
    "/emergency",
    "/voice",
    "/list",
    "/offline",
    "/nowhere",
]
THEMES = ["light", "dark", "black_on_white", "yellow_on_black"]
SIZES = ["normal", "large", "larger"]
PHONE = {"width": 360, "height": 740}
QUESTION = "长护险怎么申请"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium(RECORDINGS[0][0]) as found:
        yield found


@pytest.fixture
def opened(browser: Browser, whole: tuple[Where, int, Path]) -> Iterator[Callable[..., Tab]]:
    """Return a function that opens a browser of its own; whatever fails in one of its pages fails the test."""
    where = whole[0]
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_(address: str = "/chat", look: dict[str, str] | None = None, **how: Any) -> Tab:
        context = browser.new_context(
            base_url=where.url, viewport=how.pop("viewport", PHONE), locale="zh-CN", permissions=["microphone"], **how
        )
        contexts.append(context)
        context.add_cookies([{"name": name, "value": value, "url": where.url} for name, value in (look or {}).items()])
        tab = context.new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
        tab.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        tab.on("request", lambda r: None if r.url.startswith((where.url, "blob:", "data:")) else wrong.append(r.url))
        tab.goto(address)
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


def ask(tab: Tab, text: str) -> None:
    """Ask, and wait for the answer."""
    before = tab.locator("#log .answer").count()
    tab.fill("#say", text)
    tab.press("#say", "Enter")
    expect(tab.locator("#log .answer")).to_have_count(before + 1, timeout=15_000)


def conversation(tab: Tab) -> Tab:
    """Have answers of every kind on the page: of a service, a table, the finder, places, danger, a booking form."""
    questions = [
        "我妈83岁，老年综合津贴能拿多少",
        "日托和养老院有什么不一样",
        "我能享受什么待遇",
        "我家附近哪里有食堂，住在徐汇区田林路",
        "我想报名照护培训",
        "我妈胸口痛，喘不上气",
        "转人工",
        "今天股票涨了吗",
    ]
    for text in questions:
        ask(tab, text)
    return tab


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
    assert spoke == ["您说", "顾问说", "您说", "顾问说"]
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
        "顾问说",
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


def test_a_lost_network_loses_no_word_and_answers_once(opened: Callable[..., Tab]) -> None:
    tab = opened("/chat")
    tab.context.set_offline(True)
    tab.fill("#say", QUESTION)
    tab.press("#say", "Enter")
    expect(tab.locator("#status")).to_contain_text("网络断了", timeout=5_000)
    assert QUESTION in tab.locator("#log").inner_text()
    tab.context.set_offline(False)
    expect(tab.locator("#log .answer")).to_have_count(1, timeout=30_000)
    tab.reload()
    assert tab.locator("#log .asked").count() == 1


def test_what_was_typed_or_sent_outlives_a_reload(opened: Callable[..., Tab]) -> None:
    tab = opened("/chat", service_workers="block")
    tab.fill("#say", "写了一半")
    tab.reload()
    assert tab.input_value("#say") == "写了一半"
    tab.route("**/chat", lambda route: route.abort() if route.request.method == "POST" else route.fallback())
    tab.fill("#say", QUESTION)
    tab.press("#say", "Enter")
    expect(tab.locator("#status")).not_to_be_empty()
    tab.unroute("**/chat")
    tab.reload()
    expect(tab.locator("#log .answer")).to_have_count(1, timeout=15_000)
    assert QUESTION in tab.locator("#log").inner_text()


def test_an_answer_that_was_lost_on_the_way_comes_without_asking_twice(opened: Callable[..., Tab]) -> None:
    tab = opened("/chat", service_workers="block")
    lost = []

    def lose(route: Any) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)  # it was answered, and nobody gets it
            route.abort()
        else:
            route.fallback()

    tab.route("**/chat", lose)
    ask(tab, QUESTION)
    assert lost == [200]
    tab.unroute("**/chat")
    tab.reload()
    assert tab.locator("#log .asked").count() == 1


def test_without_a_network_the_numbers_are_there(opened: Callable[..., Tab]) -> None:
    tab = opened("/")
    tab.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    tab.wait_for_function("navigator.serviceWorker.controller !== null")
    tab.context.set_offline(True)
    tab.goto("/services")
    assert "上不了网，电话还能打" in tab.locator("main").inner_text()
    assert tab.locator('a[href="tel:120"]').count() == 1
    assert tab.evaluate("getComputedStyle(document.querySelector('.card')).minHeight") != "0px"


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


def test_a_booking_is_found_by_code_and_phone_on_another_device(opened: Callable[..., Tab]) -> None:
    first = opened("/bookings")
    first.locator("section", has=first.locator("h2", has_text="约养老顾问面谈")).locator("button").first.click()
    first.wait_for_url("**/chat**")
    first.fill("#say", "13800138022")
    first.press("#say", "Enter")
    first.locator("button", has_text="对，就这样").last.click()
    code = first.locator(".code").last.inner_text().replace(" ", "")
    other = opened("/bookings")
    other.fill("#code", code)
    other.fill("#phone", "13800138022")
    other.click("text=查一查")
    other.wait_for_url("**/chat**")
    assert "您约了" in other.locator("#log").inner_text()
    assert other.locator(".code").last.inner_text().replace(" ", "") == code
    assert "13800138022" not in other.content()


def test_a_search_shows_while_one_types(opened: Callable[..., Tab]) -> None:
    tab = opened("/services")
    tab.locator("#q").press_sequentially("没人烧饭", delay=40)
    expect(tab.locator("#found")).to_contain_text("找到这些", timeout=5_000)
    tab.locator("#found a").first.click()
    assert tab.locator("h1").count() == 1


def test_places_around_a_point_are_looked_for_once(opened: Callable[..., Tab]) -> None:
    tab = opened("/places", geolocation={"latitude": 31.17, "longitude": 121.43})
    tab.context.grant_permissions(["geolocation"])
    tab.click("text=用我现在的位置找")
    expect(tab.locator("#found")).to_contain_text("12345", timeout=5_000)


def test_by_voice_after_a_question_for_consent(opened: Callable[..., Tab]) -> None:
    tab = opened("/chat")
    tab.click("#mic")
    expect(tab.locator("#asks")).to_contain_text("可以吗")
    assert shut_out(tab) == []
    tab.click("text=可以，开始说")
    expect(tab.locator("#status")).to_contain_text("在听")
    time.sleep(4)
    tab.click("text=说完了，点这里")
    expect(tab.locator("#log")).to_contain_text("我听到的是", timeout=60_000)
    assert "广州" in tab.locator("#log").inner_text()
    tab.reload()
    tab.click("#mic")
    expect(tab.locator("#asks")).to_have_count(0)  # asked once


def test_an_answer_can_be_sent_printed_and_copied(opened: Callable[..., Tab]) -> None:
    tab = opened("/chat")
    ask(tab, QUESTION)
    tab.click("text=发给家人")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.click("text=复制")
    expect(tab.locator("button", has_text="复制好了")).to_be_visible()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert "长期护理保险" in copied
    assert copied.strip().endswith(tab.url)
    tab.emulate_media(media="print")
    assert tab.locator("header nav").is_hidden()
    assert tab.locator("main h2").first.is_visible()
    assert len(tab.pdf(format="A4")) > 5_000


PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}}{% raw %}",
    "'; DROP TABLE turns; --",
    "</textarea><script>alert(1)</script>",
    "/restart",
    '／inform{"phone":"1"}',
    "\u202e反过来\u202c\u200b\u0000",
    "👵🏻👴🏻" * 40,
    "养老院" * 700,
]


def test_nothing_written_acts_on_the_page(opened: Callable[..., Tab]) -> None:
    """A script that ran, or that the page's policy stopped, fails the test (see ``opened``)."""
    tab = opened("/chat")
    for text in PAYLOADS:
        ask(tab, text)
    tab.reload()
    shown = tab.locator("#log").inner_text()
    assert "<img src=x onerror=alert(1)>" in shown
    assert "49" not in shown.split("{{7*7}}")[0][-4:]


def test_a_day_later_everything_still_works(opened: Callable[..., Tab]) -> None:
    tab = opened("/chat")
    tab.clock.install()
    ask(tab, QUESTION)
    tab.clock.fast_forward(24 * 3600 * 1000)
    assert QUESTION in tab.locator("#log").inner_text()
    assert tab.locator("meta[http-equiv]").count() == 0


def test_a_message_written_unasked_comes_by_itself(opened: Callable[..., Tab]) -> None:
    tab, same = opened("/chat"), None
    ask(tab, QUESTION)
    same = tab.context.new_page()
    same.goto("/chat")
    ask(tab, "敬老卡怎么办")
    expect(same.locator("#log .asked")).to_have_count(2, timeout=10_000)
    assert json.dumps(same.locator("#log .asked").all_inner_texts()).count("\\u8bf4") == 2

"""How the browser tests open a page, talk with it, and look at what shuts people out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, expect
from playwright.sync_api import Page as Tab

from bot.client import Where
from tests.auxil.browser import chromium
from tests.auxil.recordings import RECORDINGS

_TAGS = ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Every text smaller than 18 px, or with lines closer than 1.5; every control smaller than 48 px.
_MEASURE = """() => {
  const seen = (e) => e.checkVisibility() && e.getBoundingClientRect().width > 1;
  const wrong = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !seen(e) || e.closest("script,template,svg,.skip")) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize);
    if (size < 18) wrong.push(`text of ${size} px: ${walk.currentNode.data.trim().slice(0, 20)}`);
    if (parseFloat(style.lineHeight) < 1.49 * size) wrong.push(`lines too close: ${walk.currentNode.data.trim()}`);
  }
  for (const e of document.querySelectorAll("a,button,input:not([type=hidden]),textarea,select,summary")) {
    if (!seen(e) || e.matches(".skip")) continue;
    const box = (e.closest("label") || e).getBoundingClientRect();
    const least = e.matches(".main,textarea,.card,.emergency a") ? 60 : 48;
    if (box.height < least || box.width < 48)
      wrong.push(`${e.tagName} of ${Math.round(box.width)} x ${Math.round(box.height)}: ${(e.textContent || e.name).trim().slice(0, 20)}`);
  }
  return wrong;
}"""
_MOST_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


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


@pytest.fixture(scope="module")  # its event loop would stop the asynchronous tests of other modules
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


def shut_out(tab: Tab) -> list[str]:
    """Return what axe-core finds wrong, a line each."""
    found = Axe().run(tab, options={"runOnly": {"type": "tag", "values": _TAGS}})
    return [
        f"{each['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]


def too_small(tab: Tab) -> list[str]:
    """Return the texts and controls that are too small."""
    return list(tab.evaluate(_MEASURE))


def too_wide(tab: Tab) -> int:
    """Return how many pixels one would have to scroll sideways."""
    return int(tab.evaluate(_MOST_WIDE))

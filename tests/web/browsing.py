"""How the browser tests look at a page: what shuts people out, sizes, what a screen reader is told."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page as Tab

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

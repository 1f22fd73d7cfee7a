"""``python -m tests.web.measure``: how soon the page can be used on a slow telephone, and pictures of it.

Starts a system of its own; measures with Chromium's own timings at a quarter of this machine's
speed and over a slow 3G line. Writes the pictures of docs/images.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from bot.cli import prepare
from bot.settings import GatewaySettings
from bot.started import free_port, own_system
from tests.auxil.browser import chromium
from tests.web.browsing import ask

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
_RUNS = 5
_SLOWER = 4
_LINE = {"offline": False, "latency": 300, "downloadThroughput": 50_000, "uploadThroughput": 25_000}  # bytes a second
_TIMES = """() => { const n = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const all = [n, ...performance.getEntriesByType("resource")];
  return { paint: paint.startTime, ready: n.domContentLoadedEventEnd, bytes: all.reduce((s, e) => s + e.transferSize, 0),
    busy: window.__busy.reduce((s, e) => s + Math.max(0, e - 50), 0), last: Math.max(n.domContentLoadedEventEnd, ...window.__ends) } }"""
_LONG = """window.__busy = []; window.__ends = [0]; new PerformanceObserver((list) => list.getEntries().forEach((e) => {
  window.__busy.push(e.duration); window.__ends.push(e.startTime + e.duration); })).observe({ type: "longtask", buffered: true });"""
_LOOKS = {"small": ("normal", "light"), "large": ("large", "light"), "contrast": ("large", "yellow_on_black")}


def main() -> None:
    """Measure and take pictures."""
    settings = GatewaySettings()
    prepare(settings)
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        for part in ("models", "index", "encoder"):
            (var / part).symlink_to((settings.var / part).resolve())
        env = {
            "ADVISOR_VAR": folder,
            "ADVISOR_PORT": str(free_port()),
            "ADVISOR_DIALOGUE_PORT": str(free_port()),
            "ADVISOR_DEMO": "1",
        }
        with own_system(env, var / "run.log") as (where, _), chromium() as browser:
            _speed(browser, where.url)
            _pictures(browser, where.url)


def _speed(browser: Browser, url: str) -> None:
    print(f"{_SLOWER} times slower, 3G; median of {_RUNS}: first paint, usable (no long task after), blocked, bytes")
    for address in ("/", "/chat", "/services", "/services/sh_comprehensive_allowance"):
        runs = []
        for _ in range(_RUNS):
            context = browser.new_context(viewport={"width": 360, "height": 740}, service_workers="block")
            tab = context.new_page()
            tab.add_init_script(_LONG)
            devtools = context.new_cdp_session(tab)
            devtools.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
            devtools.send("Network.enable")
            devtools.send("Network.emulateNetworkConditions", _LINE)
            tab.goto(url + address)
            tab.wait_for_timeout(500)
            runs.append(tab.evaluate(_TIMES))
            context.close()
        paint, usable, blocked, size = (
            statistics.median(run[key] for run in runs) for key in ("paint", "last", "busy", "bytes")
        )
        print(f"{address:40} {paint / 1000:.1f} s  {usable / 1000:.1f} s  {blocked:.0f} ms  {size / 1024:.0f} KiB")


def _pictures(browser: Browser, url: str) -> None:
    for name, (size, theme) in _LOOKS.items():
        context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=url)
        context.add_cookies(
            [{"name": "size", "value": size, "url": url}, {"name": "theme", "value": theme, "url": url}]
        )
        tab = context.new_page()
        tab.goto("/")
        _picture(tab, f"home_{name}")
        tab.goto("/chat")
        ask(tab, "我妈83岁，津贴能拿多少")
        tab.wait_for_timeout(800)
        _picture(tab, f"chat_{name}")
        tab.goto("/services/sh_comprehensive_allowance")
        _picture(tab, f"service_{name}")
        tab.goto("/bookings")
        tab.locator("form", has_text="最近的几场").first.locator("button[name=token]").first.click()
        tab.fill("#say", f"1380013{1000 + list(_LOOKS).index(name)}")
        tab.press("#say", "Enter")
        tab.locator("button", has_text="对，就这样").last.click()
        tab.locator(".code").last.wait_for()
        tab.wait_for_timeout(800)
        _picture(tab, f"booking_{name}")
        context.close()


def _picture(tab: Page, name: str) -> None:
    tab.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()

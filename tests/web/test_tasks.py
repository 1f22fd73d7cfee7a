"""Five tasks from the home page, with the taps counted: four at most (docs/chat-page.md)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect
from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.processes
_MOST = 4


class Person:
    """Somebody who taps and types."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.taps = 0

    def tap(self, what: str | re.Pattern[str] | Locator) -> None:
        if not isinstance(what, Locator):
            what = self.tab.get_by_role("link", name=what).or_(self.tab.get_by_role("button", name=what))
        what.last.click()
        self.taps += 1

    def type(self, text: str) -> None:
        """Type where the focus is."""
        self.tab.keyboard.type(text)

    def says(self, text: str | re.Pattern[str], timeout: int = 15_000) -> None:
        expect(self.tab.locator("#log")).to_contain_text(text, timeout=timeout)


@pytest.mark.parametrize("script", [True, False])
def test_mothers_allowance_takes_two_taps(opened: Callable[..., Tab], script: bool) -> None:
    person = Person(opened("/", java_script_enabled=script))
    person.tap(person.tab.locator("#say"))
    person.type("我妈83岁，津贴能拿多少")
    person.tap("发送")
    person.says("每月180元")
    assert person.taps == 2


@pytest.mark.parametrize("script", [True, False])
def test_a_training_is_booked_in_four_taps_and_cancelled_in_three(opened: Callable[..., Tab], script: bool) -> None:
    person = Person(opened("/", java_script_enabled=script))
    person.tap("预约培训或顾问")
    person.tap(person.tab.locator("form", has_text="最近的几场").first.locator("button[name=token]").first)
    person.says("请写一个能打通的电话")
    expect(person.tab.locator("#say")).to_be_focused()
    assert "电话" in person.tab.locator("label[for=say]").inner_text()
    person.type("1380013807" + ("1" if script else "2"))
    person.tap("发送")
    person.says("给您读一遍")
    person.tap("对，就这样")
    person.says("约好了")
    assert person.taps == _MOST
    person.tab.goto("/")
    person.taps = 0
    person.tap("我的预约")
    person.tap("取消预约")
    person.says("要取消")
    person.tap(re.compile("^取消$"))
    person.says("已经取消了")
    assert person.taps == 3


def test_a_question_by_voice_takes_three_taps(opened: Callable[..., Tab]) -> None:
    person = Person(opened("/"))
    person.tap("说话")
    person.tap("可以，开始说")
    expect(person.tab.locator("#status")).to_contain_text("在听")
    time.sleep(4)
    person.tap("说完了，点这里")
    person.says("我听到的是", 60_000)
    assert person.taps == 3


def test_a_service_is_printed_in_four_taps(opened: Callable[..., Tab]) -> None:
    person = Person(opened("/"))
    person.tab.add_init_script("window.print = () => { window.printed = true; }")
    person.tap("服务清单")
    person.tap(re.compile("^津贴"))
    person.tap(re.compile("^老年综合津贴"))
    person.tap("打印这一页")
    assert person.tab.evaluate("window.printed")
    assert person.taps == _MOST

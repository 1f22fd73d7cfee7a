"""What the page does in a real browser: nothing is lost, voice, sharing, bookings, offline."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.web.browsing import (
    QUESTION,
    ask,
    shut_out,
)

pytestmark = pytest.mark.processes


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
    expect(tab.locator("#count")).to_contain_text("找到", timeout=5_000)
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


def test_a_message_written_unasked_comes_by_itself(opened: Callable[..., Tab]) -> None:
    tab, same = opened("/chat"), None
    ask(tab, QUESTION)
    same = tab.context.new_page()
    same.goto("/chat")
    ask(tab, "敬老卡怎么办")
    expect(same.locator("#log .asked")).to_have_count(2, timeout=10_000)
    assert json.dumps(same.locator("#log .asked").all_inner_texts()).count("\\u8bf4") == 2

"""The service list to look through, places, bookings, privacy: over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from actions.booking_talk.desk import open_desk
from bot.desk.sending import told
from bot.web.services import answers, search
from knowledge.library import Library
from knowledge.places_store import import_places
from knowledge.store import SERVICES_FOLDER, load
from storage.database import Database
from storage.desk_messages import DeskMessages
from storage.erasing import Erasure
from storage.turns import Turns
from tests.bot.test_path import database, library  # noqa: F401
from tests.web.conftest import AT, HERE, Forgets, Page
from tests.web.test_chat import booked

TODAY = date(2026, 11, 26)


@pytest.mark.parametrize("service", load(), ids=lambda service: service.id)
def test_every_service_has_a_page_with_source_and_phone(page: Page, service) -> None:  # type: ignore[no-untyped-def]
    answer = page.get(f"/services/{service.id}")
    assert answer.status_code == 200
    assert service.name in answer.text
    assert f'href="tel:{service.contact[0].phone}"' in answer.text
    assert service.sources[0].title.split("《")[0] in answer.text
    described = json.loads(re.search(r'ld\+json">(.+?)</script>', answer.text)[1])  # type: ignore[index]
    assert described["name"] == service.name


def test_a_page_lists_every_figure(page: Page) -> None:
    assert "100岁及以上" in page.get("/services/sh_comprehensive_allowance").text


def test_what_is_past_its_time_shows_no_figure(library: Library) -> None:
    service = library.services["sh_comprehensive_allowance"].model_copy(update={"valid_to": date(2026, 1, 1)})
    shown = " ".join(f"{block.lead}{block.points}" for heading, block in answers(service, TODAY) if heading == "多少钱")
    assert "元" not in shown


def test_every_category_can_be_opened(page: Page) -> None:
    found = re.findall(r'href="(/services\?category=[a-z_]+)"', page.get("/services").text)
    assert len(found) == 18
    for address in found:
        assert page.get(address).text.count('class="row"') >= 1


@pytest.mark.parametrize(
    ("typed", "first"), [("长护险", "长期护理保险"), ("敬老卡", "敬老卡"), ("長護險", "长期护理保险")]
)
def test_a_search_finds_names_first(library: Library, typed: str, first: str) -> None:
    assert search(library, typed)[0].name.startswith(first)


def test_a_search_finds_something_while_one_types(page: Page) -> None:
    part = page.get("/services?q=%E5%96%98%E6%81%AF", headers={"X-Wants": "part"})
    assert "<html" not in part.text
    assert "喘息" in part.text
    assert "没有找到" not in part.text


def test_nothing_typed_finds_nothing_and_breaks_nothing(page: Page) -> None:
    for typed in ("", " ", "？？？", "<b>", "a" * 5_000):
        answer = page.get("/services", params={"q": typed})
        assert answer.status_code == 200
        assert "<b>" not in answer.text


def test_an_answer_has_its_own_address_without_anything_of_the_chat(page: Page) -> None:
    page.say(text="我妈的秘密", message_id="a")
    shared = page.get("/services/sh_comprehensive_allowance/ask_amount")
    assert "元" in shared.text
    assert "秘密" not in shared.text
    assert "sms:?&amp;body=" in shared.text
    assert "<svg" in shared.text


@pytest.mark.parametrize(
    "address", ["/services/nothing", "/services/sh_comprehensive_allowance/drop", "/services/a/b/c"]
)
def test_what_is_not_there_is_told_plainly(page: Page, address: str) -> None:
    answer = page.get(address)
    assert answer.status_code == 404
    assert "回首页" in answer.text


def test_places_are_asked_for_and_none_is_made_up(page: Page) -> None:
    assert "您住在哪个区" in page.get("/places").text
    found = page.get("/places", params={"kind": "canteen", "where": "田林路"})
    assert "12345" in found.text
    assert page.get("/places", params={"kind": "<x>", "where": "<b>x</b>"}).status_code == 200


def test_places_are_listed_the_nearest_first(made: Callable[..., Page], tmp_path: Path) -> None:
    import_places(SERVICES_FOLDER.parent / "places" / "sample.csv", tmp_path / "places.json")
    page = made()
    near = page.say("/places", kind="canteen", latitude="31.17", longitude="121.43").text
    far = [int(metres) for metres in re.findall(r"大约(\d+)米", near)]
    assert len(far) >= 2
    assert far == sorted(far)
    assert "示例" in near
    by_road = page.get("/places", params={"kind": "canteen", "where": "徐汇区"}).text
    assert 'href="tel:' in by_road


def test_a_point_must_be_on_earth(page: Page) -> None:
    near = page.say("/places", latitude="31.2", longitude="121.4")
    assert near.status_code == 200
    assert page.say("/places", latitude="131", longitude="121.4").status_code == 422


def test_a_booking_is_shown_with_its_buttons_to_who_made_it(page: Page, database: Database) -> None:
    booking = booked(database, page.conversation(), "e9")
    shown = page.get("/bookings").text
    assert booking.code[:3] in shown
    assert "取消预约" in shown
    page.cookies.clear()
    assert booking.code[:3] + " " not in page.get("/bookings").text


def test_the_soonest_times_can_be_tapped(page: Page, database: Database) -> None:
    booked(database, "web:other", "e10")
    shown = page.get("/bookings").text
    token = re.search(r'name="token" value="([^"]+)">11月26日', shown)
    assert token


def test_a_code_is_looked_for_as_the_conversation_does_and_the_phone_is_masked(page: Page, dialogue: Forgets) -> None:
    page.say("/bookings", code="123456", phone="13800138000")
    ((_, text),) = dialogue.asked
    assert "123456" in text
    assert "13800138000" not in text


def test_what_is_kept_is_deleted_at_a_wish(page: Page, dialogue: Forgets, database: Database) -> None:
    conversation = page.conversation()
    page.say(text="我的事", message_id="a")
    cookie = page.cookies["advisor"]
    answer = page.say("/privacy")
    assert "都删掉了" in answer.text
    assert dialogue.forgotten == [conversation]
    assert Turns(database).last(conversation, 5) == []
    page.get("/")
    assert page.cookies["advisor"] != cookie


def test_a_booking_to_come_is_kept_and_said(page: Page, database: Database) -> None:
    conversation = page.conversation()
    booking = booked(database, conversation, "e11")
    assert "还有1个没到日子的预约留着" in page.say("/privacy").text
    assert booking.code[:3] in page.get("/bookings").text
    assert Erasure(database).erase(conversation, booking.event.ends_at) == 0
    assert open_desk(database, lambda: AT).bookings.mine(conversation) == []


def test_nothing_is_deleted_by_halves(page: Page, dialogue: Forgets, database: Database) -> None:
    from bot.errors import DialogueDown

    async def down(conversation: str) -> None:
        raise DialogueDown("no")

    dialogue.forget = down  # type: ignore[method-assign]
    page.say(text="我的事", message_id="a")
    answer = page.say("/privacy")
    assert answer.status_code == 503
    assert "还没有删" in answer.text
    assert "我的事" in page.get("/chat").text


def test_a_deletion_from_elsewhere_is_refused(page: Page, dialogue: Forgets) -> None:
    page.get("/")
    assert (
        page.post("/privacy", data={"csrf": page.token()}, headers={"Origin": "http://evil.example"}).status_code == 403
    )
    assert page.post("/privacy", headers=HERE).status_code == 403
    assert dialogue.forgotten == []


def test_the_worker_serves_the_whole_site_and_keeps_nothing_personal(page: Page) -> None:
    worker = page.get("/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    page.say(text="我的事", message_id="a")
    kept = page.get("/offline")
    assert "set-cookie" not in kept.headers
    assert "我的事" not in kept.text
    for number in ("120", "110", "119", "12356", "12345"):
        assert f'href="tel:{number}"' in kept.text


def test_a_recording_is_answered_with_what_was_heard(made: Callable[..., Page], dialogue: Forgets) -> None:
    class Hears:
        async def hear(self, sound: bytes) -> str:
            return "喘息服务"

    page = made(hearing=Hears())
    sent = {"data": {"csrf": page.token(), "message_id": "v"}, "files": {"sound": ("a", b"x")}, "headers": HERE}
    answer = TestClient.post(page, "/voice", **sent)  # type: ignore[arg-type]
    assert "我听到的是：喘息服务" in answer.text
    assert "答：喘息服务" in answer.text


@pytest.mark.parametrize(("hearing", "told"), [("none", "现在听不了语音"), ("deaf", "没有听清"), ("busy", "听不过来")])
def test_what_cannot_be_heard_is_told(made: Callable[..., Page], hearing: str, told: str) -> None:
    from bot.speech.errors import NotHeard, TooBusy

    class Hears:
        async def hear(self, sound: bytes) -> str:
            raise NotHeard if hearing == "deaf" else TooBusy

    page = made(hearing=None if hearing == "none" else Hears())
    sent = {"data": {"csrf": page.token(), "message_id": "v"}, "files": {"sound": ("a", b"x")}, "headers": HERE}
    assert told in TestClient.post(page, "/voice", **sent).text  # type: ignore[arg-type]
    part = TestClient.post(page, "/voice", **{**sent, "headers": {**HERE, "X-Wants": "part"}})  # type: ignore[arg-type]
    assert part.text.startswith('<div class="turn"')


class Speaks:
    async def mp3(self, text: str, slow: bool) -> bytes:
        return f"ID3{text}{slow}".encode()


def test_what_staff_write_is_read_aloud_too(made: Callable[..., Page], database: Database) -> None:
    page = made(speaking=Speaks())
    page.say(text="转人工", message_id="a")
    DeskMessages(database, lambda: AT).write(
        page.conversation(), told("您好，我是小王").model_dump_json(by_alias=True), "k"
    )
    addresses = re.findall(r'href="(/aloud/d[0-9]+\.mp3)"', page.get("/chat").text)
    assert [page.get(address).content.decode() for address in addresses] == ["ID3您好，我是小王False"]


def test_ones_own_answer_is_read_aloud_and_nobody_elses(
    made: Callable[..., Page],
    database: Database,
    dialogue: Forgets,
) -> None:
    dialogue.answer = lambda text, metadata: _spoken(text)
    page = made(speaking=Speaks())
    page.say(text="喘息服务", message_id="a")
    address = re.search(r'href="(/aloud/[0-9a-f]+\.mp3)"', page.get("/chat").text)[1]  # type: ignore[index]
    assert page.get(address).content == "ID3喘息服务False".encode()
    assert page.get(f"{address}?slow=1").content == "ID3喘息服务True".encode()
    page.cookies.clear()
    assert page.get(address).status_code == 404


def _spoken(text: str):  # type: ignore[no-untyped-def]
    from knowledge.reply import Outcome, Reply, TextBlock

    return Reply(blocks=[TextBlock(text=text)], outcome=Outcome.ANSWERED_SERVICE, speak=text)

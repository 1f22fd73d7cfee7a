"""Editors change the service list in forms, and a second one publishes it."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.datastructures import FormData

from bot.desk.accounts import Accounts
from bot.desk.editing import editing_routes
from bot.desk.editing_form import MAIN, TABLES, read, texts_from, texts_of
from bot.desk.editing_list import CannotPublish, EditedList
from bot.desk.editing_preview import differences
from bot.desk.editing_words import GROUPS, in_chinese
from bot.desk.pages import DeskPages
from knowledge.library import Library
from knowledge.live import LiveKnowledge
from knowledge.schema import Service
from knowledge.settings import KnowledgeSettings
from knowledge.store import SERVICES_FOLDER, load
from storage.audit import Audit
from storage.database import Database
from storage.drafts import Drafts
from storage.staff import Member
from tests.auxil.booking import Clock
from tests.bot.test_path import database, library  # noqa: F401
from tests.desk.conftest import HERE, DeskTab

SERVICES = load()
ALLOWANCE = "sh_comprehensive_allowance"
PAGE = f"/desk/services/{ALLOWANCE}"
ACTS = ("draft_made", "published", "withdrawn", "rolled_back")
Login = Callable[..., DeskTab]


class Form(HTMLParser):
    """What a browser would send of the longest form of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self._name, self._chosen = "", False
        self.feed(page)
        self.sent = {name: text.replace("\n", "\r\n") for name, text in max(self.forms, key=len).items()}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append({})
        elif tag == "input" and self.forms:
            self.forms[-1][given.get("name") or ""] = given.get("value") or ""
        elif tag in ("select", "textarea"):
            self._name, self._chosen = given.get("name") or "", tag == "textarea"
            self.forms[-1][self._name] = ""
        elif tag == "option":
            self._chosen = "selected" in given

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self.forms[-1][self._name] = self.forms[-1][self._name].removeprefix("\n")
        if tag in ("select", "textarea", "option"):
            self._chosen = False

    def handle_data(self, data: str) -> None:
        if self._chosen:
            self.forms[-1][self._name] += data


@dataclass
class Kept:
    folder: Path
    edited: EditedList
    drafts: Drafts


@pytest.fixture
def kept(database: Database, library: Library, clock: Clock, tmp_path: Path) -> Kept:
    folder = tmp_path / "services"
    shutil.copytree(SERVICES_FOLDER, folder)
    settings = KnowledgeSettings(var=tmp_path, services=folder)
    drafts = Drafts(database)
    live = LiveKnowledge(library, settings)
    return Kept(folder, EditedList(settings, drafts, live, Audit(database, clock), clock), drafts)


@pytest.fixture
def desk_app(desk_app: FastAPI, kept: Kept, accounts: Accounts, database: Database, clock: Clock) -> FastAPI:
    routes = editing_routes(DeskPages(accounts, database.cipher, False), kept.edited, clock)
    desk_app.router.routes[:0] = routes.routes  # before those of the desk, which keep the real list
    return desk_app


@pytest.fixture
def maker(login: Login) -> DeskTab:
    return login("li", "editor", "李编辑")


@pytest.fixture
def checker(login: Login) -> DeskTab:
    return login("chen", "editor", "陈编辑")


def send(tab: DeskTab, page: str = PAGE, act: str = "submit", **changed: str) -> httpx.Response:
    """Open a form, change some fields of it, and press a button."""
    form = Form(tab.get(page).text).sent
    return tab.post(page.partition("?")[0], data={**form, "why": "更新", **changed, "act": act}, headers=HERE)


def draft_id(answer: httpx.Response) -> str:
    found = re.fullmatch(r"/desk/drafts/(\w+)", answer.url.path)
    assert found, answer.text
    return found[1]


def press(tab: DeskTab, draft: str, act: str) -> httpx.Response:
    return tab.act(f"/desk/drafts/{draft}", act=act)


def acts(database: Database, clock: Clock) -> list[tuple[str, str]]:
    return [(line.actor, line.act) for line in Audit(database, clock).latest(30) if line.act in ACTS]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_every_service_comes_back_from_the_form_as_it_was(service: Service) -> None:
    texts = texts_of(service)
    sent = FormData([(name, text.replace("\n", "\r\n")) for name, text in texts.items()])
    assert texts_from(sent) == texts
    assert read(texts_from(sent)) == (service, {})


def test_every_service_comes_back_from_the_page_as_it_was(maker: DeskTab, kept: Kept) -> None:
    for service in list(SERVICES)[::12]:
        sent = Form(maker.get(f"/desk/services/{service.id}").text).sent
        assert read({**texts_from(sent), "id": service.id}) == (service, {})
    assert "和现在的清单一样" in send(maker).text
    assert kept.drafts.open() == []


def test_every_column_of_the_spreadsheet_stands_on_the_form_once() -> None:
    assert sorted(name for _, names in GROUPS for name in names) == sorted(column.field for column in MAIN.columns)


def test_a_difference_is_never_overlooked() -> None:
    listed = list(SERVICES)
    for service, other in itertools.pairwise(listed):
        assert differences(service, other)
        assert differences(service, service) == []


def test_a_preview_shows_what_changes_and_all_eight_answers_and_keeps_nothing(maker: DeskTab, kept: Kept) -> None:
    shown = send(maker, act="preview", timing="每季度15日发。", **{"standard.facts.1.value": "160"})
    assert shown.status_code == 200
    assert "<del>种类：给钱，说明：70到79岁，数值：150" in shown.text
    assert "<ins>种类：给钱，说明：70到79岁，数值：160" in shown.text
    assert "<ins>每季度15日发。</ins>" in shown.text
    for asked in ("这是什么", "谁能享受", "多少钱", "怎么办理", "要什么材料", "去哪里办", "打哪个电话", "什么时候"):
        assert f"<h3>{asked}" in shown.text
    assert kept.drafts.open() == []
    assert load(kept.folder) == SERVICES


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("summary", "短", "至少4个字"),
        ("summary", "很" * 41, "最多40个字"),
        ("content", "", "要写"),
        ("questions", "只有一个问法", "至少要有8个"),
        ("eligibility", "年龄大于六十", "看不懂"),
        ("eligibility", "年龄≥70；年龄≤60", "最小年龄比最大年龄还大"),
        ("related", "no_such_service", "没有编号是 no_such_service 的服务"),
        ("review_by", "明年", "不是日期"),
        ("benefit", "10", "不能大于9"),
        ("aliases", "津贴\n津 贴", "写了两次"),
        ("aliases", "长护险", "只能留在一处"),
        ("kind", "转介", "编号要以 ref_ 开头"),
        ("standard.payday.day", "", "要写"),
        ("contact.0.phone", "一二三四五", "号码只写数字和短横"),
        ("standard.facts.0.value", "nan", "不是数字"),
        ("standard.facts.0.value", "", "至少写一个"),
        ("standard.facts.0.condition", "年龄≥七十", "看不懂"),
        ("sources.0.as_of", "去年", "2025-06"),
    ],
)
def test_what_is_wrong_is_told_in_chinese_at_its_field_and_nothing_typed_is_lost(
    maker: DeskTab, kept: Kept, name: str, text: str, told: str
) -> None:
    shown = send(maker, funding="市和区一起出", why="我的理由", **{name: text})
    assert shown.status_code == 422
    field = re.search(rf'<(?:input|select|textarea) id="f-{re.escape(name)}"[^>]*>', shown.text)
    assert field
    assert 'aria-invalid="true"' in field[0]
    near = shown.text[: field.start()].rpartition("<div" if "." not in name or "payday" in name else "<td")[2]
    assert told in near
    assert "写得不对" not in shown.text
    assert f'href="#f-{name}"' in shown.text
    again = Form(shown.text).sent
    assert again[name].replace("\r\n", "\n") == text
    assert (again["funding"], again["why"]) == ("市和区一起出", "我的理由")
    assert kept.drafts.open() == []


def test_what_is_wrong_with_a_row_is_told_where_it_is_mended_and_what_follows_from_it_is_not() -> None:
    texts = texts_of(SERVICES[ALLOWANCE])
    _, wrong = read({**texts, "standard.facts.1.current": "否"})
    assert list(wrong) == ["standard.facts.1.as_of"]
    _, wrong = read({**texts, "standard.facts.1.value": "很多", "contact.0.phone": "很多"})
    assert sorted(wrong) == ["contact.0.phone", "standard.facts.1.value"]


def test_an_alias_that_a_later_service_has_is_told_at_the_aliases(maker: DeskTab) -> None:
    last = list(load())[-1]
    shown = send(maker, act="preview", aliases=last.name)
    assert f"在 {last.id} 里也有" in shown.text[: shown.text.index('id="f-aliases"')]


def test_hard_sentences_are_shown_but_do_not_hinder(maker: DeskTab) -> None:
    hard = "这是一句写得特别特别长而且中间一直都没有停顿所以老人家怎么读都读不明白的话。"
    shown = send(maker, act="preview", content=hard)
    assert re.search(r"“这是什么”的回答里，一句有\d+个字，最多25个", shown.text)
    assert draft_id(send(maker, content=hard))


def test_a_draft_needs_a_reason_and_the_form_comes_back(maker: DeskTab, kept: Kept) -> None:
    shown = send(maker, why=" ", timing="每季度15日发。")
    assert (shown.status_code, kept.drafts.open()) == (422, [])
    assert "请写一句为什么改" in shown.text
    assert Form(shown.text).sent["timing"] == "每季度15日发。"


def test_a_second_editor_publishes_and_both_stand_in_the_history(
    maker: DeskTab, checker: DeskTab, kept: Kept, database: Database, clock: Clock
) -> None:
    draft = draft_id(send(maker, timing="每季度15日发。", why="民政局来电更正"))
    assert load(kept.folder)[ALLOWANCE].timing != "每季度15日发。"
    assert "民政局来电更正" in checker.get("/desk/services").text
    assert "发布了" in press(checker, draft, "publish").text
    assert load(kept.folder)[ALLOWANCE].timing == "每季度15日发。"
    assert [s for s in load(kept.folder) if s.id != ALLOWANCE] == [s for s in SERVICES if s.id != ALLOWANCE]
    version = kept.edited.keeper.versions()[-1]
    assert (version.who, version.why) == ("li+chen", "民政局来电更正")
    shown = checker.get("/desk/services/history?before=1&after=2").text
    assert "li+chen" in shown
    assert "<ins>每季度15日发。</ins>" in shown
    assert acts(database, clock)[:2] == [("staff:chen", "published"), ("staff:li", "draft_made")]


def test_nobody_publishes_their_own_draft_not_even_by_a_forged_form(login: Login, maker: DeskTab, kept: Kept) -> None:
    draft = draft_id(send(maker, timing="每季度15日发。"))
    assert 'value="publish"' not in maker.get(f"/desk/drafts/{draft}").text
    assert press(maker, draft, "publish").status_code == 403
    admin = login("root", "admin")
    own = draft_id(send(admin, timing="每季度16日发。"))
    assert press(admin, own, "publish").status_code == 403
    assert load(kept.folder).version == SERVICES.version


def test_a_draft_whose_service_changed_since_must_be_edited_anew(maker: DeskTab, checker: DeskTab, kept: Kept) -> None:
    first = draft_id(send(maker, timing="每季度15日发。"))
    second = draft_id(send(maker, funding="市和区一起出"))
    press(checker, first, "publish")
    shown = checker.get(f"/desk/drafts/{second}").text
    assert "别人改过这一项" in shown
    assert 'value="publish"' not in shown
    assert press(checker, second, "publish").status_code == 409
    assert load(kept.folder)[ALLOWANCE].funding != "市和区一起出"
    again = draft_id(send(maker, f"{PAGE}?draft={second}", timing="每季度15日发。"))
    assert [each.id for each in kept.drafts.open()] == [again]
    assert press(checker, again, "publish").status_code == 200
    published = load(kept.folder)[ALLOWANCE]
    assert (published.timing, published.funding) == ("每季度15日发。", "市和区一起出")


def test_a_draft_outlives_a_change_of_another_service(maker: DeskTab, checker: DeskTab, kept: Kept) -> None:
    mine = draft_id(send(maker, timing="每季度15日发。"))
    other = draft_id(send(maker, "/desk/services/senior_age_allowance", funding="市和区一起出"))
    press(checker, other, "publish")
    assert press(checker, mine, "publish").status_code == 200
    after = load(kept.folder)
    assert (after[ALLOWANCE].timing, after["senior_age_allowance"].funding) == ("每季度15日发。", "市和区一起出")


def test_a_form_opened_before_somebody_published_shows_it_once_and_keeps_what_was_typed(
    maker: DeskTab, checker: DeskTab, kept: Kept
) -> None:
    form = {**Form(maker.get(PAGE).text).sent, "funding": "市和区一起出", "why": "更新", "act": "submit"}
    press(checker, draft_id(send(maker, timing="每季度15日发。")), "publish")
    shown = maker.post(PAGE, data=form, headers=HERE)
    assert "别人改过这一项" in shown.text
    assert kept.drafts.open() == []
    again = Form(shown.text).sent
    assert again["funding"] == "市和区一起出"
    assert draft_id(maker.post(PAGE, data={**again, "act": "submit"}, headers=HERE))


def test_a_draft_ends_once(maker: DeskTab, checker: DeskTab, kept: Kept, database: Database, clock: Clock) -> None:
    draft = draft_id(send(maker, timing="每季度15日发。"))
    assert "撤回了" in press(maker, draft, "withdraw").text
    assert press(checker, draft, "publish").status_code == 409
    press(checker, draft, "withdraw")
    assert acts(database, clock) == [("staff:li", "withdrawn"), ("staff:li", "draft_made")]
    with pytest.raises(CannotPublish):
        kept.edited.publish(draft, Member("1", "chen", "陈", "editor"))


def test_a_service_is_added_with_every_field_asked_for(maker: DeskTab, checker: DeskTab, kept: Kept) -> None:
    refused = send(maker, "/desk/services/new", id=ALLOWANCE, name="送餐")
    assert (refused.status_code, Form(refused.text).sent["name"]) == (422, "送餐")
    assert "这个编号已经有了" in refused.text
    filled = {
        "id": "meal_by_robot",
        "name": "机器人送餐",
        "category": "社区服务",
        "summary": "机器人把饭送到门口。",
        "content": "每天中午送一次。",
        "questions": "\r\n".join(f"机器人第{number}次送饭吗" for number in "一二三四五六七八"),
        "contact.1.name": "市民服务热线",
        "contact.1.phone": "12345",
        "sources.0.title": "试点公告",
        "sources.0.confidence": "高",
        "review_by": "2027-06-30",
    }
    draft = draft_id(send(maker, "/desk/services/new", **filled))
    press(checker, draft, "publish")
    assert load(kept.folder)["meal_by_robot"].contact[0].phone == "12345"
    assert "新加：机器人送餐" in maker.get("/desk/services/history?before=1").text


def test_a_service_that_others_name_cannot_be_removed_and_a_lonely_one_can(
    maker: DeskTab, checker: DeskTab, kept: Kept
) -> None:
    named = {other for service in SERVICES for other in service.related}
    lonely = next(service.id for service in SERVICES if service.id not in named)
    assert "现在还不能删" in maker.act(f"/desk/services/{next(iter(named))}/remove", why="没了").text
    assert maker.act(f"/desk/services/{lonely}/remove", why=" ").status_code == 422
    draft = draft_id(maker.act(f"/desk/services/{lonely}/remove", why="停办"))
    press(checker, draft, "publish")
    assert {service.id for service in SERVICES} - {service.id for service in load(kept.folder)} == {lonely}


def test_rows_are_moved_emptied_and_added(maker: DeskTab) -> None:
    sent = Form(maker.get(PAGE).text).sent
    cleared = {name: "" for name in sent if name.startswith("standard.facts.3.")}
    shown = maker.post(PAGE, data={**sent, **cleared, "standard.facts.4.order": "1", "act": "rows"}, headers=HERE).text
    again = Form(shown).sent
    labels = [again[f"standard.facts.{number}.label"] for number in range(6)]
    assert labels == ["100岁及以上", "65到69岁", "70到79岁", "80到89岁", "", ""]
    down = maker.post(PAGE, data={**again, "standard.facts.0.order": "3", "act": "rows"}, headers=HERE).text
    assert [Form(down).sent[f"standard.facts.{n}.label"] for n in range(4)] == [
        "65到69岁",
        "70到79岁",
        "100岁及以上",
        "80到89岁",
    ]


def test_only_an_administrator_rolls_back_after_seeing_what_it_changes(
    maker: DeskTab, checker: DeskTab, login: Login, kept: Kept, database: Database, clock: Clock
) -> None:
    press(checker, draft_id(send(maker, timing="每季度15日发。")), "publish")
    assert maker.get("/desk/services/history/1").status_code == 403
    assert maker.act("/desk/services/history/1").status_code == 403
    admin = login("root", "admin")
    assert "<del>每季度15日发。</del>" in admin.get("/desk/services/history/1").text
    admin.act("/desk/services/history/1")
    assert load(kept.folder).version == SERVICES.version
    assert acts(database, clock)[0] == ("staff:root", "rolled_back")
    assert admin.get("/desk/services/history/99").status_code == 404


def test_the_list_is_filtered_and_marks_what_is_overdue(maker: DeskTab, login: Login, clock: Clock) -> None:
    found = maker.get("/desk/services?q=敬老津贴").text
    assert f'href="{PAGE}"' in found
    assert "/desk/services/senior_age_allowance" not in found
    assert "过了复核日期" not in found
    clock.at = clock().replace(year=2040)
    late = login("sun", "editor").get("/desk/services?q=敬老津贴").text
    assert "过了复核日期" in late
    assert "过期" in late


@pytest.mark.parametrize(
    "path", ["/desk/services", PAGE, "/desk/services/new", "/desk/services/history", f"{PAGE}/remove"]
)
def test_clerks_and_strangers_see_nothing_of_it(login: Login, desk_app: FastAPI, path: str) -> None:
    assert login().get(path).status_code == 403
    assert DeskTab(desk_app, follow_redirects=False).get(path).headers["location"] == "/desk/login"


def test_a_form_from_elsewhere_makes_no_draft(maker: DeskTab, kept: Kept) -> None:
    form = {**Form(maker.get(PAGE).text).sent, "timing": "每季度15日发。", "why": "更新", "act": "submit"}
    assert maker.post(PAGE, data=form, headers={"Origin": "http://elsewhere.example"}).status_code == 403
    assert maker.post(PAGE, data={**form, "csrf": "x"}).status_code == 403
    assert Form(maker.post(PAGE, data={**form, "csrf": "x"}, headers=HERE).text).sent["timing"] == form["timing"]
    assert maker.act(f"{PAGE}/remove", csrf="x", why="没了").status_code == 403
    assert kept.drafts.open() == []


def test_what_was_typed_outlives_a_session_that_ended(
    maker: DeskTab, login: Login, desk_app: FastAPI, kept: Kept, clock: Clock
) -> None:
    form = {**Form(maker.get(PAGE).text).sent, "timing": "每季度15日发。", "why": "更新", "act": "submit"}
    clock.forward(minutes=31)
    waiting = maker.post(PAGE, data=form, headers=HERE)
    assert waiting.status_code == 401
    assert "要重新登录" in waiting.text
    assert maker.post(PAGE, data=form).url.path == "/desk/login"
    maker.cookies = login("zhou", "editor").cookies
    again = Form(maker.post(PAGE, data=Form(waiting.text).sent, headers=HERE).text).sent
    assert (again["timing"], again["why"], kept.drafts.open()) == ("每季度15日发。", "更新", [])
    assert draft_id(maker.post(PAGE, data={**again, "act": "submit"}, headers=HERE))
    clerk = login("ma", "clerk")
    assert clerk.post(PAGE, data={**again, "act": "submit"}, headers=HERE).status_code == 403


def test_a_file_broken_by_hand_is_told_and_hinders_publishing_only(
    maker: DeskTab, checker: DeskTab, kept: Kept
) -> None:
    draft = draft_id(send(maker, timing="每季度15日发。"))
    file = kept.folder / "health.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("summary:", "sumary:", 1), encoding="utf-8")
    assert "清单的文件有问题" in maker.get("/desk/services").text
    assert press(checker, draft, "publish").status_code == 409
    file.write_text(text, encoding="utf-8")
    assert press(checker, draft, "publish").status_code == 200


def test_a_message_that_nobody_translated_is_shown_as_it_is() -> None:
    assert in_chinese("something new") == "写得不对：something new"


def test_tables_of_the_form_are_those_of_the_spreadsheet(maker: DeskTab) -> None:
    shown = maker.get(PAGE).text
    for table in TABLES:
        assert f'id="f-{table.field}"' in shown

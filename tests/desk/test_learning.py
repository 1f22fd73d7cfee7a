"""What was not answered, what an editor makes of it, and what is taken away as files."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.desk.accounts import Accounts
from bot.desk.learning import PROJECT, Learning, learning_routes
from bot.desk.learning_export import Taken, archive, as_draft, as_training, read_training, utterance
from bot.desk.learning_groups import Groups
from bot.desk.login import login_routes
from bot.desk.pages import DeskPages, NotAllowed, NotLoggedIn, go
from knowledge.library import Library
from knowledge.live import LiveKnowledge
from knowledge.schema import Service
from knowledge.settings import KnowledgeSettings
from knowledge.store import SERVICES_FOLDER, load
from nlu.quality.sets import training
from storage.audit import Audit
from storage.database import Database
from storage.inbox import Inbox, Received
from storage.lessons import Lesson, Lessons, NewLesson
from storage.turns import Turn, Turns
from tests.auxil.booking import Clock
from tests.bot.test_path import AT, database, library  # noqa: F401
from tests.desk.conftest import HERE, DeskTab

LIFT = "老公房想装电梯，政府能贴多少"
BATH = "有没有人上门给瘫痪的老人洗澡"
HAIR = "附近哪里好剃头"


@pytest.fixture
def lessons(database: Database) -> Lessons:
    return Lessons(database)


@pytest.fixture
def desk_app(
    database: Database, library: Library, accounts: Accounts, lessons: Lessons, clock: Clock, tmp_path: Path
) -> FastAPI:
    """The login and this part of the desk."""
    app, pages = FastAPI(), DeskPages(accounts, database.cipher, False)
    live = LiveKnowledge(library, KnowledgeSettings(var=tmp_path))
    app.include_router(login_routes(pages, accounts))
    app.include_router(learning_routes(pages, lessons, live, Audit(database, clock), clock))
    app.add_api_route("/desk", lambda: go("/desk/learning"))
    for error in (NotLoggedIn, NotAllowed):
        app.add_exception_handler(error, pages.refuse)
    return app


@pytest.fixture
def editor(login: Callable[..., DeskTab]) -> DeskTab:
    return login("chen", "editor")


def not_answered(
    database: Database, *texts: str, reason: str = "unanswered_unknown", service: str | None = None
) -> None:
    """Record a turn for each text that was not answered."""
    begun = len(Lessons(database).questions(100))
    for number, text in enumerate(texts, begun):
        at, who = AT + timedelta(seconds=number), f"web:{number}"
        Inbox(database).store(Received(f"id{number}", "web", f"x{number}", who, text, None, at))
        turn = Turn(f"id{number}", who, text, "{}", reason, "ask_where", service, 1.0, at)
        Turns(database).record(turn, unanswered=reason)


def ids_of(page: str, title: str) -> str:
    found = re.search(rf"次：{title}.*?name=\"ids\" value=\"([\d ]+)\"", page, re.DOTALL)
    assert found, page
    return found[1]


def lesson(kind: str, text: str, target: str) -> Lesson:
    return Lesson(kind, text, target, f"{kind}{text}", "chen", AT)


def unzipped(archived: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(archived)) as held:
        return {name: held.read(name).decode() for name in held.namelist()}


def test_the_most_frequent_comes_first_with_its_reasons_and_the_nearest_service(
    editor: DeskTab, database: Database
) -> None:
    not_answered(database, HAIR)
    not_answered(database, LIFT, f"{LIFT}？", reason="asked_did_you_mean", service="sh_senior_card_transport")
    not_answered(database, f"{LIFT}呢", service="sh_senior_card_transport")
    page = editor.get("/desk/learning").text
    assert re.findall(r"(\d)次：", page) == ["3", "1"]
    assert "不太有把握 2，没有答案 1" in page
    card = load()["sh_senior_card_transport"].name
    assert f"最接近的：{card}" in page
    assert f'<option value="sh_senior_card_transport" selected>{card}' in page
    assert '<option value="ask_where" selected>去哪里 ask_where' in page


def test_every_intent_has_a_name_in_chinese(editor: DeskTab, database: Database) -> None:
    not_answered(database, HAIR)
    select = re.search(r'name="intent">(.*?)</select>', editor.get("/desk/learning").text, re.DOTALL)
    assert select
    shown = re.findall(r'<option value="(\w+)"(?: selected)?>([^<]*) \1</option>', select[1])
    assert [key for key, _ in shown] == Learning(Lessons(database), None, PROJECT).intents  # type: ignore[arg-type]
    assert [key for key, name in shown if not re.search("[\u4e00-\u9fff]", name)] == []


def test_more_than_five_ways_to_say_it_are_a_page_away(editor: DeskTab, database: Database) -> None:
    not_answered(database, *(LIFT + ending for ending in ("", "吗", "呢", "啊", "呀", "哦", "嘛")))
    page = editor.get("/desk/learning").text
    box = re.search(r"<textarea[^>]*>([^<]*)</textarea>", page)
    assert box
    assert len(box[1].splitlines()) == 5
    way = re.search(r'href="(/desk/learning/\d+)" [^>]*>还有2种说法', page)
    assert way
    assert editor.get(way[1]).text.count("<td>没有答案</td>") == 7


def test_one_press_makes_an_alias_and_takes_the_whole_group_off_the_list(
    editor: DeskTab, database: Database, lessons: Lessons, clock: Clock
) -> None:
    not_answered(database, LIFT, LIFT, HAIR)
    ids = ids_of(editor.get("/desk/learning").text, LIFT)
    editor.act("/desk/learning", act="alias", ids=ids, texts=f"装电梯补贴\r\n{LIFT}\r\n", service="day_care")
    kept = {(each.kind, each.text, each.target, each.made_by) for each in lessons.waiting()}
    assert kept == {("alias", "装电梯补贴", "day_care", "chen"), ("question", LIFT, "day_care", "chen")}
    assert [each.text for each in lessons.questions(9)] == [HAIR]
    acts = [(line.actor, line.act, line.about) for line in Audit(database, clock).latest(9)]
    assert ("staff:chen", "lesson_made", "alias day_care (2)") in acts
    assert any(act == "look_learning" for _, act, _ in acts)


def test_an_utterance_and_a_draft_are_made_and_what_is_nothing_is_dropped(
    editor: DeskTab, database: Database, lessons: Lessons
) -> None:
    not_answered(database, LIFT, BATH, HAIR)
    page = editor.get("/desk/learning").text
    editor.act("/desk/learning", act="utterance", ids=ids_of(page, LIFT), texts=f"- [{LIFT}](x)", intent="ask_amount")
    editor.act("/desk/learning", act="service", ids=ids_of(page, HAIR), texts=HAIR, name=" 社区理发 ")
    editor.act("/desk/learning", act="drop", ids=ids_of(page, BATH), texts=BATH)
    kept = {(each.kind, each.text, each.target) for each in lessons.waiting()}
    assert kept == {
        ("utterance", f"【{LIFT}】(x)", "ask_amount"),
        ("service", "社区理发", "she_qu_li_fa"),
        ("question", HAIR, "she_qu_li_fa"),
    }
    assert lessons.questions(9) == []
    draft = next(each for each in lessons.waiting() if each.kind == "service")
    assert "拿掉" in editor.act("/desk/learning/undo", lesson=draft.id).text
    assert [each.kind for each in lessons.waiting()] == ["utterance"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"act": "alias", "texts": "护理券", "service": ""}, "请选是哪一项服务"),
        ({"act": "alias", "texts": " \n", "service": "day_care"}, "至少留一句"),
        ({"act": "alias", "texts": "时间币", "service": "day_care"}, "已经写在“养老服务时间银行”里了"),
        ({"act": "utterance", "texts": "长" * 201, "intent": "ask_where"}, "最多200个字"),
        ({"act": "utterance", "texts": "剃头", "intent": "rm_rf"}, "请选问的是什么"),
        ({"act": "service", "texts": "剃头", "name": ""}, "请写新服务的名称"),
        ({"act": "service", "texts": "剃头", "name": "时间币"}, "清单里已经有“养老服务时间银行”了"),
    ],
)
def test_what_cannot_be_learnt_is_told_and_nothing_that_was_typed_is_lost(
    editor: DeskTab, database: Database, lessons: Lessons, fields: dict[str, str], told: str
) -> None:
    not_answered(database, HAIR)
    page = editor.act("/desk/learning", ids=ids_of(editor.get("/desk/learning").text, HAIR), **fields).text
    assert told in page
    assert f">{fields['texts'].strip()[:50]}" in page
    assert (len(lessons.questions(9)), lessons.waiting()) == (1, [])


def test_the_same_words_are_not_promised_to_two(editor: DeskTab, database: Database, lessons: Lessons) -> None:
    not_answered(database, HAIR, BATH)
    page = editor.get("/desk/learning").text
    editor.act("/desk/learning", act="alias", ids=ids_of(page, HAIR), texts="剃头师傅", service="day_care")
    told = editor.act("/desk/learning", act="alias", ids=ids_of(page, BATH), texts="剃头师傅", service="volunteer").text
    assert "“剃头师傅”刚才已经加给" in told
    assert len(lessons.waiting()) == 1


def test_two_editors_at_one_group_make_one_lesson(editor: DeskTab, database: Database, lessons: Lessons) -> None:
    not_answered(database, HAIR)
    ids = ids_of(editor.get("/desk/learning").text, HAIR)
    editor.act("/desk/learning", act="alias", ids=ids, texts="剃头", service="day_care")
    second = editor.act("/desk/learning", act="alias", ids=ids, texts="理发", service="volunteer")
    assert "别人已经处理了" in second.text
    assert [each.text for each in lessons.waiting()] == ["剃头"]


def test_only_editors_come_here_and_only_from_our_own_page(
    editor: DeskTab, login: Callable[..., DeskTab], desk_app: FastAPI, database: Database, lessons: Lessons
) -> None:
    not_answered(database, HAIR)
    clerk, ids = login("li", "clerk"), ids_of(editor.get("/desk/learning").text, HAIR)
    for path in ("/desk/learning", f"/desk/learning/{ids}", "/desk/learning/export.zip"):
        assert clerk.get(path).status_code == 403
        assert TestClient(desk_app).get(path, follow_redirects=False).status_code == 303
    fields = {"act": "drop", "ids": ids}
    assert clerk.post("/desk/learning", data=fields, headers=HERE).status_code == 403
    assert editor.act("/desk/learning", {"Origin": "http://evil.example"}, **fields).status_code == 403
    assert editor.post("/desk/learning", data=fields, headers=HERE).status_code == 403
    assert len(lessons.questions(9)) == 1


def test_the_archive_can_be_copied_over_as_it_is(
    editor: DeskTab, database: Database, lessons: Lessons, clock: Clock, tmp_path: Path
) -> None:
    not_answered(database, LIFT, BATH, HAIR)
    page = editor.get("/desk/learning").text
    editor.act("/desk/learning", act="alias", ids=ids_of(page, LIFT), texts=f"电梯补贴\n{LIFT}", service="time_bank")
    editor.act("/desk/learning", act="utterance", ids=ids_of(page, BATH), texts=BATH, intent="ask_service")
    editor.act("/desk/learning", act="service", ids=ids_of(page, HAIR), texts=HAIR, name="社区理发")
    answer = editor.get("/desk/learning/export.zip")
    assert answer.headers["content-type"] == "application/zip"
    files = unzipped(answer.content)
    assert set(files) == {
        "README.txt",
        "nlu/data/nlu/from_desk.yml",
        "knowledge/services/mutual_help.yaml",
        "drafts/she_qu_li_fa.yaml",
    }
    copied = shutil.copytree(SERVICES_FOLDER, tmp_path / "list")
    (copied / "mutual_help.yaml").write_text(files["knowledge/services/mutual_help.yaml"], encoding="utf-8")
    before, after = load(), load(copied)
    assert after["time_bank"].aliases == (*before["time_bank"].aliases, "电梯补贴")
    assert after["time_bank"].questions == (*before["time_bank"].questions, LIFT)
    assert [each for each in before if each.id != "time_bank"] == [each for each in after if each.id != "time_bank"]
    assert all(
        word in files["README.txt"] for word in ("services check", "quality check", "advisor train", *sorted(files)[1:])
    )
    assert ("staff:chen", "lessons_export") in [(each.actor, each.act) for each in Audit(database, clock).latest(3)]


def test_the_training_file_is_read_like_the_others_and_has_their_form(tmp_path: Path) -> None:
    said = {LIFT: "ask_amount", utterance("  - |“[这个]”: {怎么} #弄\u2028好"): "ask_how_to_apply", HAIR: "ask_amount"}
    (tmp_path / "from_desk.yml").write_text(as_training(said), encoding="utf-8")
    assert {row.text: row.intent for row in training(tmp_path)} == said
    assert read_training(as_training(said)) == said

    def form(file: Path) -> tuple[object, ...]:
        entry = (read := yaml.safe_load(file.read_text(encoding="utf-8")))["nlu"][0]
        return read["version"], list(read), list(entry), entry["examples"].startswith("- "), entry["examples"][-1]

    assert form(tmp_path / "from_desk.yml") == form(PROJECT / "nlu/data/nlu/aspects.yml")
    assert all("[" not in text and "{" not in text for text in said)


def test_what_was_exported_earlier_stays_in_the_training_file() -> None:
    files = unzipped(archive([lesson("utterance", HAIR, "ask_where")], Taken(load(), {BATH: "ask_service"}), AT))
    assert read_training(files["nlu/data/nlu/from_desk.yml"]) == {BATH: "ask_service", HAIR: "ask_where"}


def test_what_the_list_cannot_take_any_more_is_left_out_and_named() -> None:
    lessons = [
        lesson("alias", "时间币", "day_care"),
        lesson("alias", "剃头", "gone_service"),
        lesson("alias", "理发师", "day_care"),
    ]
    files = unzipped(archive(lessons, Taken(load(), {}), AT))
    assert "“时间币”：已经是 time_bank 的了" in files["README.txt"]
    assert "“剃头”：清单里没有 gone_service 了" in files["README.txt"]
    assert "理发师" in files["knowledge/services/community.yaml"]


def test_a_draft_says_what_is_missing_and_is_a_service_once_that_is_there() -> None:
    text = as_draft("she_qu_li_fa", "社区理发", [HAIR])
    (draft,) = yaml.safe_load(text)
    missing = re.findall(r"# 还缺 (\w+)", text)
    with pytest.raises(ValueError, match="Field required"):
        Service.model_validate(draft)
    example = load()["time_bank"].model_dump()
    assert Service.model_validate({**draft, **{field: example[field] for field in missing}}).name == "社区理发"


def test_what_the_list_has_taken_in_is_marked_and_goes_with_one_press(
    editor: DeskTab, database: Database, lessons: Lessons
) -> None:
    not_answered(database, HAIR)
    (question,) = lessons.questions(9)
    lessons.learn(
        [question.id], [NewLesson("alias", "时间币", "time_bank"), NewLesson("alias", "剃头", "time_bank")], "chen", AT
    )
    assert editor.get("/desk/learning").text.count("（已经收进去了）") == 1
    editor.act("/desk/learning/undo")
    assert [each.text for each in lessons.waiting()] == ["剃头"]


def test_a_look_does_not_wait_for_all_to_be_encoded(database: Database, library: Library, tmp_path: Path) -> None:
    not_answered(database, LIFT, f"{LIFT}吗", LIFT)
    live = LiveKnowledge(library, KnowledgeSettings(var=tmp_path))
    hurried, patient = Groups(Lessons(database), live, patience_s=0.0), Groups(Lessons(database), live)
    groups, alone = hurried.all()
    assert ([len(each.ids) for each in groups], alone) == ([2, 1], 3)
    groups, alone = patient.all()
    assert ([len(each.ids) for each in groups], alone) == ([3], 0)

"""Counting days, keeping the counts when the record is gone, and what an editor sees of them."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
import yaml
from fastapi import FastAPI

from actions.booking.model import Kind, State
from bot.desk.accounts import Accounts
from bot.desk.pages import DeskPages
from bot.desk.statistics import statistics_routes
from bot.desk.statistics_figures import Period, Table, overview, table, time_labels
from bot.desk.statistics_files import harmless
from bot.desk.statistics_words import FAMILY_NAMES, KIND_NAMES, STATE_NAMES
from bot.desk.suppression import Hidden
from knowledge.library import Library
from knowledge.live import LiveKnowledge
from knowledge.reply import Outcome
from knowledge.settings import KnowledgeSettings
from storage.audit import Audit
from storage.booking_tables import BookingRow, CourseRow, EventRow
from storage.clock import SHANGHAI
from storage.database import Database
from storage.desk_tables import CallNoteRow
from storage.retention import Retention
from storage.statistics import (
    ASKED,
    BROKEN,
    EMERGENCY,
    FAMILIES,
    HUMAN,
    NOT_TAKEN,
    TALK,
    TICKET,
    UNDER_2,
    UNDER_10,
    UNMET,
    Cell,
    Statistics,
    measures,
    topic,
)
from storage.tables import InboxRow, TicketRow, TurnRow
from tests.auxil.booking import Clock
from tests.conftest import database as either  # noqa: F401 (a fixture: SQLite and PostgreSQL)
from tests.desk.conftest import DeskTab

TODAY = date(2026, 11, 25)
NUMBERS = itertools.count()
ALLOWANCE = "sh_comprehensive_allowance"


def at(day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


class Record:
    """Writes what happened, as the gateway and the desk do."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def turn(
        self,
        when: datetime,
        outcome: str = "answered_service",
        intent: str = "ask_amount",
        service: str | None = ALLOWANCE,
        conversation: str = "web:a",
        times: int = 1,
        **known: str,
    ) -> str:
        inbox_id = ""
        with self.database.write() as session:
            for _ in range(times):
                number = next(NUMBERS)
                inbox_id = f"i{number}"
                channel = conversation.split(":")[0]
                session.add(
                    InboxRow(
                        id=inbox_id,
                        channel=channel,
                        external_id=f"e{number}",
                        conversation=conversation,
                        text=b"",
                        state="done",
                        received_at=when,
                    )
                )
                session.flush()
                session.add(
                    TurnRow(
                        inbox_id=inbox_id,
                        conversation=conversation,
                        text=b"",
                        reply=b"",
                        outcome=outcome,
                        intent=intent,
                        service_id=service,
                        took_ms=1,
                        created_at=when,
                        **known,
                    )
                )
        return inbox_id

    def ticket(self, when: datetime, kind: str, waited: float | None = None, **known: str) -> int:
        outcome = "guarded_emergency" if kind.startswith("emergency") else "handed_off_requested"
        conversation = f"web:{next(NUMBERS)}"
        inbox_id = self.turn(when, outcome, "request_human", None, conversation, **known)
        row = TicketRow(inbox_id=inbox_id, conversation=conversation, kind=kind, state="closed", created_at=when)
        row.first_claimed_at = None if waited is None else when + timedelta(minutes=waited)
        with self.database.write() as session:
            session.add(row)
        return row.id

    def note(self, when: datetime, disposition: str, about: str | None = None) -> None:
        key = f"n{next(NUMBERS)}"
        with self.database.write() as session:
            session.add(
                CallNoteRow(
                    id=key, key=key, staff_id="s", disposition=disposition, topic=about, text=b"", created_at=when
                )
            )

    def course(self, when: datetime, seats: int, states: dict[str, int], sample: bool = False) -> None:
        event = f"v{next(NUMBERS)}"
        taken = sum(count for state, count in states.items() if state in ("booked", "offered", "attended", "missed"))
        with self.database.write() as session:
            if session.get(CourseRow, "course") is None:
                session.add(CourseRow(id="course", title="照护课", about="教翻身", sample=sample))
            session.flush()
            session.add(
                EventRow(
                    id=event,
                    kind="training",
                    course_id="course",
                    title="照护课",
                    district="徐汇区",
                    place="田林路1号",
                    starts_at=when,
                    ends_at=when + timedelta(hours=2),
                    seats=seats,
                    taken=taken,
                    state="open",
                    sample=sample,
                )
            )
            session.flush()
            for state in Counter(states).elements():
                number = next(NUMBERS)
                session.add(
                    BookingRow(
                        id=f"b{number}",
                        event_id=event,
                        code=f"{number:06}",
                        state=state,
                        person=f"p{number}",
                        phone_digest="d",
                        phone=b"",
                        for_whom="本人",
                        conversation="web:a",
                        key=f"k{number}",
                        starts_at=when,
                        queued=0,
                        created_at=when - timedelta(days=1),
                    )
                )


@pytest.fixture
def record(database: Database) -> Record:
    return Record(database)


@pytest.fixture
def statistics(database: Database, clock: Clock) -> Statistics:
    return Statistics(database, clock)


def totals(statistics: Statistics, first: date, last: date) -> dict[str, int]:
    found: Counter[str] = Counter()
    for cell, count in statistics.counts(first, last).cells.items():
        found[cell.measure] += count
    return dict(found)


# --- what counts as what --------------------------------------------------------------------------


def test_every_outcome_counts_as_one_thing_or_as_nothing() -> None:
    kinds = {outcome: set(measures(outcome.value, "ask_amount")) & {ASKED, TALK, BROKEN} for outcome in Outcome}
    uncounted = {outcome for outcome, found in kinds.items() if not found}
    assert uncounted == {Outcome.NOTICE, Outcome.ERROR_EMPTY_MESSAGE}
    assert all(len(found) == 1 for outcome, found in kinds.items() if outcome not in uncounted)
    unmet = {outcome.value for outcome in Outcome if UNMET in measures(outcome.value, None)}
    assert unmet == {
        "unanswered_unknown",
        "unanswered_field",
        "unanswered_out_of_scope",
        "asked_did_you_mean",
        "handed_off_misses",
    }


def test_a_step_of_a_form_is_no_question_but_its_beginning_is() -> None:
    assert measures("asked_slot", "book_training") == [ASKED]
    assert measures("asked_slot", "inform") == [TALK]
    assert measures("answered_service", "choose") == [ASKED]


def test_every_intent_has_a_family_and_every_family_and_state_a_name() -> None:
    intents = yaml.safe_load(Path("nlu/domain/intents.yml").read_text(encoding="utf-8"))["intents"]
    assert [intent for intent in intents if not topic("asked_slot", intent, None)] == []
    assert set(FAMILIES) <= set(FAMILY_NAMES)
    assert {each.value for each in State} <= set(STATE_NAMES)
    assert {each.value for each in Kind} <= set(KIND_NAMES)


def test_a_turn_is_about_its_service_else_about_what_was_guarded_or_meant() -> None:
    assert topic("unanswered_field", "ask_amount", ALLOWANCE) == ALLOWANCE
    assert topic("guarded_scam", "ask_amount", None) == "family:scam"
    assert topic("answered_places", "ask_where", None) == "family:places"
    assert topic("unanswered_unknown", None, None) == ""


# --- keeping the counts ---------------------------------------------------------------------------


def a_busy_day(record: Record, day: int) -> None:
    record.turn(at(day, 0, 0), district="徐汇区", age_band="80-89", times=3)
    record.turn(at(day, 23, 59), "unanswered_unknown", "ask_where", None, "telegram:b", times=2)
    record.turn(at(day), "answered_conversation", "greet", None)
    record.turn(at(day), "error_dialogue_down", "ask_amount")
    record.turn(at(day), conversation="cli:x", times=9)
    record.turn(at(day), conversation="bench:x", times=9)
    record.ticket(at(day), "emergency_unconscious", 1, district="静安区")
    record.ticket(at(day), "handed_off_requested", 5)
    record.ticket(at(day), "handed_off_requested", 50)
    record.ticket(at(day), "handed_off_requested")
    record.note(at(day), "answered", ALLOWANCE)


def test_a_days_counts_are_the_same_when_the_record_is_gone(either: Database, clock: Clock) -> None:
    statistics, record = Statistics(either, clock), Record(either)
    for day in (19, 20, 21):
        a_busy_day(record, day)
    first, last = date(2026, 11, 20), date(2026, 11, 20)
    live = statistics.counts(first, last)
    assert totals(statistics, first, last) == {
        ASKED: 9,
        UNMET: 2,
        HUMAN: 3,
        TALK: 1,
        BROKEN: 1,
        TICKET: 4,
        EMERGENCY: 1,
        UNDER_2: 1,
        UNDER_10: 1,
        "waited_longer": 1,
        NOT_TAKEN: 1,
        "note_answered": 1,
    }
    assert live.cells[Cell(last, ASKED, "web", ALLOWANCE, "徐汇区", "80-89")] == 3
    assert live.cells[Cell(last, UNMET, "telegram", "family:aspect")] == 2
    assert live.cells[Cell(last, EMERGENCY, "web", "emergency_unconscious", "静安区")] == 1
    assert len(statistics.roll_up_missing()) == 29
    clock.forward(days=60)
    assert Retention(either).forget(clock()) > 0
    gone = statistics.counts(first, last)
    assert gone.cells == live.cells
    assert gone.without == []


def test_rolling_up_again_changes_nothing(either: Database, clock: Clock) -> None:
    statistics, record = Statistics(either, clock), Record(either)
    a_busy_day(record, 20)
    for _ in range(2):
        statistics.roll_up(date(2026, 11, 20))
        clock.forward(days=1)
        assert totals(statistics, date(2026, 11, 20), date(2026, 11, 20))[ASKED] == 9


def test_today_is_counted_as_it_goes_and_kept_only_after_midnight(
    statistics: Statistics, record: Record, clock: Clock
) -> None:
    clock.at = at(25, 23, 59)
    record.turn(clock.at)
    assert totals(statistics, TODAY, TODAY) == {ASKED: 1}
    with pytest.raises(ValueError, match="not over"):
        statistics.roll_up(TODAY)
    assert TODAY not in statistics.roll_up_missing()
    clock.forward(minutes=2)
    record.turn(clock.at, times=2)
    assert TODAY in statistics.roll_up_missing()
    assert totals(statistics, TODAY, TODAY) == {ASKED: 1}
    assert totals(statistics, TODAY, TODAY + timedelta(days=1)) == {ASKED: 3}


def test_a_day_is_shanghais_although_the_table_keeps_utc(statistics: Statistics, record: Record) -> None:
    record.turn(at(20, 0, 30))
    record.turn(at(19, 23, 30))
    assert totals(statistics, date(2026, 11, 20), date(2026, 11, 20)) == {ASKED: 1}


def test_who_waited_over_midnight_was_taken_although_the_day_was_kept_before(
    statistics: Statistics, record: Record, database: Database, clock: Clock
) -> None:
    number = record.ticket(at(25, 23, 59), "handed_off_requested")
    clock.at = at(26, 0, 1)
    statistics.roll_up_missing()
    assert totals(statistics, TODAY, TODAY)[NOT_TAKEN] == 1
    with database.write() as session:
        row = session.get(TicketRow, number)
        assert row is not None
        row.first_claimed_at = at(26, 0, 4)
    assert NOT_TAKEN not in totals(statistics, TODAY, TODAY)
    statistics.roll_up_missing()
    clock.forward(days=3)
    assert totals(statistics, TODAY, TODAY)[UNDER_10] == 1


def test_only_days_without_kept_counts_and_yesterday_are_counted_again(statistics: Statistics, clock: Clock) -> None:
    assert len(statistics.roll_up_missing()) == 29
    assert statistics.roll_up_missing() == [TODAY - timedelta(days=1)]
    clock.forward(days=2)
    assert statistics.roll_up_missing() == [TODAY, TODAY + timedelta(days=1)]


def test_old_days_of_which_nothing_is_kept_are_told_and_not_shown_as_noughts(
    statistics: Statistics, library: Library, tmp_path: Path
) -> None:
    statistics.roll_up_missing()  # from 27 October
    live = LiveKnowledge(library, KnowledgeSettings(var=tmp_path))
    found = overview(statistics, live, Period(date(2026, 10, 20), date(2026, 10, 28)))
    assert found.without == 7
    (times,) = (each for each in found.tables if each.key == "asked-time")
    assert times.rows == (("10月27日 周二", 0), ("10月28日 周三", 0))


def test_bookings_count_by_how_they_ended_and_samples_do_not(statistics: Statistics, record: Record) -> None:
    record.course(at(10), 20, {"attended": 8, "missed": 2, "booked": 1, "cancelled": 3})
    record.course(at(28), 20, {"booked": 6, "waiting": 1})
    record.course(at(11), 20, {"attended": 9}, sample=True)
    found = statistics.bookings(date(2026, 11, 1), date(2026, 11, 30))
    assert found.cells == {
        ("training", "attended"): 8,
        ("training", "missed"): 2,
        ("training", "past"): 1,
        ("training", "cancelled"): 3,
        ("training", "booked"): 6,
        ("training", "waiting"): 1,
    }
    assert (found.seats, found.taken) == (20, 11)  # the course to come has used none yet
    assert not statistics.bookings(date(2026, 10, 1), date(2026, 10, 31)).cells


def test_seats_used_and_no_shows_are_figures_where_nothing_is_hidden(
    statistics: Statistics, record: Record, library: Library, tmp_path: Path
) -> None:
    record.course(at(10), 20, {"attended": 9, "missed": 6, "cancelled": 7})
    live = LiveKnowledge(library, KnowledgeSettings(var=tmp_path))
    found = overview(statistics, live, Period(date(2026, 11, 1), TODAY))
    figures = {figure.title: figure.value for figure in found.figures}
    assert (figures["预约"], figures["没来的占"], figures["培训用了座位"]) == (22, "40%", "15 / 20（75%）")
    assert found.hidden == 0


# --- tables ---------------------------------------------------------------------------------------


def test_a_hidden_row_stands_by_its_name_since_its_place_would_tell() -> None:
    found = table("k", "t", "h", Counter({"甲": 2, "乙": 30, "丙": 1, "丁": 50}))
    assert found.rows == (("丁", 50), ("乙", 30), ("丙", Hidden.FEW), ("甲", Hidden.FEW))


def test_a_share_of_a_table_is_shown_only_where_all_of_it_is() -> None:
    assert table("k", "t", "h", Counter({"快": 30, "慢": 10})).share("快") == "75%"
    assert table("k", "t", "h", Counter({"快": 30, "慢": 3, "没": 9})).share("快") is Hidden.WITH_FEW
    assert Table("k", "t", "h", None, 6).share("快") is Hidden.WITH_FEW
    assert table("k", "t", "h", Counter()).share("快") == "没有"


@pytest.mark.parametrize(
    ("length", "first", "last", "rows"),
    [
        (31, "10月26日 周一", "11月25日 周三", 31),
        (32, "10月25日 周日", "11月23日到11月25日", 6),
        (365, "2025年11月", "2026年11月", 13),
    ],
)
def test_time_goes_by_days_then_by_weeks_then_by_months(length: int, first: str, last: str, rows: int) -> None:
    begins = TODAY - timedelta(days=length - 1)
    labels = time_labels(Period(begins, TODAY), [begins + timedelta(days=number) for number in range(length)])
    assert len(labels) == length
    different = list(dict.fromkeys(labels.values()))
    assert (different[0], different[-1], len(different)) == (first, last, rows)


def test_a_cell_that_a_spreadsheet_would_reckon_is_made_harmless() -> None:
    assert [harmless(each) for each in ("=1+1", "+86", "-59", "@x", "网页", 7)] == [
        "'=1+1",
        "'+86",
        "'-59",
        "'@x",
        "网页",
        7,
    ]


# --- pages and files ------------------------------------------------------------------------------


@pytest.fixture
def editor(
    desk_app: FastAPI,
    accounts: Accounts,
    database: Database,
    statistics: Statistics,
    library: Library,
    clock: Clock,
    tmp_path: Path,
    login: Callable[..., DeskTab],
) -> DeskTab:
    """An editor at the desk with the statistics."""
    live = LiveKnowledge(library, KnowledgeSettings(var=tmp_path))
    pages = DeskPages(accounts, database.cipher, secure=False)
    desk_app.include_router(statistics_routes(pages, statistics, live, Audit(database, clock), clock))
    return login("li", "editor", "李编辑")


@pytest.fixture
def november(record: Record) -> None:
    """What happened in a month: large and small counts in every table."""
    for day, times in ((2, 40), (3, 3), (24, 30)):
        record.turn(at(day), district="徐汇区", age_band="80-89", times=times)
    record.turn(at(4), conversation="telegram:b", service="sh_long_term_care_insurance", times=12)
    record.turn(at(4), "unanswered_field", "ask_where", "respite", "telegram:b", times=2, age_band="90+")
    record.turn(at(5), "unanswered_unknown", "ask_where", None, "signed:c", times=21, district="=HYPERLINK(1)")
    for waited in (1, 1, 1, 1, 1, 1, 5, 5, 5, 5, 5, 20, 20, 20, None):
        record.ticket(at(6), "handed_off_requested", waited)
    for _ in range(6):
        record.ticket(at(7), "emergency_fall", 1)
    for _ in range(7):
        record.note(at(7), "booked")
    record.course(at(10), 20, {"attended": 9, "missed": 6, "cancelled": 1, "expired": 7})


PAGES = ["/desk/statistics", "/desk/statistics.csv", "/desk/statistics.xlsx", "/desk/statistics/report"]


@pytest.mark.parametrize("path", PAGES)
def test_only_an_editor_sees_statistics(
    editor: DeskTab, login: Callable[..., DeskTab], desk_app: FastAPI, path: str
) -> None:
    assert editor.get(path).status_code == 200
    assert login("wang", "clerk").get(path).status_code == 403
    assert DeskTab(desk_app, follow_redirects=False).get(path).headers["location"] == "/desk/login"


@pytest.mark.usefixtures("november")
def test_the_page_shows_figures_tables_and_charts_of_the_month(editor: DeskTab) -> None:
    page = editor.get("/desk/statistics").text
    figures = dict(re.findall(r'<tr><th scope="row">([^<]+)</th><td class="number">([^<]+)</td><td>', page))
    assert figures["提问"] == "129"
    assert figures["没有答上的"] == "23"
    assert figures["没有答上的占"] == "18%"
    assert figures["急救和危险"] == "6"
    assert figures["转到人工的"] == "21"
    assert figures["10分钟内接起的占"] == "不显示"  # one row of the table is hidden
    assert figures["没来的占"] == "不显示"  # who came is hidden with who cancelled
    assert figures["培训用了座位"] == "不显示"  # less who came, it would tell who did not
    found = re.findall(r'<tr><th scope="row">([^<]+)</th><td class="number">([^<]+)</td></tr>', page)
    rows = dict(reversed(found))  # the first of those with the same name
    assert rows["11月3日 周二"] == "少于5"
    assert rows["11月1日 周日"] == "0"
    assert rows["其他消息渠道"] == "21"
    assert "老年综合津贴" in page
    assert page.count('<svg class="chart" role="img"') >= 9
    assert page.count("<h1>") == 1
    assert "<details" not in page


@pytest.mark.usefixtures("november")
@pytest.mark.parametrize("path", ["/desk/statistics", "/desk/statistics/report?month=2026-11"])
def test_no_number_of_one_to_four_is_on_a_page_in_a_table_or_in_a_chart(editor: DeskTab, path: str) -> None:
    page = editor.get(path).text
    numbers = re.findall(r'<td class="number">(\d+)</td>', page) + re.findall(r"<text[^>]*>(\d+)</text>", page)
    assert len(numbers) > 60
    assert {"1", "2", "3", "4"}.isdisjoint(numbers)
    assert "少于5" in page


@pytest.mark.usefixtures("november")
def test_the_files_hold_what_the_page_shows_and_are_audited(editor: DeskTab, database: Database, clock: Clock) -> None:
    answer = editor.get("/desk/statistics.csv", params={"period": "days", "from": "2026-11-01", "to": "2026-11-25"})
    assert answer.content.startswith("\ufeff表,项目,数".encode())
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert ["概况", "提问", "129"] in rows
    assert ["提问，按时间", "11月3日 周二", "少于5"] in rows
    assert ["提问，按时间", "合计", "129"] in rows
    assert ["问的是哪个区", "'=HYPERLINK(1)", "21"] in rows
    assert {"1", "2", "3", "4"}.isdisjoint(row[2] for row in rows)
    answer = editor.get("/desk/statistics.xlsx?period=month")
    assert "statistics_2026-11-01_2026-11-25.xlsx" in answer.headers["content-disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert ("提问", 129) in [(row[0].value, row[1].value) for row in book["概况"].iter_rows()]
    assert ("'=HYPERLINK(1)", 21) in [(row[0].value, row[1].value) for row in book["问的是哪个区"].iter_rows()]
    assert all(cell.data_type != "f" for cell in cells)
    assert {1, 2, 3, 4}.isdisjoint(cell.value for cell in cells)
    noted = [(line.actor, line.about) for line in Audit(database, clock).latest(9) if line.act == "export_stats"]
    assert noted == [
        ("staff:li", "xlsx 2026-11-01..2026-11-25"),
        ("staff:li", "csv 2026-11-01..2026-11-25"),
    ]


@pytest.mark.usefixtures("november")
def test_the_report_says_of_when_it_is_what_is_hidden_and_what_it_does_not_say(editor: DeskTab, clock: Clock) -> None:
    page = editor.get("/desk/statistics/report?month=2026-11").text
    assert "养老顾问统计月报：2026年11月" in page
    assert "李编辑打开时统计" in page
    assert "这个月还没有过完" in page
    assert re.search(r"本月报里有\d+处没有列出", page)
    assert "这些数不能说明什么" in page
    headings = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert headings[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))
    assert "2026年10月" in editor.get("/desk/statistics/report").text
    assert editor.get("/desk/statistics/report?month=2026-12").status_code == 404
    assert editor.get("/desk/statistics/report?month=2026-13").status_code == 422


def test_a_period_is_chosen_by_the_form_and_a_wrong_one_is_explained(editor: DeskTab, record: Record) -> None:
    record.turn(at(9), times=8)
    record.turn(datetime(2026, 10, 30, 9, tzinfo=SHANGHAI), times=6)

    def asked(**chosen: str) -> str:
        found = re.search(r'提问</th><td class="number">([^<]+)', editor.get("/desk/statistics", params=chosen).text)
        assert found
        return found[1]

    assert asked() == "8"
    assert asked(period="last_month") == "6"
    assert asked(period="days30") == "14"
    assert asked(period="days", **{"from": "2026-11-10", "to": "2026-10-30"}) == "14"  # either way round
    for first, last, told in (
        ("", "2026-11-10", "都选上"),
        ("2026-13-01", "2026-11-10", "都选上"),
        ("2027-01-01", "2027-01-02", "还没有到"),
        ("2001-01-01", "2026-11-10", "最多看三年"),
    ):
        wrong = {"period": "days", "from": first, "to": last}
        assert told in editor.get("/desk/statistics", params=wrong).text
        assert editor.get("/desk/statistics.csv", params=wrong).status_code == 400


def test_an_empty_month_is_a_page_too(editor: DeskTab) -> None:
    page = editor.get("/desk/statistics").text
    assert "这段时间没有" in page
    assert "<svg" not in page

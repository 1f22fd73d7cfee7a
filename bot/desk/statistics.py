"""Statistics for the city's survey of needs and supply: a page, files, and a monthly report to print."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup
from pydantic import BaseModel, Field

from bot.desk.charts import bars
from bot.desk.pages import DeskPages
from bot.desk.statistics_figures import Overview, Period, Table, overview
from bot.desk.statistics_files import WITHHELD, as_csv, as_xlsx
from bot.desk.statistics_words import day_in_words
from bot.web.pages import HEADERS
from knowledge.live import LiveKnowledge
from storage.audit import Audit
from storage.statistics import Statistics

PERIODS = {"month": "这个月", "last_month": "上个月", "days30": "最近30天", "days": "从哪天到哪天"}
_LONGEST = timedelta(days=3 * 366)
_IN_A_CHART = 15  # bars; all rows are in the table
_DAY = timedelta(days=1)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Chosen(BaseModel):
    """What the form asks for."""

    period: str = Field("month", max_length=10)  # one of PERIODS; anything else is this month
    first: str = Field("", alias="from", max_length=10)
    last: str = Field("", alias="to", max_length=10)


class BadPeriod(Exception):
    """The days that were chosen are none; the message says what to do, to the editor."""


def statistics_routes(
    pages: DeskPages, statistics: Statistics, live: LiveKnowledge, audit: Audit, clock: Callable[[], datetime]
) -> APIRouter:
    """Return the routes of the statistics."""
    routes = APIRouter()

    async def found(period: Period) -> Overview:
        return await asyncio.to_thread(overview, statistics, live, period)

    async def exported(request: Request, kind: str, chosen: Chosen) -> Overview:
        member = await pages.member(request, "editor")
        try:
            asked = days_of(chosen, clock().date())
        except BadPeriod as problem:
            raise HTTPException(400, str(problem)) from problem
        await asyncio.to_thread(audit.note, member.actor, "export_stats", f"{kind} {asked.first}..{asked.last}")
        return await found(asked)

    @routes.get("/desk/statistics", response_class=HTMLResponse)
    async def page(request: Request, chosen: Annotated[Chosen, Query()]) -> Response:
        """Show a period."""
        member = await pages.member(request, "editor")
        today, problem = clock().date(), ""
        try:
            asked = days_of(chosen, today)
        except BadPeriod as refused:
            asked, problem = days_of(Chosen(), today), str(refused)
        context = {
            **_drawn(await found(asked)),
            "periods": PERIODS,
            "chosen": chosen.period,
            "from": chosen.first or asked.first.isoformat(),
            "to": chosen.last or asked.last.isoformat(),
            "today": today.isoformat(),
            "query": urlencode({"period": "days", "from": asked.first, "to": asked.last}),
            "month": f"{asked.first:%Y-%m}",
            "problem": problem,
        }
        return pages.show(request, "statistics.html", member, context)

    @routes.get("/desk/statistics.csv")
    async def csv_file(request: Request, chosen: Annotated[Chosen, Query()]) -> Response:
        """Return a period as CSV."""
        made = await exported(request, "csv", chosen)
        return _file(made.period, "csv", "text/csv; charset=utf-8", as_csv(made))

    @routes.get("/desk/statistics.xlsx")
    async def workbook(request: Request, chosen: Annotated[Chosen, Query()]) -> Response:
        """Return a period as a workbook."""
        made = await exported(request, "xlsx", chosen)
        return _file(made.period, "xlsx", _XLSX, await asyncio.to_thread(as_xlsx, made))

    @routes.get("/desk/statistics/report", response_class=HTMLResponse)
    async def report(
        request: Request, month: Annotated[str, Query(pattern=r"^(20\d\d-(0[1-9]|1[0-2]))?$")] = ""
    ) -> Response:
        """Show a month, the last one where none is named, to be printed."""
        member, now = await pages.member(request, "editor"), clock()
        first = date.fromisoformat(f"{month}-01") if month else days_of(Chosen(period="last_month"), now.date()).first
        if first > now.date():
            raise HTTPException(404)
        whole = Period(first, _end_of_month(first))
        context = {**_drawn(await found(whole)), "now": now, "is_over": whole.last < now.date()}
        return pages.show(request, "statistics_report.html", member, context)

    return routes


def days_of(chosen: Chosen, today: date) -> Period:
    """Return the days that were chosen, none of them to come. Raises BadPeriod."""
    month = today.replace(day=1)
    if chosen.period == "last_month":
        return Period((month - _DAY).replace(day=1), month - _DAY)
    if chosen.period == "days30":
        return Period(today - 29 * _DAY, today)
    if chosen.period != "days":
        return Period(month, today)
    try:
        first, last = sorted((date.fromisoformat(chosen.first), date.fromisoformat(chosen.last)))
    except ValueError:
        raise BadPeriod("请把开始和结束的日子都选上。下面列的是这个月的。") from None
    if first > today:
        raise BadPeriod("这些日子还没有到。下面列的是这个月的。")
    if last - first > _LONGEST:
        raise BadPeriod("一次最多看三年，请选近一些的日子。下面列的是这个月的。")
    return Period(first, min(last, today))


def _drawn(made: Overview) -> dict[str, object]:
    """Return what the templates show: each table with its chart."""
    return {
        "overview": made,
        "tables": [(each, _chart(each)) for each in made.tables],
        "withheld": WITHHELD,
        "title": made.period.title,
        "since": day_in_words(made.period.first),
    }


def _chart(table: Table) -> Markup | None:
    """Return the chart of a table; None where there is nothing to draw."""
    if not table.rows or table.total == 0:
        return None
    rows = table.rows if table.key.endswith("-time") else table.rows[:_IN_A_CHART]
    title = table.title if len(rows) == len(table.rows) else f"{table.title}（前{len(rows)}项）"
    return bars(table.key, title, rows)


def _file(asked: Period, kind: str, media_type: str, content: bytes) -> Response:
    name = f"statistics_{asked.first}_{asked.last}.{kind}"
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


def _end_of_month(first: date) -> date:
    return (first + 31 * _DAY).replace(day=1) - _DAY

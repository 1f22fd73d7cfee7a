"""The figures of a period, ready to be shown: no table of them tells a count of 1 to 4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.desk.statistics_words import (
    CHANNELS,
    FAMILY_NAMES,
    KIND_NAMES,
    STATE_NAMES,
    UNKNOWN,
    WAIT_NAMES,
    age,
    day_in_words,
    days_in_words,
)
from bot.desk.suppression import Hidden, Shown, protect, shown
from knowledge.live import LiveKnowledge
from storage.notes import DISPOSITIONS
from storage.statistics import (
    ASKED,
    BROKEN,
    EMERGENCY,
    FAMILY,
    HUMAN,
    NOTE,
    TALK,
    UNDER_2,
    UNDER_10,
    UNMET,
    WAITS,
    Booked,
    Cell,
    Statistics,
)

NOTHING = "没有"
_DAILY, _WEEKLY = 31, 183  # so many days at most are shown by days, by weeks; more by months
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def title(self) -> str:
        """Return it in words."""
        return f"{day_in_words(self.first)}到{day_in_words(self.last)}"


@dataclass(frozen=True)
class Figure:
    """A figure at the top, and what it means."""

    title: str
    value: Shown | str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A breakdown with its total; ``rows`` is None where none may be shown."""

    key: str
    title: str
    heading: str
    rows: tuple[tuple[str, Shown], ...] | None
    total: Shown

    @property
    def is_hiding(self) -> bool:
        """Return whether any of its rows is hidden."""
        return self.rows is None or any(isinstance(count, Hidden) for _, count in self.rows)

    def share(self, *labels: str) -> str | Hidden:
        """Return how much of the total the rows of these labels are; hidden where any row is."""
        if self.total == 0:
            return NOTHING
        if self.is_hiding:
            return Hidden.WITH_FEW
        counts = {label: count for label, count in self.rows or () if isinstance(count, int)}
        return _percent(sum(counts.get(label, 0) for label in labels), sum(counts.values()))


@dataclass(frozen=True)
class Overview:
    """All of a period; of ``without`` past days nothing is kept."""

    period: Period
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    without: int

    @property
    def hidden(self) -> int:
        """Return how many numbers are not shown; a table that is not shown at all counts as one."""
        values: list[Shown | str] = [figure.value for figure in self.figures]
        for table in self.tables:
            values += [table.total, *(count for _, count in table.rows or ())]
            values += [Hidden.WITH_FEW] if table.rows is None else []
        return sum(isinstance(value, Hidden) for value in values)


def overview(statistics: Statistics, live: LiveKnowledge, period: Period) -> Overview:
    """Return the figures of a period, which may not be over."""
    counted, booked = statistics.counts(period.first, period.last), statistics.bookings(period.first, period.last)
    cells, services = counted.cells, live.library.services

    def about(cell: Cell) -> str:
        service = services.get(cell.topic)
        return service.name if service else FAMILY_NAMES.get(cell.topic.removeprefix(FAMILY), cell.topic)

    notes = tuple({cell.measure for cell in cells if cell.measure.startswith(NOTE)})
    waits = _tally(cells, WAITS, lambda cell: WAIT_NAMES[cell.measure])
    tables = (
        *_asked_and_unmet(cells, about, time_labels(period, counted.days)),
        table("desk-waits", "转到人工的，等了多久", "等了", waits, WAIT_NAMES.values()),
        table("desk-notes", "话务员记下的结果", "结果", _tally(cells, notes, _disposition)),
        _booked("booked-state", "预约的结果", booked, lambda state, kind: STATE_NAMES.get(state, state), STATE_NAMES),
        _booked("booked-kind", "预约的是什么", booked, lambda state, kind: KIND_NAMES.get(kind, kind), KIND_NAMES),
    )
    return Overview(period, _figures(cells, booked, {each.key: each for each in tables}), tables, len(counted.without))


def _asked_and_unmet(cells: Counter[Cell], about: Callable[[Cell], str], days: dict[date, str]) -> tuple[Table, ...]:
    """Return the tables of what was asked and of what part of it was not met; neither tells about the other."""

    def by(key: str, title: str, heading: str, label: Callable[[Cell], str], order: Collection[str] = ()) -> Table:
        asked, unmet = _tally(cells, (ASKED,), label), _tally(cells, (UNMET,), label)
        if key.startswith("asked"):
            return table(key, title, heading, asked, order, least=unmet)
        return table(key, title, heading, unmet, order, most=asked)

    def when(cell: Cell) -> str:
        return days[cell.day]

    times = dict.fromkeys(days.values())
    bands = sorted({cell.age_band for cell in cells if cell.age_band and cell.measure == ASKED})
    ages = [*(age(band) for band in bands), UNKNOWN]
    return (
        by("asked-time", "提问，按时间", "时间", when, times),
        by("asked-topic", "问的是什么", "服务或事情", about),
        by("asked-channel", "从哪里问的", "渠道", _channel),
        by("asked-district", "问的是哪个区", "区", _district),
        by("asked-age", "问的是多大年纪的老人", "年纪", lambda cell: age(cell.age_band), ages),
        by("unmet-topic", "没有答上的，最接近的是什么", "服务或事情", about),
        by("unmet-time", "没有答上的，按时间", "时间", when, times),
        by("unmet-district", "没有答上的，问的是哪个区", "区", _district),
    )


def table(
    key: str,
    title: str,
    heading: str,
    counts: Counter[str],
    order: Collection[str] = (),
    least: Counter[str] | None = None,
    most: Counter[str] | None = None,
) -> Table:
    """Return a breakdown as it may be shown; ``least`` and ``most`` as for ``protect``.

    In the ``order`` given, where those not counted are shown as 0; without one the largest
    first and the hidden ones by name, since their place would tell about them.
    """
    labels = list(dict.fromkeys([*order, *sorted(counts)]))
    bounds = [[other[label] for label in labels] if other is not None else [] for other in (least, most)]
    safe = protect([counts[label] for label in labels], *bounds)
    if safe.cells is None:
        return Table(key, title, heading, None, safe.total)
    rows = list(zip(labels, safe.cells, strict=True))
    if not order:
        rows.sort(key=lambda row: -row[1] if isinstance(row[1], int) else 1)
    return Table(key, title, heading, tuple(rows), safe.total)


def time_labels(period: Period, days: Sequence[date]) -> dict[date, str]:
    """Return of each day the label of its row: the day, its week, or its month."""
    length = (period.last - period.first).days + 1
    if length <= _DAILY:
        return {day: days_in_words(day, day) for day in days}
    if length > _WEEKLY:
        return {day: f"{day.year}年{day.month}月" for day in days}
    labels = {}
    for day in days:
        monday = day - day.weekday() * _DAY
        labels[day] = days_in_words(max(monday, period.first), min(monday + 6 * _DAY, period.last))
    return labels


def _figures(cells: Counter[Cell], booked: Booked, tables: dict[str, Table]) -> tuple[Figure, ...]:
    totals: Counter[str] = Counter()
    for cell, count in cells.items():
        totals[cell.measure] += count
    asked, unmet = shown(totals[ASKED]), shown(totals[UNMET])
    waits, states = tables["desk-waits"], tables["booked-state"]
    came, missed = (_row(states, STATE_NAMES[state]) for state in ("attended", "missed"))
    # Seats taken are who came, who did not and who was not noted: with one of these hidden they would tell it.
    seats = Hidden.WITH_FEW if states.is_hiding else shown(booked.taken)
    used = f"{seats} / {booked.seats}（{_of(seats, booked.seats)}）" if isinstance(seats, int) else seats
    no_shows = _of(missed, came + missed) if isinstance(came, int) and isinstance(missed, int) else Hidden.WITH_FEW
    return (
        Figure("提问", asked, "一条消息算一次。不认人，所以没有人数。"),
        Figure("没有答上的", unmet, "清单里没有、没听懂、不归我们管，或者猜了几次不对的。"),
        Figure("没有答上的占", _of(unmet, asked), "占提问。"),
        Figure("要找人工", shown(totals[HUMAN]), "自己要找的，和几次没答上转过去的。"),
        Figure("急救和危险", shown(totals[EMERGENCY]), "进了排队的急事。"),
        Figure("转到人工的", waits.total, "进了排队的，急事也算。"),
        Figure("10分钟内接起的占", waits.share(WAIT_NAMES[UNDER_2], WAIT_NAMES[UNDER_10]), "占转到人工的。"),
        Figure("预约", states.total, "日子在这段时间里的；取消的、候补的也算。"),
        Figure("没来的占", no_shows, "占登记了来没来的。"),
        Figure("培训用了座位", used if booked.seats else NOTHING, "已经上过的课；面谈没有座位数。"),
        Figure("另有招呼、填单等", shown(totals[TALK]), "不算提问。"),
        Figure("系统出错没能好好答", shown(totals[BROKEN]), "不算提问。"),
    )


def _booked(key: str, title: str, booked: Booked, label: Callable[[str, str], str], order: dict[str, str]) -> Table:
    counts: Counter[str] = Counter()
    for (kind, state), count in booked.cells.items():
        counts[label(state, kind)] += count
    return table(key, title, "预约", counts, order.values())


def _tally(cells: Counter[Cell], measures: Sequence[str], label: Callable[[Cell], str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for cell, count in cells.items():
        if cell.measure in measures:
            counts[label(cell)] += count
    return counts


def _row(found: Table, label: str) -> Shown:
    return dict(found.rows or ()).get(label, Hidden.WITH_FEW)


def _of(part: Shown, whole: Shown) -> str | Hidden:
    """Return the share of two counts that are shown themselves."""
    if isinstance(part, Hidden) or isinstance(whole, Hidden):
        return Hidden.WITH_FEW
    return _percent(part, whole) if whole else NOTHING


def _percent(part: int, whole: int) -> str:
    return f"{round(100 * part / whole)}%"


def _channel(cell: Cell) -> str:
    return CHANNELS.get(cell.channel, cell.channel)


def _district(cell: Cell) -> str:
    return cell.district or UNKNOWN


def _disposition(cell: Cell) -> str:
    code = cell.measure.removeprefix(NOTE)
    return DISPOSITIONS.get(code, code)

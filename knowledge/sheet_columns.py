"""The columns of the service list's spreadsheet, and how a cell becomes a field and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from knowledge.conditions_text import condition_data, condition_text
from knowledge.schema import Category, Condition, Confidence, FactKind, Kind

CATEGORIES = {
    Category.OVERVIEW: "总览",
    Category.ALLOWANCE: "津贴",
    Category.SOCIAL_AID: "社会救助",
    Category.HOME_CARE: "居家照护",
    Category.ASSESSMENT: "评估与长护险",
    Category.COMMUNITY: "社区服务",
    Category.INSTITUTION: "养老机构",
    Category.DEMENTIA: "认知障碍",
    Category.CARER: "照顾者支持",
    Category.ADVISOR: "养老顾问",
    Category.MUTUAL_HELP: "互助志愿",
    Category.VISITING: "探访关爱",
    Category.PREFERENTIAL: "优待",
    Category.HEALTH: "健康",
    Category.LEARNING: "学习",
    Category.RIGHTS: "权益与监护",
    Category.SAFETY: "防骗",
    Category.REFERRAL: "转介",
}
FACT_KINDS = {
    FactKind.PAYS: "给钱",
    FactKind.COSTS: "收费",
    FactKind.SHARE: "比例",
    FactKind.HELP: "服务量",
    FactKind.TIME: "期限",
    FactKind.COUNT: "统计",
}
_YES_NO: dict[Any, str] = {True: "是", False: "否"}


@dataclass(frozen=True)
class Column:
    """One column: its heading, the field (a path with dots), the two ways, the choices, a comment."""

    heading: str
    field: str
    write: Callable[[Any], Any] = str
    read: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()
    comment: str = ""
    width: int = 16


def _choice(heading: str, name: str, words: dict[Any, str], comment: str = "") -> Column:
    back = {shown: value for value, shown in words.items()}
    return Column(heading, name, lambda value: words[value], lambda text: _one_of(text, back), tuple(back), comment, 12)


def _one_of(text: str, words: dict[str, Any]) -> Any:
    if text not in words:
        raise ValueError(f"«{text}» is none of {'、'.join(words)}")
    return words[text]


def _lines(heading: str, name: str, comment: str, width: int = 36) -> Column:
    return Column(heading, name, "\n".join, _split_lines, comment=f"{comment}一行写一个（Alt+回车换行）。", width=width)


def _split_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _names(heading: str, name: str, comment: str) -> Column:
    return Column(
        heading,
        name,
        "、".join,
        lambda text: [part.strip() for part in text.split("、") if part.strip()],
        comment=comment,
    )


def _number(heading: str, name: str, comment: str = "") -> Column:
    return Column(heading, name, _plain_number, _read_number, comment=comment, width=9)


def _plain_number(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _read_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"«{text}» is not a number") from None


def _whole(text: str) -> int:
    number = _read_number(text)
    if not number.is_integer():
        raise ValueError(f"«{text}» is not a whole number")
    return int(number)


def _day(heading: str, name: str, comment: str) -> Column:
    return Column(heading, name, date.isoformat, _read_day, comment=f"{comment}写成 2027-01-31。", width=12)


def _read_day(text: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise ValueError(f"«{text}» is not a date like 2027-01-31") from None


def _condition(heading: str, name: str, comment: str) -> Column:
    def write(value: Condition) -> str:
        return condition_text(value)

    return Column(heading, name, write, condition_data, comment=comment, width=30)


ID = Column("编号", "id", comment="英文小写字母和下划线，一项一个，不能重复。改名不改编号。", width=24)
SERVICES = (
    ID,
    Column("名称", "name", comment="老人看到的名字。", width=22),
    _names("别名", "aliases", "大家平时的叫法，用顿号隔开。写在这里的都能搜到。"),
    _choice(
        "类型", "kind", {Kind.SERVICE: "服务", Kind.REFERRAL: "转介"}, "转介：别的部门管的事，编号要以 ref_ 开头。"
    ),
    _choice("类别", "category", CATEGORIES),
    _choice("范围", "region", {"shanghai": "上海", "national": "全国"}),
    Column("一句话", "summary", comment="4到40个字，说清是什么。", width=30),
    Column("谁能享受", "who", comment="一句不超过25个字。", width=30),
    _condition(
        "条件",
        "eligibility",
        "电脑判断用，例如：年龄≥65；户口=上海。另起一行“或者：…”写可以满足其中一条的，“另需：…”写要现场认定的。",
    ),
    _condition("只适合", "suits", "只对这些人有用的，才写。查待遇时不给别人看。"),
    Column("内容", "content", comment="一句不超过25个字。", width=40),
    Column("标准", "standard.text", comment="多少钱、几次、几小时，一句话。没有查到就空着，不要猜。", width=30),
    _choice("是个人数字", "standard.personal", _YES_NO, "“数字”页里写的是一个人能拿、要付、能用的，选“是”。"),
    Column(
        "发放月",
        "standard.payday.months",
        lambda months: "、".join(map(str, months)),
        lambda text: [_whole(part) for part in text.split("、")],
        comment="发钱的月份，例如：1、4、7、10。",
        width=10,
    ),
    Column("发放日", "standard.payday.day", _plain_number, _whole, comment="几号发。", width=8),
    Column("时间", "timing", comment="什么时候发、什么时候开、要等多久。", width=24),
    Column("提醒", "caution", comment="用之前一定要知道的。", width=30),
    Column("牵头单位", "lead"),
    Column("经费", "funding"),
    _lines("步骤", "apply.steps", "怎么办，最多5步。"),
    _lines("材料", "apply.documents", "要带的东西，最多8样。没有查到就空着。", 20),
    Column("办理地点", "apply.where", width=24),
    Column("网上办理", "apply.online", width=24),
    Column("办理期限", "apply.time_limit", width=16),
    Column(
        "待遇先后", "benefit", _plain_number, _whole, comment="查待遇时排第几，1最先，最大9。不是待遇就空着。", width=8
    ),
    _lines("问法", "questions", "老人会怎么问，至少8个，各写各的口气。", 40),
    _names("相关", "related", "相关服务的编号，用顿号隔开。"),
    _day("复核日期", "review_by", "到这一天要重新核对。"),
    _day("有效到", "valid_to", "过了这一天，金额不再给人看。"),
)
FACTS = (
    ID,
    _choice("种类", "kind", FACT_KINDS),
    Column("说明", "label", comment="给谁、是什么，例如：70到79岁。", width=30),
    _number("数值", "value"),
    _number("最小", "min_value"),
    _number("最大", "max_value"),
    Column("单位", "unit", comment="元、小时、次、% ……", width=8),
    Column("每", "per", comment="月、周、次 …… 一次性的空着。", width=8),
    _condition("条件", "condition", "这个数字对谁成立，例如：年龄≥70；年龄≤79。"),
    _choice("现行", "current", _YES_NO, "以前的数字选“否”，并写年份。"),
    Column("年份", "as_of", comment="2025、2025-06 或 2025-06-30。", width=12),
)
CONTACTS = (ID, Column("名称", "name", width=24), Column("号码", "phone", comment="一部电话能拨的号码。"))
SOURCES = (
    ID,
    Column("标题", "title", width=50),
    Column("网址", "url", width=40),
    _choice("能给人看", "link_safe", _YES_NO, "只有政府和可靠网站选“是”。"),
    Column("日期", "as_of", comment="2025、2025-06 或 2025-06-30。", width=12),
    _choice("可信度", "confidence", {Confidence.HIGH: "高", Confidence.MEDIUM: "中"}),
)

TOPICS = (
    ID,
    _names("词语", "words", "问题里有其中一个，就用这一条回答；要同时有的用 & 连起来，例如：卡&丢。"),
    Column("回答", "text", comment="一句不超过25个字，最要紧的写在第一句。", width=60),
    Column("依据", "source", comment="和这项服务的来源不一样的，才写。", width=30),
)


@dataclass(frozen=True)
class Sheet:
    """One sheet of the workbook; ``field`` is where its rows belong, empty for the services themselves."""

    title: str
    columns: tuple[Column, ...]
    field: str = ""

    def column(self, heading: str) -> Column | None:
        """Return the column of ``heading``."""
        return next((column for column in self.columns if column.heading == heading), None)


SHEETS = (
    Sheet("服务清单", SERVICES),
    Sheet("数字", FACTS, "standard.facts"),
    Sheet("常问", TOPICS, "topics"),
    Sheet("电话", CONTACTS, "contact"),
    Sheet("来源", SOURCES, "sources"),
)
GUIDE = "填写说明"

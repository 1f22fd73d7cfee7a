"""What the statistics call things, as staff read it."""

from __future__ import annotations

from datetime import date

from storage.statistics import WAITS

UNKNOWN = "没有说"
CHANNELS = {"web": "网页", "telegram": "Telegram", "signed": "其他消息渠道", "": "电话或没有渠道"}
FAMILY_NAMES = {
    "": "没认出来",
    "aspect": "没有说清是哪项服务",
    "finder": "自己能享受什么",
    "booking": "预约",
    "steps": "填单时的回答",
    "talk": "招呼和闲谈",
    "human": "找人工、提意见",
    "wellbeing": "心情不好",
    "emergency": "急救和危险",
    "abuse": "被打骂、被虐待",
    "scam": "怕上当、受骗",
    "medical": "看病用药",
    "others_data": "别人的事、个人信息",
    "outside": "不归养老服务管的事",
    "places": "附近的地方",
}
WAIT_NAMES = dict(zip(WAITS, ("不到2分钟", "2到10分钟", "10分钟或更久", "没有接起，或还在等"), strict=True))
KIND_NAMES = {"training": "照护培训", "consultation": "顾问面谈"}
STATE_NAMES = {
    "attended": "来了",
    "missed": "没来",
    "past": "日子过了，没登记来没来",
    "booked": "还没到日子",
    "cancelled": "取消了",
    "waiting": "在候补",
    "offered": "有了空位，等答复",
    "expired": "有了空位，没等到答复",
}
_WEEKDAYS = "一二三四五六日"


def age(band: str) -> str:
    """Return an age band in words."""
    if not band:
        return UNKNOWN
    if band.startswith("-"):
        return f"{band[1:]}岁或更小"
    return f"{band[:-1]}岁或更大" if band.endswith("+") else f"{band}岁"


def day_in_words(day: date) -> str:
    """Return a day with its year."""
    return f"{day.year}年{day.month}月{day.day}日"


def days_in_words(first: date, last: date) -> str:
    """Return some days of one year, or one day with its weekday."""
    start = f"{first.month}月{first.day}日"
    return f"{start} 周{_WEEKDAYS[first.weekday()]}" if first == last else f"{start}到{last.month}月{last.day}日"

"""What the editor reads beside the fields: hints where the spreadsheet has none or another, and problems in Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# How the fields of the service itself are grouped on the form.
GROUPS = (
    ("是什么", ("id", "name", "aliases", "kind", "category", "region", "summary", "content")),
    ("谁能享受", ("who", "eligibility", "suits", "benefit")),
    (
        "多少钱、什么时候",
        ("standard.text", "standard.personal", "standard.payday.months", "standard.payday.day", "timing", "caution"),
    ),
    ("怎么办", ("apply.steps", "apply.documents", "apply.where", "apply.online", "apply.time_limit")),
    ("老人怎么问", ("questions", "related")),
    ("出处和期限", ("lead", "funding", "review_by", "valid_to")),
)
HINTS = {
    "aliases": "大家平时的叫法，一行写一个。写在这里的都能搜到。",
    "category": "在清单的哪一类下面。",
    "region": "只有上海有，还是全国都有。",
    "standard.personal": "下面“数字”表里写的是一个人能拿、要付、能用的，选“是”。",
    "lead": "管这件事的单位，例如：上海市民政局。",
    "funding": "钱从哪里来，例如：财政资金。",
    "apply.where": "老人该去的地方，例如：街镇社区事务受理服务中心。",
    "apply.online": "网上在哪里办，例如：“一网通办”网站。不会上网的也要有地方去，所以办理地点也要写。",
    "apply.time_limit": "交上去以后多久有结果，例如：20个工作日内答复。",
    "related": "相关服务的编号，一行写一个。",
    "review_by": "到这一天要重新核对。写成 2027-01-31。",
    "valid_to": "过了这一天，金额不再给人看。写成 2027-01-31，没有期限就空着。",
    "condition": "这个数字对谁成立，例如：年龄≥70；年龄≤79。对谁都一样就空着。",
}
TABLE_HINTS = {
    "standard.facts": "一行一个数字，例如：给钱，70到79岁，150，元，每月，条件写 年龄≥70；年龄≤79。"
    "只有一个数写“数值”；有高有低写“最小”和“最大”。没有查到就不写，不要猜。",
    "topics": "常有人问、要单独回答的事。词语用顿号隔开，例如：卡丢、卡&掉了。问题里有其中一个就用这一条；& 连起来的要同时有。",
    "contact": "第一行是最先给老人看的。号码只写数字和短横，例如：12345、021-12345678。至少一个，最多三个。",
    "sources": "第一行给老人看。网址只有政府和可靠网站才选“能给人看”。亲自看过原文的，可信度选“高”。日期写成 2025、2025-06 或 2025-06-30。",
}
_TYPES = {
    "missing": "这一栏要写。",
    "string_too_short": "太短了，至少{min_length}个字。",
    "string_too_long": "太长了，最多{max_length}个字。",
    "too_short": "至少要有{min_length}个。",
    "too_long": "最多{max_length}个，留最要紧的。",
    "greater_than_equal": "不能小于{ge}。",
    "less_than_equal": "不能大于{le}。",
}
_PATTERNS = {
    "id": "编号用小写字母开头，只有小写字母、数字和下划线，3到40个，例如 meal_help。",
    "related": "编号写得不对，请照清单里的编号写。",
    "phone": "号码只写数字和短横，例如 021-12345678。",
    "as_of": "日期写成 2025、2025-06 或 2025-06-30。",
}
_SENTENCES = (
    (r"«(.*)» stands here twice", r"“\1”写了两次，删掉一个。"),
    (r"min_age is above max_age", "最小年龄比最大年龄还大。"),
    (r"min_care_level is above max_care_level", "最低照护等级比最高的还高。"),
    (r"a fact needs value.*", "数值、最小、最大，至少写一个。"),
    (r"a past figure.*", "以前的数字（现行选了“否”）要写年份。"),
    (r"a referral's id.*", "类型是“转介”的，编号要以 ref_ 开头；别的都不能这样开头。"),
    (r"«(.*)» is none of (.*)", r"“\1”不能选，只能选：\2。"),
    (r"«(.*)» is not a number", r"“\1”不是数字，只写数字。"),
    (r"«(.*)» is not a whole number", r"“\1”要写成整数。"),
    (r"«(.*)» is not a date.*", r"“\1”不是日期，写成 2027-01-31。"),
    (r"cannot read «(.*)»; write it like (.*)", r"“\1”看不懂，照这样写：\2。"),
    (r"no service has the id (\S+)", r"没有编号是 \1 的服务，改对编号或者去掉。"),
    (r"«(.*)» also belongs to (\S+)", r"“\1”在 \2 里也有，只能留在一处。"),
    (r"a sentence of (\d+) characters \(at most (\d+)\)", r"一句有\1个字，最多\2个，拆成两句"),
    (r"a lead of (\d+) characters \(at most (\d+)\)", r"开头有\1个字，最多\2个，写短些"),
    (r"an answer of (\d+) characters \(at most (\d+)\)", r"整个回答有\1个字，最多\2个，写短些"),
    (r"a term without its explanation", "有专门的词没有解释，换成平常的话"),
)


def in_chinese(message: str) -> str:
    """Return a message of the checks as staff read it; one that nobody has put into Chinese stays as it is."""
    for pattern, sentence in _SENTENCES:
        if found := re.fullmatch(pattern, message.removeprefix("Value error, "), re.DOTALL):
            return found.expand(sentence)
    return f"写得不对：{message}"


def refusal(item: Mapping[str, Any]) -> str:
    """Return one of pydantic's errors as staff read it."""
    if item["type"] == "string_pattern_mismatch":
        named = [part for part in item["loc"] if part in _PATTERNS]
        return _PATTERNS[named[-1]] if named else in_chinese(item["msg"])
    if item["type"] in _TYPES:
        return _TYPES[item["type"]].format(**item.get("ctx", {}))
    return in_chinese(item["msg"])

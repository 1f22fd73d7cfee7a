"""Conditions as staff write them in a cell: 年龄≥65；户口=上海；收入=低保、低收入.

An Eligibility has a line for what all must be, one line 或者：… for each alternative, and
one line 另需：… for each condition that only an office can settle. 不限 is everybody.
"""

from __future__ import annotations

from typing import Any

from knowledge.schema import Condition, Eligibility

_RANGES = {"年龄≥": "min_age", "年龄≤": "max_age", "照护等级≥": "min_care_level", "照护等级≤": "max_care_level"}
_CHOICES: dict[str, tuple[str, dict[str, Any]]] = {
    "户口=": ("hukou", {"上海": "shanghai", "外地": "elsewhere"}),
}
_YES_NO = {
    "常住上海=": "resident",
    "居住证=": "residence_permit",
    "上海医保=": "insured",
    "独居=": "lives_alone",
    "无子女=": "childless",
    "失独=": "lost_only_child",
    "失智=": "dementia",
    "残疾=": "disabled",
    "重度残疾=": "severely_disabled",
    "退役军人=": "veteran",
    "是照顾者=": "is_carer",
    "要人帮忙=": "frail",
    "无监护人=": "no_guardian",
    "能自己做主=": "has_capacity",
}
_INCOME = {
    "低保": "dibao",
    "低保边缘": "dibao_margin",
    "低收入": "low_income",
    "刚性支出困难": "rigid_spending",
    "特困": "tekun",
    "养老金低": "low_pension",
}
_CHOICES |= {word: (field, {"是": True, "否": False}) for word, field in _YES_NO.items()}
_EITHER, _ALSO, _EVERYBODY = "或者：", "另需：", "不限"
WORDS = (*_RANGES, *_CHOICES, "收入=")  # what a condition can name, for the staff's guide


def condition_text(condition: Condition) -> str:
    """Return the condition in a line; an Eligibility may take several."""
    parts = [f"{word}{value}" for word, field in _RANGES.items() if (value := getattr(condition, field)) is not None]
    for word, (field, choices) in _CHOICES.items():
        parts += [f"{word}{shown}" for shown, value in choices.items() if getattr(condition, field) == value]
    if condition.income:
        parts.append("收入=" + "、".join(word for word, group in _INCOME.items() if group in condition.income))
    lines = ["；".join(parts)] if parts else []
    if isinstance(condition, Eligibility):
        lines += [f"{_EITHER}{condition_text(each)}" for each in condition.any_of]
        lines += [f"{_ALSO}{each}" for each in condition.also]
    return "\n".join(lines) or _EVERYBODY


def condition_data(text: str) -> dict[str, Any]:
    """Return the fields that ``text`` gives, for Condition or Eligibility to validate.

    Raises ValueError that names the part which cannot be read.
    """
    data: dict[str, Any] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith(_EITHER):
            data.setdefault("any_of", []).append(_fields(line.removeprefix(_EITHER)))
        elif line.startswith(_ALSO):
            data.setdefault("also", []).append(line.removeprefix(_ALSO))
        else:
            data |= _fields(line)
    return data


def _fields(line: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for part in (part.strip() for part in line.replace(";", "；").split("；")):
        if part in ("", _EVERYBODY):
            continue
        field, value = _field(part.replace(">=", "≥").replace("<=", "≤").replace("＝", "=").replace(" ", ""))
        fields[field] = value
    return fields


def _field(part: str) -> tuple[str, Any]:
    for word, field in _RANGES.items():
        if part.startswith(word) and part.removeprefix(word).isdigit():
            return field, int(part.removeprefix(word))
    for word, (field, choices) in _CHOICES.items():
        if part.startswith(word) and part.removeprefix(word) in choices:
            return field, choices[part.removeprefix(word)]
    if part.startswith("收入="):
        groups = part.removeprefix("收入=").split("、")
        if all(group in _INCOME for group in groups):
            return "income", [_INCOME[group] for group in groups]
    raise ValueError(f"cannot read «{part}»; write it like 年龄≥65；户口=上海；独居=是")

"""What we keep about the sender: told, given as a file, deleted after a read-back.

The record itself is given and deleted by the gateway once the turn is over (bot/path.py): while the
action runs, the dialogue server still has the conversation open and would write it again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from actions.understood import Context, UnderstoodAct
from knowledge.phrases import hotline, points, say
from knowledge.reply import Act, Button, FormBlock, Outcome, Reply, TextBlock
from storage.records import Records, Summary

FORM, SLOT = "privacy", "erase"
_YES, _NO = "yes", "no"
_ERASE = re.compile(
    r"删|刪|抹|清(?:干净|空|掉|除|一清)|销毁|銷毀|注销|擦掉|消掉|忘掉|当我没来过|撤回|撤销|收回|收得回|别留|不要留|不留|别存|弄没|去掉|拿得?掉"
    r"|erase|delete|forget|remove",
    re.IGNORECASE,
)
_EXPORT = re.compile(
    r"导出|導出|下载|下載|拷贝|拷一份|复制|副本|打印|[给發发][我]?一份|要一份|拿一份|寄给我|export|download|copy",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"(?:记|存|留|保存|收集|知道|晓得|掌握)(?:着|了|过|下|住)*(?:我|阿拉|咱|俺)?(?:的|些|点)*(?:什么|啥|哪些|哪点|多少|几条)"
    r"|(?:看|查|列|报|说)(?:一?看|一下|出来|一遍)?.{0,6}(?:我的|记的|存的|留的).{0,6}(?:记录|信息|资料|数据)"
    r"|我的.{0,4}(?:账上|记录|信息|资料|数据).{0,6}(?:有什么|有啥|有哪些|是什么|一样一样)|记住我.{0,6}(?:什么|啥|哪些|哪点)|你们?.{0,6}有我(?:的)?(?:什么|哪些|啥)"
    r"|what.{0,20}(?:keep|store|know)",
    re.IGNORECASE,
)
# Of one's own record, whatever the classifier makes of it; 打印社保记录 is another matter.
_ABOUT_MINE = re.compile(
    r"我的?(?:个人|聊天|对话|谈话|全部|所有)?(?:的)?(?:记录|信息|资料|数据)(?:都|全部|全|统统|能不能|可以|可不可以|怎么)*(?:给我)?(?:删|清|导出|下载|抹|销毁|注销)"
    r"|(?:删|清除|抹掉|导出|下载|销毁|注销|看看)(?:掉|一下|了)?(?:你们(?:记|存|留)的)?我的(?:个人|聊天|对话|谈话|全部|所有)?(?:记录|信息|资料|数据)"
    r"|[把将]?我(?:刚才|刚刚|以前|前面)?(?:说|讲|问|聊)(?:过)?的(?:话|事|内容)?(?:都|全部|全|统统)*(?:删|抹|清|忘掉)"
    r"|你们?(?:这里|这儿|那里)?(?:都)?(?:记|存|留|保存|收集)(?:了|着|过|下)?我(?:什么|些什么|啥|哪些|多少)"
)
_SURELY = re.compile(
    r"^(?:嗯|对|是的?|好的?|行|可以|确定|确认|没错|要)?[，,。 ]*(?:我)?(?:确定|确认|要|都|全|全部|统统|一定)*(?:删|删除|删掉|删吧|删了)?(?:吧|了|的|掉)?[。！!]*$"
)
_BARE = re.compile(r"^[。！!，, ]*$")
_KEEPS = re.compile(
    r"^(?:那|还是|哦|噢|我)*(?:先|暂时)?(?:不要|不用|不想|不|别)(?:再)?(?:删|抹)?(?:了|吧|掉|除)*[。！!]*$|^算了|留着|保留"
)


class Wish(StrEnum):
    """What somebody wants with what is kept about them."""

    KNOW = "know"
    LIST = "list"
    EXPORT = "export"
    ERASE = "erase"


def wish_of(text: str) -> Wish:
    """Return what normal ``text`` about one's data wants; to delete is asked back, so it may be heard too often."""
    for wish, words in ((Wish.EXPORT, _EXPORT), (Wish.ERASE, _ERASE), (Wish.LIST, _LIST)):
        if words.search(text):
            return wish
    return Wish.KNOW


class PrivacyTalk:
    """One message's part in the dialogue about what is kept."""

    def __init__(self, records: Records, now: datetime, days: int) -> None:
        """Take the time, and for how many days conversations are kept."""
        self._records = records
        self._now = now
        self._days = days

    def takes(self, act: UnderstoodAct, context: Context) -> Reply | None:
        """Return the reply where a button of ours was pressed or our question is answered, else None."""
        if act.pressed:
            return self._pressed(act, context) if act.slot == FORM or act.slot == SLOT else None
        text = context.said or act.text
        if not _is_asked(context):
            wanted = act.intent == "privacy" or _ABOUT_MINE.search(text)
            return self._do(wish_of(text), context) if wanted and wish_of(text) is not Wish.KNOW else None
        if act.intent == "deny" or _KEEPS.search(text):
            return _told("privacy_not_erased")
        if _SURELY.match(text) and not _BARE.match(text):
            return self._erased(context)
        return self._do(wish_of(text), context) if _ABOUT_MINE.search(text) else None

    def answers(self, act: UnderstoodAct, context: Context) -> Reply:
        """Return what is told to a message about what is kept."""
        return self._do(wish_of(context.said or act.text), context)

    def _pressed(self, act: UnderstoodAct, context: Context) -> Reply:
        if act.slot == SLOT:
            return self._erased(context) if act.value == _YES else _told("privacy_not_erased")
        return self._do(Wish(act.value or Wish.KNOW), context)

    def _do(self, wish: Wish, context: Context) -> Reply:
        if wish is Wish.EXPORT:
            return _export(context.sender.conversation)
        summary = self._records.summary(context.sender.conversation, self._now, context.sender.request)
        if wish is Wish.ERASE:
            return _asked(summary)
        if wish is Wish.LIST:
            return self._listed(summary)
        text = [*points("privacy_here_points"), say("privacy_list_days", days=self._days)]
        block = TextBlock(
            text=say("privacy"), points=text, contact=[hotline()], buttons=_buttons(Wish.LIST, Wish.ERASE)
        )
        return Reply(blocks=[block], outcome=Outcome.ANSWERED_CONVERSATION)

    def _listed(self, summary: Summary) -> Reply:
        lines = _lines(summary)
        text = say("privacy_list" if lines else "privacy_list_nothing")
        more = [say("privacy_list_masked"), say("privacy_list_days", days=self._days)]
        block = TextBlock(text=text, points=[*lines, *more], buttons=_buttons(Wish.ERASE, Wish.EXPORT))
        return Reply(blocks=[block], outcome=Outcome.ANSWERED_CONVERSATION)

    def _erased(self, context: Context) -> Reply:
        """Say what will be true when the gateway has done it: nothing is said before."""
        summary = self._records.summary(context.sender.conversation, self._now)
        text = say("privacy_erased_but", days=_days(summary.to_come)) if summary.to_come else say("privacy_erased")
        return Reply(blocks=[TextBlock(text=text)], outcome=Outcome.ANSWERED_ERASURE, booking={}, remembered={})


def _is_asked(context: Context) -> bool:
    """Return whether the last thing said was our question, and not so long ago that it may be forgotten."""
    blocks = context.last_reply.blocks if context.last_reply and not context.returns else []
    return any(isinstance(block, FormBlock) and block.form == FORM for block in blocks[-1:])


def _asked(summary: Summary) -> Reply:
    """Return the read-back: what goes, and what stays."""
    what = [
        say("privacy_erase_messages", count=summary.messages) if summary.messages else say("privacy_erase_this"),
        say("privacy_erase_past", count=summary.past) if summary.past else "",
        say("privacy_erase_calls") if summary.calls else "",
        say("privacy_erase_waits") if summary.waits else "",
        say("privacy_erase_staff") if summary.from_staff or summary.notes else "",
    ]
    text = say("privacy_erase_sure", what="、".join(filter(None, what)))
    if summary.to_come:
        text = f"{say('privacy_erase_stays', days=_days(summary.to_come))}{text}"
    buttons = [
        Button(title=say("privacy_erase_yes"), act=Act(intent="privacy", slot=SLOT, value=_YES)),
        Button(title=say("privacy_erase_no"), act=Act(intent="privacy", slot=SLOT, value=_NO)),
    ]
    block = FormBlock(form=FORM, slot=SLOT, text=text, buttons=buttons)
    return Reply(blocks=[block], outcome=Outcome.ASKED_SLOT)


def _lines(summary: Summary) -> list[str]:
    lines = {
        "messages": say("privacy_list_messages", count=summary.messages, since=_day(summary.since)),
        "to_come": say("privacy_list_to_come", count=len(summary.to_come), days=_days(summary.to_come)),
        "past": say("privacy_list_past", count=summary.past),
        "calls": say("privacy_list_calls", count=summary.calls),
        "waits": say("privacy_list_waits"),
        "from_staff": say("privacy_list_staff", count=summary.from_staff),
        "notes": say("privacy_list_notes", count=summary.notes),
    }
    return [line for name, line in lines.items() if getattr(summary, name)]


def _export(conversation: str) -> Reply:
    channel = conversation.partition(":")[0]
    known = channel if channel in ("web", "telegram") else "other"
    block = TextBlock(text=say(f"privacy_export_{known}"), contact=[hotline()] if known == "other" else [])
    return Reply(blocks=[block], outcome=Outcome.ANSWERED_RECORD)


def _buttons(*wishes: Wish) -> list[Button]:
    return [
        Button(title=say(f"privacy_button_{wish}"), act=Act(intent="privacy", slot=FORM, value=wish)) for wish in wishes
    ]


def _told(phrase: str) -> Reply:
    return Reply(blocks=[TextBlock(text=say(phrase))], outcome=Outcome.ANSWERED_CONVERSATION)


def _days(moments: Sequence[datetime]) -> str:
    return "、".join(dict.fromkeys(map(_day, moments)))


def _day(at: datetime | None) -> str:
    return f"{at.month}月{at.day}日" if at else ""

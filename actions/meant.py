"""What an act means: as the classifier says where it is sure enough, else a plain question."""

from __future__ import annotations

import re
from dataclasses import replace

from actions.asking import is_question
from actions.understood import Context, UnderstoodAct
from knowledge.answer import ASPECTS
from knowledge.reply import ChoiceBlock, FormBlock, Outcome, Reply

# What costs most when it is wrong needs most confidence; the rest of what is not a question
# about a service needs some.
_NEEDS = {
    "emergency": 0.0,  # the classifier decides (emergency_from in config.yml)
    "stop": 0.5,
    "cancel_booking": 0.5,
    "restart": 0.5,
    "report_scam": 0.5,
    "check_suspicious": 0.5,
    "others_data": 0.5,
    "wellbeing": 0.4,
    "report_abuse": 0.4,
    "small_talk": 0.4,
    "complain": 0.35,
    "medical_question": 0.35,
    "out_of_scope": 0.3,
    "unclear": 0.0,
}
_CHAT_FROM = 0.2


_DOUBTS = re.compile(r"是不是骗|是骗|真的假的|真的吗|靠谱|可靠|可信|能信|能相信|骗人的吗|骗子吗|骗子伐")
_HAS_PAID = re.compile(r"(?:交|付|买|转|汇|投|签|打|给)(?:了|过|掉)|被骗|不给退|退不|要不回|讨回")


_INVESTS = re.compile(r"股票|炒股|股市|基金(?!会)|期货|比特币|黄金|彩票|双色球|外汇")
_IS_TALKED_INTO = re.compile(r"老师|群|叫我|让我|喊我|推荐给|讲座|养老|保证|内幕|带我|客服|老人|爸|妈|骗")


# Who asks for a person gets one, whatever the classifier makes of it. 找个人陪我说说话 is a visit, 你是真人吗 a question.
_PERSON = r"(?:真人|人工(?!智能|耳蜗|关节|晶体|肛门|造口|膝|髋)|工作人员|接线员|负责人|管事的?)"
_WANTS_PERSON = re.compile(
    rf"(?:找|叫|换|转|接|寻|请|喊)(?:我|你们|一?个|一?位|一下|到|接|的|给)*{_PERSON}|(?:找|叫|换|转|接|要|寻).{{0,6}}真人|"
    r"(?:找|叫|换|寻|派|请)一?[个位]?(?:人|(?:养老)?顾问)(?:来|过来)?(?:和|跟|同|给|听)我?(?:说|讲|谈|听)(?!说话|话)|"
    r"我要找人[。！]?$"
)
_NOT_FOR_US = re.compile(
    r"(?:不用|不要|别|不想|勿要|不必).{0,4}(?:转|找|叫|换)|接到|是真人|为真人|按.{0,6}转人工|人工口|陪|聊天|解闷|说说话|谈心|学|培训|上门|钟点|保姆|护工"
)


# A booking's code or a telephone number is a thing told: what the classifier makes of bare digits is chance. 120 is not one.
_ONLY_A_NUMBER = re.compile(
    r"(?=.*(?:\d{3}[ -]?\d{3}|〔))(?:[\d\s，。、,;；:：-]|〔[^〕]*〕|号码|电话|手机|编号|是|和)*$"
)
_GRAVER = {"emergency", "report_abuse", "report_scam", "check_suspicious"}  # answered as what they are


# 约顾问，明天凌晨三点 is an order, however odd its time.
_BOOKS_ADVISOR = re.compile(r"(?:我|想|要|请|帮我)*(?:预约|约)[^，。]{0,6}顾问")


# How much likelier than by its words alone an intent is, by what was said last (chosen, and looked at on dev). The model
# sees one message; 当中那个 is a choice where something was asked, and nothing at all where nothing was said yet.
_ANSWERS = {"inform", "correct", "choose", "skip", "affirm", "deny"}
_OF_WHAT_WAS_SAID = {"repeat", "simplify", "read_aloud"}
_LIKELIER = {
    "asked": dict.fromkeys(_ANSWERS | {"stop"}, 3.0) | dict.fromkeys(_OF_WHAT_WAS_SAID, 2.0),
    "told": dict.fromkeys(_ANSWERS, 2.0) | dict.fromkeys(_OF_WHAT_WAS_SAID, 3.0),
    "nothing": dict.fromkeys(_ANSWERS | _OF_WHAT_WAS_SAID, 0.5),
}


def in_turn(act: UnderstoodAct, context: Context) -> UnderstoodAct:
    """Return the act with the intent that is likeliest after what was said last."""
    if act.pressed or not act.ranking or act.intent == "emergency":
        return act
    last = _last(context)
    likelier = {} if last != "nothing" and is_question(act.text) else _LIKELIER[last]
    shares = {name: share * likelier.get(name, 1.0) for name, share in act.ranking}
    best = max(shares, key=lambda name: shares[name])
    return replace(act, intent=best, confidence=shares[best] / max(1.0, sum(shares.values())))


def _last(context: Context) -> str:
    if context.last_reply is None:
        return "nothing"
    asks = any(isinstance(block, ChoiceBlock | FormBlock) for block in context.last_reply.blocks)
    return "asked" if asks or context.booking else "told"


def wants_person(text: str) -> bool:
    """Return whether normal ``text`` plainly asks to be put through to a person."""
    return bool(_WANTS_PERSON.search(text)) and not _NOT_FOR_US.search(text)


def asks_for_a_tip(text: str) -> bool:
    """Return whether normal ``text`` asks us what to buy, with nobody talking the person into it."""
    return bool(_INVESTS.search(text)) and not _IS_TALKED_INTO.search(text)


def sure_enough(act: UnderstoodAct) -> UnderstoodAct:
    """Return the act, as a plain question where it is too unsure for what it would do."""
    needed = _NEEDS.get(act.intent, _CHAT_FROM)
    graver = act.intent in _GRAVER and act.confidence >= needed
    if not act.pressed and _ONLY_A_NUMBER.match(act.text):
        return replace(act, intent="inform", confidence=1.0)
    if not act.pressed and not graver and wants_person(act.text):
        return replace(act, intent="request_human", confidence=1.0)
    if act.intent == "out_of_scope" and not act.pressed and _BOOKS_ADVISOR.match(act.text):
        return replace(act, intent="book_consultation", confidence=1.0)
    if act.intent == "check_suspicious" and asks_for_a_tip(act.text):
        return replace(act, intent="out_of_scope")
    if act.intent == "report_scam" and _DOUBTS.search(act.text) and not _HAS_PAID.search(act.text):
        return replace(act, intent="check_suspicious")
    if act.pressed or act.intent in ASPECTS or act.confidence >= needed:
        return act
    return replace(act, intent="ask_service")


def decided(act: UnderstoodAct, reply: Reply) -> str:
    """Return the intent that ``reply`` answers: the search may know better than the model what is ours."""
    if reply.outcome is Outcome.UNANSWERED_OUT_OF_SCOPE:
        return "out_of_scope"
    return "ask_service" if act.intent == "out_of_scope" and reply.service_ids() else act.intent


def what_was_meant(act: UnderstoodAct) -> UnderstoodAct:
    """Return a correction as the question it puts right: 不对，我问的是护工不是养老院."""
    if act.intent != "correct":
        return act
    text = act.text
    for opening in ("我问的是", "我说的是", "我要问的是", "我是问", "我想问", "我要的是"):
        if opening in text:
            meant = text.split(opening, 1)[1].split("不是")[0].strip("，。！ ")
            return replace(act, intent="ask_service", text=meant, vector=None)
    return replace(act, intent="ask_eligibility")

"""Promise 8: who asks for a person gets one. The rest of it is in tests/desk/test_handoff.py."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest

from bot.client import AdvisorClient, Where
from bot.settings import GatewaySettings
from knowledge.reply import Outcome, Reply
from storage.clock import now
from storage.crypto import Cipher
from storage.database import Database
from storage.tickets import Tickets

pytestmark = pytest.mark.processes

WAYS = [
    "转人工",
    "人工",
    "人工服务",
    "我要人工",
    "找人工",
    "帮我转人工客服",
    "客服在吗，要真人",
    "有没有真人",
    "我要和人说话",
    "我要跟真人讲",
    "我不要和机器讲，叫个人来",
    "你是机器人，我要找人",
    "机器听不懂，换个人",
    "叫你们的人来听",
    "能不能找个工作人员",
    "我想找工作人员问问",
    "请工作人员接一下",
    "接线员呢",
    "我要找接线员",
    "找个顾问和我说",
    "叫养老顾问来和我讲",
    "帮我接顾问，真人那种",
    "说不清楚，你叫个人来",
    "我年纪大了，弄不来，找个人帮我",
    "眼睛看不清，叫个人跟我说",
    "讲不明白，我要人听我讲",
    "侬叫个人来跟我讲",
    "阿拉要寻个真人讲",
    "寻人工",
    "勿要机器，要人",
    "能打电话给我吗，我要跟人说",
    "找你们负责人",
    "我要找管事的人说",
    "转接人工坐席",
    "有人吗？我要人工",
    "不跟你说了，给我转人工",
    "请帮我转接真人客服，谢谢",
    "我要真人服务",
    "人工客服",
    "真人客服在哪里",
]
STEPS = {
    "book_training": ["我想报名照护培训", "徐汇区", "1"],
    "book_consultation": ["我想约养老顾问", "下周三上午"],
    "find_benefits": ["我能享受什么待遇", "83岁", "上海户口"],
    "a choice": ["补贴"],
}
AFTER = ("handed_off_requested", "handed_off_misses")


def test_forty_ways_to_ask() -> None:
    assert len(set(WAYS)) == 40


@pytest.fixture
def tickets(whole: tuple[Where, int, Path]) -> Tickets:
    settings = GatewaySettings(var=whole[2])
    return Tickets(Database(settings.database, Cipher(settings.encryption_key())), now)


def said(where: Where, conversation: str, texts: list[str]) -> list[Reply]:
    async def talk() -> list[Reply]:
        client = AdvisorClient(where)
        try:
            return [await client.send(conversation, text) for text in texts]
        finally:
            await client.close()

    return asyncio.run(talk())


def test_each_of_forty_ways_opens_a_ticket(whole: tuple[Where, int, Path], tickets: Tickets) -> None:
    lost = []
    for text in WAYS:
        conversation = f"web:{uuid.uuid4().hex}"
        (reply,) = said(whole[0], conversation, [text])
        # Some tell of danger too: that is answered first, and staff see it first.
        heard = reply.outcome in AFTER or reply.outcome is Outcome.GUARDED_EMERGENCY
        if not heard or tickets.active(conversation) is None:
            lost.append(f"{text}: {reply.outcome}")
    assert not lost, "\n".join(lost)


@pytest.mark.parametrize("form", STEPS)
def test_at_every_step_of_a_form_the_wish_for_a_person_is_heard(
    whole: tuple[Where, int, Path], tickets: Tickets, form: str
) -> None:
    for steps in range(1, len(STEPS[form]) + 1):
        conversation = f"web:{uuid.uuid4().hex}"
        *_, reply = said(whole[0], conversation, [*STEPS[form][:steps], "转人工"])
        assert reply.outcome == Outcome.HANDED_OFF_REQUESTED, (form, steps)
        assert tickets.active(conversation) is not None


def test_while_a_clerk_has_somebody_only_danger_is_answered(whole: tuple[Where, int, Path], tickets: Tickets) -> None:
    conversation = f"web:{uuid.uuid4().hex}"
    said(whole[0], conversation, ["我想报名照护培训", "转人工"])
    ticket = tickets.active(conversation)
    assert ticket is not None
    assert tickets.claim(ticket.id, "test")
    plain, danger, after = said(whole[0], conversation, ["长护险怎么申请", "我妈摔倒了，起不来", "多少钱"])
    assert (plain.outcome, plain.blocks) == (Outcome.HANDED_OFF_HELD, [])
    assert danger.outcome is Outcome.GUARDED_EMERGENCY
    assert after.outcome is Outcome.HANDED_OFF_HELD
    assert tickets.close(ticket.id, "test", "answered")
    (again,) = said(whole[0], conversation, ["长护险怎么申请"])
    assert "ltci" in "".join(again.service_ids())

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.emergency import EmergencyMatcher

MATCHER = EmergencyMatcher()

DANGERS = {
    "self_harm": [
        "我不想活了",
        "活够了，没意思",
        "想从楼上跳下去，要跳楼",
        "死了算了，省得拖累小辈",
        "想带着老伴一起走",
    ],
    "fire": ["厨房着火了", "隔壁冒好大的烟", "电瓶车烧起来了"],
    "gas": ["家里一股煤气味", "燃气灶好像漏气", "天然气忘记关了 头晕"],
    "unconscious": ["老太太叫不醒", "外公突然昏倒", "妈妈没反应了", "没呼吸了怎么办", "他在地上抽搐口吐白沫"],
    "breathing": ["爸爸喘不上气来", "突然呼吸困难嘴唇发紫"],
    "chest": ["胸口痛得厉害", "老头子心口疼出冷汗", "心脏难受胸口压得慌出汗", "心脏病发作"],
    "stroke": ["爷爷嘴巴歪了", "妈妈突然说话说不清", "右边手脚突然没力气", "半边身子麻了抬不起来"],
    "bleeding": ["流了好多血止不住", "头破血流"],
    "fall": ["老娘摔了一跤起不来", "从床上摔下来了头上肿个大包", "刚刚在浴室滑倒了", "被电瓶车撞了"],
    "poison": ["外婆把一瓶安眠药都吃了", "吃了老鼠药", "降糖药吃错了", "误服消毒液", "中毒了"],
    "burn": ["开水烫到了，一大片起泡"],
    "lost": [
        "我妈走丢了",
        "老人出去一晚上没回来",
        "老伴出去买菜到现在没回来",
        "痴呆的爸爸不见了",
        "轮椅是空的，人没了",
        "人没了，她认不得路",
        "一转身她就不见了",
    ],
    "violence": ["儿子正在打我", "他拿刀要杀人", "有人撬门进来了"],
    "trapped": ["我被困在电梯里了", "奶奶反锁在厕所里出不来"],
    "choking": ["奶奶吃饺子噎住了", "鱼刺卡住喉咙说不出话"],
    "inner_bleeding": ["吐了好多血", "大便鲜红一马桶"],
    "nosebleed": ["鼻血流了两个钟头"],
    "electric": ["爷爷触电了", "手粘在插座上，插头吸住了"],
    "water": ["老人掉河里了", "有人落水"],
    "heat": ["外公中暑了", "浑身烫得来，没有汗"],
    "allergy": ["打了针舌头都肿了", "被马蜂叮了一口"],
    "ledge": ["有个老伯站在桥栏杆外面", "隔壁阿姨爬到楼顶边上了"],
    "lost_self": ["我迷路了找不到家", "不晓得怎么回家，天黑了"],
    "unknown": ["救命！", "快来人啊"],
}
CALM = [
    "妈妈中风以后右手不能动了，白天谁来照顾",
    "能说话吗，我看不清",
    "他收了我定金就失踪",
    "胰岛素打多少单位",
    "一下子生活不下去了找哪个部门",
    "母亲失智爱走丢，有什么好办法",
    "我妈走了，床空了，人没了，心里空落落",
    "老公上个月人没了，我一个人冷清",
    "怎么预防老人跌倒",
    "我妈没有摔倒",
    "前年摔过一跤现在走路不稳，能装扶手吗",
    "中风两年了左手不能动，能评长护险吗",
    "防走失手环哪里领",
    "担心老人走失怎么办",
    "燃气安检什么时候来",
    "照顾他压得我喘不过气",
    "喘息服务怎么申请",
    "我找不到敬老卡了",
    "老伴走了三年了，一个人很孤单",
    "120收费吗",
    "嗓子冒烟，哪里有开水",
    "上海着力推进养老服务",
    "保姆走了以后东西不见了",
    "心梗的前兆有哪些",
    "血压高吃什么药",
    "居委会能上门探访独居老人吗",
    "死亡证明怎么开",
    "救命恩人",
    "想死你了老朋友",
    "骨折后康复，能租轮椅吗",
    "电梯什么时候装",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in DANGERS.items() for text in texts])
def test_danger_is_recognised_and_names_a_number(kind: str, text: str) -> None:
    found = MATCHER(text)
    assert found is not None, text
    assert found.kind == kind
    assert set(found.call) <= {"110", "119", "120", "12356"}


@pytest.mark.parametrize("text", CALM)
def test_a_calm_question_raises_no_alarm(text: str) -> None:
    assert MATCHER(text) is None, text


@pytest.mark.parametrize(
    "text",
    [
        "／我爸暈倒了",
        "我 爸 晕 倒 了",
        "救命啊啊啊啊啊啊啊",
        "老伴出门到现在没回來",
        "长护险怎么办……我爸刚刚摔倒起不来了",
    ],
)
def test_danger_is_recognised_however_it_is_typed(text: str) -> None:
    assert MATCHER(text) is not None


@given(st.text(max_size=300))
def test_no_text_breaks_the_matcher(text: str) -> None:
    MATCHER(text)


def test_every_kind_is_short_enough_to_read_in_fright() -> None:
    for rule in MATCHER._rules:
        assert len(rule.emergency.lead) <= 40, rule.emergency.kind
        assert 1 <= len(rule.emergency.advice) <= 2
        assert all(len(line) <= 32 for line in rule.emergency.advice), rule.emergency.kind


@pytest.mark.parametrize("text", ["我是聋人，胸口痛得厉害", "厨房着火了，我打不了电话"])
def test_who_cannot_ring_is_told_who_can(text: str) -> None:
    found = MATCHER(text)
    assert found
    assert "替您打" in found.advice[0]


@pytest.mark.parametrize(
    "text",
    [
        "栏杆坏了找谁修",
        "老太坐在阳台上晒太阳",
        "电话打到吐血没人接",
        "我爸不会打电话，敬老卡怎么办",
        "血压高吃什么好",
    ],
)
def test_words_of_danger_alone_are_none(text: str) -> None:
    assert MATCHER(text) is None

"""The encoder trained on our field has not forgotten Chinese: paraphrases far from the field stay near."""

from __future__ import annotations

import numpy as np

from knowledge.encoder import SentenceEncoder
from knowledge.field_encoder import BUNDLED, field_encoder_name

# A sentence, the same said otherwise, and one on the same matter that says something else.
TRIPLETS = [
    ("这部电影太长了，我中途睡着了", "片子放得太久，看到一半我就睡过去了", "这部电影票很难买，我排了两个小时"),
    ("火车晚点了四十分钟", "列车迟到了四十分钟才进站", "火车票要提前三天买"),
    ("她把咖啡洒在键盘上了", "键盘被她泼上了咖啡", "她买了一个新键盘和一包咖啡"),
    ("股市今天大跌", "今天股票价格跌得厉害", "今天股市不开门"),
    ("孩子数学考了满分", "小孩的数学得了一百分", "孩子不喜欢上数学课"),
    ("我想把墙刷成蓝色", "我打算把墙壁漆成蓝的", "我想在墙上挂一幅蓝色的画"),
    ("这家店的面条又便宜又好吃", "这里的面价钱不贵，味道也不错", "这家店明天不营业"),
    ("台风明天登陆", "明天有台风上岸", "台风把树吹倒了"),
    ("手机没电了，不能接电话", "电话打不通是因为手机电用完了", "手机丢了，要补一张卡"),
    ("他每天早上跑五公里", "他天天清晨跑步，跑五公里", "他每天开车上班，要开五公里"),
    ("图书馆周一闭馆", "星期一图书馆不开放", "图书馆新进了一批书"),
    ("猫打翻了花瓶", "花瓶被猫碰倒了", "猫在花瓶旁边睡觉"),
    ("会议改到下午三点", "开会时间推迟到了下午三点", "会议要开三个小时"),
    ("飞机上不能抽烟", "乘飞机时禁止吸烟", "飞机上有免费的饮料"),
    ("这道题我不会做", "我解不出这个题目", "这道题老师讲过两遍"),
    ("河水涨了，桥被淹了", "水位上升，把桥淹没了", "河上要造一座新桥"),
    ("他忘了带钥匙，进不了门", "没带钥匙，他被关在门外", "他把钥匙交给了邻居"),
    ("苹果比梨贵", "梨的价钱比苹果低", "苹果和梨我都喜欢吃"),
    ("衣服缩水了，穿不下", "衣裳洗过变小，穿不进去了", "衣服洗干净了，晾在外面"),
    ("他说话太快，我没听清", "他讲得太急，我没听明白", "他说话的声音很好听"),
    ("雪下得很大，路封了", "大雪把道路封住了", "雪停了，孩子们出来堆雪人"),
    ("这个软件总是闪退", "这个程序老是自己关掉", "这个软件要付钱才能用"),
    ("她弹钢琴弹了十年", "她学琴已经有十年了", "她家的钢琴用了十年，要修"),
    ("饭煮糊了", "米饭烧焦了", "饭煮好了，快来吃"),
]


def told_apart(name: str) -> tuple[float, float]:
    """Return how often the paraphrase is nearer than the other, and by how much in standard deviations."""
    encoder = SentenceEncoder(name)
    said, same, other = (encoder.queries([triplet[at] for triplet in TRIPLETS]) for at in range(3))
    near, far = (said * same).sum(axis=1), (said * other).sum(axis=1)
    return float((near > far).mean()), float((near - far).mean() / np.std(near - far))


def test_what_is_said_otherwise_is_told_from_what_says_something_else() -> None:
    raw, _ = told_apart(BUNDLED)
    ours, margin = told_apart(field_encoder_name())
    assert raw >= 0.75  # the triplets themselves are fair
    assert ours >= raw - 0.10
    assert margin > 0.4

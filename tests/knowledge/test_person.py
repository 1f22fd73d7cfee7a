from __future__ import annotations

import pytest

from knowledge.person import ages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我妈83岁能拿多少", ((83, 83),)),
        ("我八十多了", ((80, 89),)),
        ("七十三了，在上海住了二十年", ((73, 73),)),
        ("老妈70了，津贴多少", ((70, 70),)),
        ("外公一百零二岁", ((102, 102),)),
        ("百岁老人", ((100, 100),)),
        ("我今年八十二了住五楼", ((82, 82),)),
        ("我七十五，老伴八十一，两个人", ((75, 75), (81, 81))),
        ("打12345", ()),
        ("一个月75元", ()),
        ("十五天能下来吗", ()),
    ],
)
def test_the_age_in_a_question_is_read(text: str, expected: tuple[tuple[int, int], ...]) -> None:
    assert ages(text) == expected

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.normalise import normalise
from knowledge.person import NOBODY, Person, ages, person_from, person_of, years_later


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我妈83岁能拿多少", ((83, 83),)),
        ("八十多岁了", ((80, 89),)),
        ("我爸85，我妈79", ((85, 85), (79, 79))),
        ("一百零三岁", ((103, 103),)),
        ("七十二周岁", ((72, 72),)),
        ("我妈78上海户口", ((78, 78),)),
        ("打12345问", ()),
        ("有70家店", ()),
    ],
)
def test_ages_are_read(text: str, expected: tuple[tuple[int, int], ...]) -> None:
    assert ages(text) == expected


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (
            "我爸78，上海户口，一个人住，走不动路",
            {
                "who": "爸爸",
                "age": (78, 78),
                "hukou": "shanghai",
                "lives_alone": True,
                "frail": True,
                "is_carer": True,
            },
        ),
        ("老娘户口在外地，跟我住了二十年，七十三了", {"hukou": "elsewhere", "lives_alone": False, "age": (73, 73)}),
        ("没有上海户口", {"hukou": "elsewhere"}),
        ("评上四级了", {"care_level": (4, 4), "frail": True}),
        ("还没评过级", {}),
        ("残疾二级", {"severely_disabled": True, "disabled": True}),
        ("没有残疾证", {"disabled": False}),
        ("我不是低保", {"income": ()}),
        ("低保边缘家庭", {"income": ("dibao_margin",)}),
        ("老伴有老年痴呆", {"dementia": True, "who": "老伴"}),
        ("身体蛮好，生活能自理", {"frail": False}),
        ("1943年3月5日生", {"birth": (1943, 3, 5)}),
        ("我是48年生的", {"birth": (1948, None, None)}),
        ("侬讲讲阿拉姆妈一个人蹲辣屋里向", {"who": "妈妈"}),
        ("当过兵", {"veteran": True}),
        ("独生儿子没了", {"lost_only_child": True, "childless": True}),
        ("没有医保", {"insured": False}),
    ],
)
def test_what_a_message_says_of_a_person(text: str, known: dict[str, object]) -> None:
    assert known.items() <= person_of(normalise(text)).known().items()
    if not known:
        assert "care_level" not in person_of(normalise(text)).known()


def test_a_birthday_counts_to_the_day() -> None:
    born = Person(birth=(1961, 11, 26))
    assert born.ages_on(date(2026, 11, 25)) == (64, 64)
    assert born.ages_on(date(2026, 11, 26)) == (65, 65)
    assert Person(birth=(1961, 11, None)).ages_on(date(2026, 11, 25)) == (64, 65)
    assert Person(birth=(1961, None, None)).ages_on(date(2026, 11, 25)) == (64, 65)


def test_more_is_added_and_somebody_else_begins_anew() -> None:
    mother = person_of("我妈83岁").with_more(person_of("上海户口"))
    assert (mother.age, mother.hukou) == ((83, 83), "shanghai")
    assert mother.with_more(person_of("那我要带什么")) == mother
    father = mother.with_more(person_of("我爸呢"))
    assert (father.who, father.age, father.hukou) == ("爸爸", None, None)
    assert mother.with_more(person_of("1940年5月生")).age is None or mother.with_more(person_of("1940年5月生")).birth


@pytest.mark.parametrize(("text", "years"), [("明年呢", 1), ("大后年", 3), ("后年呢", 2), ("再过五年", 5), ("今年", 0)])
def test_later_years(text: str, years: int) -> None:
    assert years_later(text) == years


def test_a_person_is_kept_as_data() -> None:
    person = person_of("我妈83岁，评上三级，低保，上海户口")
    assert person_from(person.known()) == person
    assert person_from(None) == NOBODY
    assert person_from({"nonsense": 1}) == NOBODY


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    person_of(normalise(text))


@pytest.mark.parametrize("text", ["我妈能申请低保吗", "低保也取消了", "低保怎么办", "低保停了半年"])
def test_who_asks_for_help_does_not_have_it_yet(text: str) -> None:
    assert person_of(text).income is None


@pytest.mark.parametrize(("text", "ages"), [("还没满60", (50, 59)), ("不到六十五岁", (55, 64)), ("满60", (60, 60))])
def test_an_age_not_reached_yet(text: str, ages: tuple[int, int]) -> None:
    assert person_of(text).age == ages

"""The bars, and what may stand at them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st

from bot.desk.charts import TEXT, WIDTH, bars
from bot.desk.suppression import LEAST, Hidden, Protected, protect

ROWS = [("徐汇区", 120), ("浦东新区", 60), ("崇明区", Hidden.FEW), ("金山区", Hidden.WITH_FEW), ("没有说", 0)]
SVG = "{http://www.w3.org/2000/svg}"
# Many small counts, some large: where a hidden one could be reckoned.
COUNTS = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 60)), max_size=7)


def drawn(rows: list[tuple[str, int | Hidden]]) -> ElementTree.Element:
    return ElementTree.fromstring(bars("asked", "问的是哪个区", rows))  # noqa: S314 (our own)


def test_a_chart_has_a_title_and_a_description_that_exist() -> None:
    picture = drawn(ROWS)
    assert picture.get("role") == "img"
    ids = {each.get("id"): each.text for each in picture.iter() if each.get("id")}
    title, description = (ids[name] for name in picture.get("aria-labelledby", "").split())
    assert title == "问的是哪个区"
    assert description == "横条图，共5项。最多的是徐汇区，120。有2项不显示数字。数字都在下面的表里。"


def test_every_bar_has_its_label_and_its_number_beside_it_in_letters_that_can_be_read() -> None:
    picture = drawn(ROWS)
    texts = [each.text for each in picture.iter(f"{SVG}text")]
    assert texts == [part for label, count in ROWS for part in (label, str(count))]
    assert TEXT >= 14
    assert [each.get("font-size") for each in picture.iter() if each.get("font-size")] == [str(TEXT)]


def test_bars_are_as_long_as_their_counts_and_hidden_ones_all_alike_hatched_and_outlined() -> None:
    bars_drawn = list(drawn(ROWS).iter(f"{SVG}rect"))
    long, half, few, with_few = bars_drawn
    assert abs(float(long.get("width", 0)) - 2 * float(half.get("width", 0))) < 0.2
    assert few.get("width") == with_few.get("width")
    for hidden in (few, with_few):
        assert hidden.get("fill") == "url(#asked-hatch)"
        assert hidden.get("stroke-dasharray")
    assert not long.get("stroke-dasharray")


def test_the_largest_number_and_the_longest_label_stay_inside_the_picture() -> None:
    picture = drawn([("上海市长期护理保险服务和居家养老服务补贴一起", 1_234_567), ("日托", 3_000)])
    label, number = list(picture.iter(f"{SVG}text"))[:2]
    assert label.text is not None
    assert label.text.endswith("…")
    assert float(label.get("x", 0)) - TEXT * len(label.text) >= 0
    assert float(number.get("x", 0)) + 10 * 7 <= WIDTH


def test_a_label_is_text_whatever_is_in_it_and_nothing_is_styled_in_place() -> None:
    code = bars("asked", "<b>", [('<script>alert("1")</script>', 7)])
    assert "<script" not in code
    assert "<b>" not in code
    assert not re.search(r"\sstyle=|<style", code)


def test_a_chart_of_nothing_but_noughts_is_drawn() -> None:
    assert not list(drawn([("网页", 0)]).iter(f"{SVG}rect"))


# --- what may be shown ----------------------------------------------------------------------------


def possible(found: Protected, position: int, least: list[int], most: list[int]) -> set[int]:
    """Return which values a hidden cell can have for who sees the rest: tried out, not reckoned."""
    assert found.cells is not None
    assert isinstance(found.total, int)
    seen = [cell for cell in found.cells if isinstance(cell, int)]
    rest = found.total - sum(seen)
    smallest = min((cell for cell in seen if cell), default=rest)
    sums = {0}
    for number, cell in enumerate(found.cells):
        if number != position and isinstance(cell, Hidden):
            within = range(max(LEAST, least[number]), min(smallest, most[number]) + 1)
            values = range(1, LEAST) if cell is Hidden.FEW else within
            sums = {total + value for total in sums for value in values if total + value <= rest}
    return {value for value in range(1, LEAST) if rest - value in sums}


@given(COUNTS)
@example([3, 50, 70])  # the total less the others
@example([1, 1, 60])  # two hidden ones whose sum leaves one choice
@example([4, 4, 60])
@example([4, 50, 50])  # the next smallest is known to be no larger than what is shown
@example([1, 5])
@example([1, 1, 1, 1, 1])
def test_no_count_of_one_to_four_is_shown_or_can_be_reckoned(counts: list[int]) -> None:
    check(counts, protect(counts), [0] * len(counts), [sum(counts)] * len(counts))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=7))
@example([(1, 0), (0, 6), (20, 20)])  # the other table shows that all six were a part: 7 - 6 is 1
def test_nor_by_another_table_of_a_part_of_it(both: list[tuple[int, int]]) -> None:
    whole, part = [met + unmet for met, unmet in both], [unmet for _, unmet in both]
    check(whole, protect(whole, least=part), part, [sum(whole)] * len(whole))
    check(part, protect(part, most=whole), [0] * len(part), whole)


def check(counts: list[int], found: Protected, least: list[int], most: list[int]) -> None:
    assert found.total not in range(1, LEAST)
    if found.cells is None:
        return
    for position, (count, cell) in enumerate(zip(counts, found.cells, strict=True)):
        assert cell not in range(1, LEAST)
        assert (cell is Hidden.FEW) == (0 < count < LEAST)
        if cell is Hidden.FEW and isinstance(found.total, int):
            assert len(possible(found, position, least, most)) >= 2, (counts, found)


@given(COUNTS)
def test_what_is_shown_is_true_and_noughts_always_are(counts: list[int]) -> None:
    found = protect(counts)
    assert found.total in (sum(counts), Hidden.FEW)
    for count, cell in zip(counts, found.cells or [], strict=bool(found.cells)):
        assert cell == count or isinstance(cell, Hidden)
        assert cell == 0 or count


@given(st.lists(st.integers(LEAST, 100) | st.just(0), max_size=7))
def test_where_nothing_is_small_nothing_is_hidden(counts: list[int]) -> None:
    assert protect(counts) == Protected(sum(counts), tuple(counts))


def test_one_hidden_cell_takes_the_next_smallest_with_it() -> None:
    assert protect([90, 3, 0, 20]).cells == (90, Hidden.FEW, 0, Hidden.WITH_FEW)
    assert protect([90, 3, 2, 20]).cells == (90, Hidden.FEW, Hidden.FEW, 20)


def test_what_cannot_be_protected_is_not_broken_down_at_all() -> None:
    assert protect([1, 5]) == Protected(6, None)
    assert protect([3, 0]) == Protected(Hidden.FEW, (Hidden.FEW, 0))

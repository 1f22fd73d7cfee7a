"""Promise 7: every answer is current and sourced, or there is none; and an index never answers for another service.

What tests/knowledge tries on single examples is tried here on every service, aspect and topic.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.answers import Answerer
from actions.comparing import comparison
from actions.finder import ASKABLE
from actions.finder import reply as finder_reply
from actions.understood import Context, FinderState, UnderstoodAct
from bot.desk.assisting import Assisting
from bot.telegram.draw import drawn as telegram_parts
from bot.web.services import answers as page_answers
from knowledge.answer import ASPECTS, Asked, compose
from knowledge.encoder import Vectors
from knowledge.errors import EncoderUnavailable, IndexUnusable
from knowledge.fusion import fusion_of_words
from knowledge.index import WORDS_ONLY, PassageIndex
from knowledge.library import Library, open_library
from knowledge.normalise import normalise
from knowledge.passages import Passage, passages
from knowledge.person import NOBODY, Person
from knowledge.plain_text import plain_text
from knowledge.reply import AnswerBlock, FinderBlock, Outcome, Reply
from knowledge.schema import FactKind, Service
from knowledge.store import ServiceList, load
from storage.clock import SHANGHAI
from tests.auxil.toy_encoder import ToyEncoder
from tests.auxil.toy_library import toy_library

SOAK = bool(os.environ.get("ADVISOR_SOAK"))
DAMAGES = 10_000 if SOAK else 200
SERVICES = load()
ENCODER = ToyEncoder()
LAST_DAY = date(2026, 11, 25)
AFTER = LAST_DAY + timedelta(days=1)
ENDED = ServiceList(
    MappingProxyType({each.id: each.model_copy(update={"valid_to": LAST_DAY}) for each in SERVICES}), "ended"
)
PEOPLE = [NOBODY, *(Person(age=(age, age), hukou="shanghai", care_level=(5, 5)) for age in (66, 75, 83, 95))]
AMOUNT = re.compile(r"\d[\d,.]*\s*[多余万亿]*(?:元|块)|\d+(?:\.\d+)?[%％]|百分之|[一二两三四五六七八九十百千]+元")
MEASURES = {FactKind.PAYS, FactKind.COSTS, FactKind.SHARE, FactKind.HELP}


def library_of(services: ServiceList) -> Library:
    known = toy_library()
    library = Library(services, known.search, known.encoder_name)
    library.use(ENCODER)
    return library


def questions(service: Service) -> Iterator[tuple[str, str]]:
    """Yield (aspect, text): every aspect, and every topic by each of its words."""
    for aspect in ASPECTS:
        yield aspect, ""
        for topic in service.topics:
            for words in topic.words:
                yield aspect, words.replace("&", "")


def figures_in(text: str, service: Service) -> list[str]:
    """Return the figures of ``service`` that stand in ``text``, and any sum of money or share."""
    found = AMOUNT.findall(text)
    for fact in service.standard.facts if service.standard else ():
        for value in (fact.value, fact.min_value, fact.max_value):
            if value is not None and fact.kind in MEASURES:
                figure = f"{value:g}{fact.unit}"
                found += [figure] if re.search(rf"(?<!\d){re.escape(figure)}", text) else []
    return found


def as_drawn(reply: Reply) -> list[str]:
    """Return the reply as it is read on a terminal or gateway, in Telegram, and aloud."""
    return [plain_text(reply), "".join(part.text for part in telegram_parts(reply)), reply.speak]


# --- no figure past its last day -------------------------------------------------------------------


@pytest.mark.parametrize("service", ENDED, ids=lambda service: service.id)
def test_no_answer_shows_a_figure_past_its_last_day(service: Service) -> None:
    for aspect, text in questions(service):
        for person in PEOPLE:
            block, _ = compose(service, aspect, Asked(AFTER, (person,), text=text))
            reply = Reply(blocks=[block], outcome=Outcome.ANSWERED_SERVICE)
            for drawn in as_drawn(reply):
                assert not figures_in(drawn, service), (aspect, text, drawn)


def test_on_its_last_day_a_figure_is_still_shown() -> None:
    shown = 0
    for service in ENDED:
        block, known = compose(service, "ask_amount", Asked(LAST_DAY, (PEOPLE[3],)))
        shown += known and bool(figures_in(block.lead + "".join(block.points), service))
    assert shown >= 10


def test_an_amount_that_ended_says_so_with_the_number_to_ring() -> None:
    for service in ENDED:
        block, known = compose(service, "ask_amount", Asked(AFTER))
        topic_only = service.standard is None
        assert topic_only or (not known and service.contact[0].phone in block.lead), service.id


def test_the_finder_shows_no_figure_that_ended() -> None:
    for person in PEOPLE:
        reply = finder_reply(ENDED, person, FinderState(ASKABLE), AFTER)
        items = [item for block in reply.blocks if isinstance(block, FinderBlock) for item in block.items]
        assert items
        for item in items:
            assert not figures_in(item.line, SERVICES[item.service_id]), item


def test_no_comparison_shows_a_figure_that_ended() -> None:
    listed = list(ENDED)
    library, compared = library_of(ENDED), 0
    step = 1 if SOAK else 8
    for left, right in zip(listed[::step], listed[1::step], strict=False):
        reply = comparison(normalise(f"{left.name}和{right.name}有什么区别"), library, AFTER)
        if reply:
            compared += 1
            for drawn in as_drawn(reply):
                assert not figures_in(drawn, left) + figures_in(drawn, right), drawn
    assert compared > len(listed) / step / 2


def test_neither_the_list_page_nor_the_desk_shows_a_figure_that_ended() -> None:
    desk = Assisting(lambda: library_of(ENDED), lambda: AFTER)
    for service in ENDED:
        texts = [line for _, block in page_answers(service, AFTER) for line in (block.lead, *block.points)]
        for person in PEOPLE[::2]:
            detail = desk.detail(service.id, person)
            assert detail
            texts += [*detail.script, *(line for _, lines in detail.fields for line in lines)]
        for text in texts:
            assert not figures_in(text, service), (service.id, text)


# --- every answer carries source, date and number ----------------------------------------------------


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_every_answer_carries_source_date_and_number_on_every_channel(service: Service) -> None:
    answerer = Answerer(toy_library(), datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI))
    for aspect, text in questions(service):
        act = UnderstoodAct(aspect, text, 1.0, service_id=service.id, pressed=True)
        reply = answerer.reply([act], Context())
        blocks = [block for block in reply.blocks if isinstance(block, AnswerBlock)]
        assert blocks, (aspect, text)
        for block in blocks:
            assert block.source, (aspect, text)
            assert block.source.as_of, (aspect, text)
            assert block.contact, (aspect, text)
            for drawn in as_drawn(reply)[:2]:
                for part in (block.source.title, block.source.as_of, block.contact[0].phone):
                    assert part in drawn.replace("&amp;", "&"), (aspect, text, part)


def test_every_sentence_of_an_answer_is_the_lists_or_a_phrases() -> None:
    """No digit of an answer is anywhere but in its own service's fields, the person's age or today's date."""
    for service in SERVICES:
        known = service.model_dump_json()
        for aspect, text in questions(service):
            block, _ = compose(service, aspect, Asked(LAST_DAY, text=text))
            for figure in AMOUNT.findall(block.lead + "".join(block.points) + (block.how or "")):
                number = re.sub(r"[^\d.].*$", "", figure)
                assert number in known, (service.id, aspect, figure)


def test_past_its_review_every_answer_says_so() -> None:
    for service in SERVICES:
        for aspect in ASPECTS:
            block, _ = compose(service, aspect, Asked(service.review_by + timedelta(days=1)))
            assert block.outdated, (service.id, aspect)
            assert service.contact[0].phone in block.outdated


# --- index files -------------------------------------------------------------------------------------

LISTED = list(passages(SERVICES))[::7]
CALIBRATION = (1.0, 2.0, 3.0, 0.5, 0.5, 0.5, 4.0, 1.0, 1.0, -3.0)


@pytest.fixture(scope="module")
def whole_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    vectors = ENCODER.passages([passage.text for passage in LISTED])
    PassageIndex.build(LISTED, vectors, ENCODER.name).save(folder, CALIBRATION)
    return folder


def flipped(data: bytes, at: float, byte: int) -> bytes:
    place = int(at * (len(data) - 1))
    return data[:place] + bytes([data[place] ^ (byte or 1)]) + data[place + 1 :]


DAMAGE: dict[str, Callable[[bytes, float, int], bytes]] = {
    "a byte is another": flipped,
    "the end is missing": lambda data, at, byte: data[: int(at * (len(data) - 1))],
    "the beginning is missing": lambda data, at, byte: data[1 + int(at * (len(data) - 1)) :],
    "something is put in": lambda data, at, byte: (
        data[: int(at * len(data))] + bytes([byte]) + data[int(at * len(data)) :]
    ),
    "a piece is zeroes": lambda data, at, byte: data[: int(at * len(data))] + bytes(len(data) - int(at * len(data))),
    "it is there twice": lambda data, at, byte: data + data,
}


@given(
    name=st.sampled_from(["vectors.faiss", "rows.npy", "manifest.json", "CURRENT"]),
    damage=st.sampled_from(sorted(DAMAGE)),
    at=st.floats(0, 1, allow_nan=False),
    byte=st.integers(0, 255),
)
@settings(max_examples=DAMAGES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_a_damaged_file_is_noticed_or_harmless(
    whole_index: Path, tmp_path_factory: pytest.TempPathFactory, name: str, damage: str, at: float, byte: int
) -> None:
    """Whatever bytes change: the index is refused, or it is the very same as before."""
    folder = tmp_path_factory.mktemp("damaged", numbered=True) / "index"
    shutil.copytree(whole_index, folder)
    file = next(folder.rglob(name))
    before = file.read_bytes()
    file.write_bytes(DAMAGE[damage](before, at, byte))
    try:
        loaded = PassageIndex.load(folder, ENCODER.name)
    except IndexUnusable:
        return
    finally:
        shutil.rmtree(folder.parent, ignore_errors=True)
    assert loaded.is_of(LISTED)
    assert loaded.calibration == CALIBRATION
    for position in range(0, len(LISTED), 9):
        vector = ENCODER.passages([LISTED[position].text])[0]
        assert LISTED[loaded.nearest(vector, 1)[1][0]].text == LISTED[position].text


def test_a_file_of_another_index_is_noticed(whole_index: Path, tmp_path: Path) -> None:
    turned = LISTED[::-1]
    other = tmp_path / "other"
    vectors = ENCODER.passages([passage.text for passage in turned])
    PassageIndex.build(turned, vectors, ENCODER.name).save(other, CALIBRATION)
    for name in ("vectors.faiss", "rows.npy", "manifest.json"):
        folder = tmp_path / name
        shutil.copytree(whole_index, folder)
        shutil.copy(next(other.rglob(name)), next(folder.rglob(name)))
        with pytest.raises(IndexUnusable):
            PassageIndex.load(folder, ENCODER.name)


SOME = ServiceList(
    MappingProxyType({each.id: each for each in list(SERVICES)[::4]} | {"ltci_apply": SERVICES["ltci_apply"]}), "some"
)


class OtherEncoder(ToyEncoder):
    """Sees the same texts another way."""

    name = "other"

    def queries(self, texts: object) -> Vectors:
        return np.ascontiguousarray(super().queries(texts)[:, ::-1])  # type: ignore[arg-type]

    passages = queries


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Library]:
    """Return a function that opens the library in ``tmp_path`` with the toy encoders; "gone" is not installed."""

    def encoder(name: str) -> ToyEncoder:
        if name == "gone":
            raise EncoderUnavailable("The sentence encoder «gone» cannot be loaded.")
        return OtherEncoder() if name == "other" else ToyEncoder()

    monkeypatch.setattr("knowledge.library.SentenceEncoder", encoder)
    monkeypatch.setattr("knowledge.library.fusion_for", lambda name: fusion_from_file())
    monkeypatch.setattr("knowledge.search.fusion_for", lambda name: fusion_from_file())
    return partial(open_library, tmp_path, services=SOME)


def fusion_from_file():  # type: ignore[no-untyped-def]
    from knowledge.fusion import Fusion

    return Fusion.of(fusion_of_words())


def every_name_finds_its_service(library: Library) -> None:
    for service in SOME:
        assert library.find(service.name)[0].service_id == service.id, service.name


@pytest.mark.parametrize("name", ["vectors.faiss", "rows.npy", "manifest.json", "CURRENT"])
def test_a_damaged_index_is_built_anew_at_the_start(opened: Callable[..., Library], tmp_path: Path, name: str) -> None:
    opened(encoder_name="toy")
    file = next(tmp_path.rglob(name))
    file.write_bytes(flipped(file.read_bytes(), 0.5, 7))
    every_name_finds_its_service(opened(encoder_name="toy"))
    assert PassageIndex.load(tmp_path, "toy").is_of(list(passages(SOME)))  # and kept


def test_the_index_of_another_encoder_is_never_used(opened: Callable[..., Library], tmp_path: Path) -> None:
    opened(encoder_name="toy")
    library = opened(encoder_name="other")
    assert library.search.index.fingerprint.encoder == "other"
    every_name_finds_its_service(library)
    assert PassageIndex.load(tmp_path, "other")


def test_an_index_whose_rows_carry_other_services_never_answers_for_them(
    opened: Callable[..., Library], tmp_path: Path
) -> None:
    """It is whole by its own sums, and made by our encoder: but its texts are laid at other services' doors."""
    listed = list(passages(SOME))
    ids = [passage.service_id for passage in listed]
    foreign = [Passage(ids[-1 - row], passage.kind, passage.text) for row, passage in enumerate(listed)]
    vectors = ENCODER.passages([passage.text for passage in foreign])
    PassageIndex.build(foreign, vectors, "toy").save(tmp_path, CALIBRATION)
    library = opened(encoder_name="toy")
    assert library.search.index.is_of(listed)
    every_name_finds_its_service(library)


@pytest.mark.parametrize("index", ["none", "damaged"])
def test_without_encoder_and_index_words_alone_answer_and_the_operator_is_told(
    opened: Callable[..., Library], tmp_path: Path, caplog: pytest.LogCaptureFixture, index: str
) -> None:
    if index == "damaged":
        opened(encoder_name="toy")
        next(tmp_path.rglob("manifest.json")).write_text("{")
    with caplog.at_level(logging.WARNING):
        library = opened(encoder_name="gone")
    assert "by words alone" in caplog.text
    assert library.encoder_name == WORDS_ONLY
    every_name_finds_its_service(library)
    answerer = Answerer(library, datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI))
    vector = ENCODER.queries(["长护险怎么申请"])[0]  # the dialogue server still has its encoder
    act = UnderstoodAct("ask_how_to_apply", "长护险怎么申请", 1.0, encoder="gone", vector=vector)
    reply = answerer.reply([act], Context(said="长护险怎么申请"))
    assert reply.service_ids()[:1] == ["ltci_apply"]


def test_a_rebuild_that_was_asked_for_fails_without_the_encoder(opened: Callable[..., Library]) -> None:
    with pytest.raises(EncoderUnavailable):
        opened(encoder_name="gone", rebuild=True)


def test_an_encoder_that_is_gone_leaves_a_good_index_to_words(
    opened: Callable[..., Library], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vectors = ENCODER.passages([passage.text for passage in passages(SOME)])
    PassageIndex.build(list(passages(SOME)), vectors, "gone").save(tmp_path, CALIBRATION)
    library = opened(encoder_name="gone")
    with caplog.at_level(logging.WARNING):
        every_name_finds_its_service(library)
    assert caplog.text.count("by words alone") == 1  # said once, not at each message


def test_an_index_that_cannot_be_kept_still_answers(
    opened: Callable[..., Library], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("knowledge.index.np.save", full)
    with caplog.at_level(logging.WARNING):
        every_name_finds_its_service(opened(encoder_name="toy"))
    assert "cannot be kept" in caplog.text
    assert json.dumps([each.name for each in tmp_path.iterdir()]) == "[]"  # and no half of it is left

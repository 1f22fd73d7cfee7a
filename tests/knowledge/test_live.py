from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.live import LiveKnowledge
from knowledge.places_store import import_places
from knowledge.settings import KnowledgeSettings
from knowledge.store import SERVICES_FOLDER
from tests.auxil.toy_library import toy_library

SAMPLE = SERVICES_FOLDER.parent / "places" / "sample.csv"


@pytest.fixture
def live(tmp_path: Path) -> LiveKnowledge:
    services = tmp_path / "services"
    shutil.copytree(SERVICES_FOLDER, services)
    settings = KnowledgeSettings(var=tmp_path / "var", services=services, encoder="toy")
    return LiveKnowledge(toy_library(), settings)


@pytest.fixture
def respite(live: LiveKnowledge) -> Path:
    return live._settings.services / "carer.yaml"


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


def test_nothing_new_changes_nothing(live: LiveKnowledge) -> None:
    library = live.library
    assert not live.poll()
    assert live.library is library


def test_a_new_version_is_taken_in_and_only_new_texts_are_encoded(
    live: LiveKnowledge, respite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = live.library
    encoded: list[str] = []
    passages = before.encoder.passages
    monkeypatch.setattr(before.encoder, "passages", lambda texts: (encoded.extend(texts), passages(texts))[1])
    name = before.services["respite"].name
    change(respite, f"name: {name}\n  aliases: [", f"name: {name}\n  aliases: [放假三天服务, ")
    assert not live.poll()  # it may still be being written
    assert live.poll()
    assert encoded == ["放假三天服务"]
    assert live.library.find("放假三天服务")[0].service_id == "respite"
    assert before.services.version != live.library.services.version


def test_a_service_taken_out_is_gone_everywhere(live: LiveKnowledge) -> None:
    file = live._settings.services / "overview.yaml"
    gone = [service.id for service in live.library.services if service.category == "overview"]
    for other in live._settings.services.glob("*.yaml"):
        text = other.read_text(encoding="utf-8")
        for service in gone:
            text = text.replace(f"{service}, ", "").replace(f", {service}]", "]").replace(f"[{service}]", "[]")
        other.write_text(text, encoding="utf-8")
    file.unlink()
    live.poll()
    assert live.poll(), live.refused
    assert not {passage.service_id for passage in live.library.search.index.passages} & set(gone)


@pytest.mark.parametrize("damage", ["- id: [", "- id: x\n", "nothing", ""])
def test_a_broken_list_is_refused_and_a_mended_one_taken(live: LiveKnowledge, respite: Path, damage: str) -> None:
    library, text = live.library, respite.read_text(encoding="utf-8")
    respite.write_text(damage, encoding="utf-8")
    live.poll()
    assert not live.poll()
    assert live.library is library
    assert live.refused
    assert "carer.yaml" in live.refused or "respite" in live.refused
    respite.write_text(text, encoding="utf-8")
    live.poll()
    assert live.poll()
    assert live.refused is None


def test_places_are_taken_in(live: LiveKnowledge) -> None:
    assert len(live.places) == 0
    import_places(SAMPLE, live._settings.places_file)
    live.poll()
    assert live.poll()
    assert len(live.places) > 3
    live._settings.places_file.write_text("[{", encoding="utf-8")
    live.poll()
    live.poll()
    assert len(live.places) > 3
    assert live.refused


@pytest.fixture
def searching(live: LiveKnowledge) -> Iterator[list[str]]:
    """Search from two threads all the time; every answer's service must be of the version it came from."""
    wrong: list[str] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            library = live.library
            try:
                found = library.find("喘息服务怎么申请")
                wrong.extend(match.service_id for match in found if library.services.get(match.service_id) is None)
            except Exception as error:
                wrong.append(repr(error))

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield wrong
    stop.set()
    for thread in threads:
        thread.join()


def test_swaps_under_load_break_no_search(live: LiveKnowledge, respite: Path, searching: list[str]) -> None:
    name = live.library.services["respite"].name
    for number in range(50):
        last = f"放假{number}天服务, " if number else ""
        change(respite, f"aliases: [{last}", f"aliases: [放假{number + 1}天服务, ") if number else change(
            respite, f"name: {name}\n  aliases: [", f"name: {name}\n  aliases: [放假1天服务, "
        )
        live.poll()
        assert live.poll(), live.refused
    assert not searching

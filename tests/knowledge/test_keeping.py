from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from knowledge.changes import changes
from knowledge.errors import NoSuchVersion, ServiceListError
from knowledge.keeping import Keeper
from knowledge.schema import Service
from knowledge.store import SERVICES_FOLDER, load
from storage.clock import SHANGHAI

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(SERVICES_FOLDER, tmp_path / "services")
    return tmp_path / "services"


@pytest.fixture
def keeper(folder: Path, tmp_path: Path) -> Keeper:
    return Keeper(folder, tmp_path / "versions")


def with_summary(folder: Path, text: str) -> list[Service]:
    return [s.model_copy(update={"summary": text}) if s.id == "respite" else s for s in load(folder)]


def test_a_change_is_applied_recorded_and_rolled_back(keeper: Keeper, folder: Path) -> None:
    before = load(folder)
    version = keeper.apply(with_summary(folder, "让照顾的人歇一歇。"), "王芳", "说得更短", NOW)
    assert load(folder)["respite"].summary == "让照顾的人歇一歇。"
    assert (version.number, version.who, version.why, version.changed) == (2, "王芳", "说得更短", 1)
    assert [kept.number for kept in keeper.versions()] == [1, 2]
    keeper.roll_back(1, "李强", NOW)
    assert load(folder).version == before.version
    assert [kept.why for kept in keeper.versions()][-1] == "rolled back to 1"


def test_only_the_files_of_what_changed_are_written(keeper: Keeper, folder: Path) -> None:
    stamps = {file.name: file.stat().st_mtime_ns for file in folder.glob("*.yaml")}
    keeper.apply(with_summary(folder, "让照顾的人歇一歇。"), "-", "-", NOW)
    touched = [file.name for file in folder.glob("*.yaml") if file.stat().st_mtime_ns != stamps[file.name]]
    assert touched == ["carer.yaml"]


def test_the_last_service_of_a_category_takes_its_file_along(keeper: Keeper, folder: Path) -> None:
    left = [s for s in load(folder) if s.category != "learning"]
    gone = {s.id for s in load(folder)} - {s.id for s in left}
    left = [s.model_copy(update={"related": tuple(r for r in s.related if r not in gone)}) for s in left]
    keeper.apply(left, "-", "-", NOW)
    assert not (folder / "learning.yaml").exists()
    assert len(load(folder)) == len(left)


def test_a_broken_list_changes_nothing(keeper: Keeper, folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in folder.glob("*.yaml")}
    broken = [s.model_copy(update={"related": ("nobody",)}) if s.id == "respite" else s for s in load(folder)]
    with pytest.raises(ServiceListError, match="nobody"):
        keeper.apply(broken, "-", "-", NOW)
    assert {file.name: file.read_bytes() for file in folder.glob("*.yaml")} == before
    assert keeper.versions() == []


def test_what_somebody_wrote_by_hand_is_kept_too(keeper: Keeper, folder: Path) -> None:
    keeper.apply(with_summary(folder, "第一次改过的一句话。"), "-", "-", NOW)
    file = folder / "carer.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("第一次改过", "手工改过"), encoding="utf-8")
    keeper.apply(with_summary(folder, "第二次改过的一句话。"), "-", "-", NOW)
    keeper.roll_back(3, "-", NOW)
    assert load(folder)["respite"].summary == "手工改过的一句话。"


def test_nothing_new_is_no_new_version(keeper: Keeper, folder: Path) -> None:
    keeper.apply(load(folder), "-", "-", NOW)
    keeper.apply(load(folder), "-", "-", NOW)
    assert len(keeper.versions()) == 1


def test_a_version_that_is_not_kept_is_said(keeper: Keeper) -> None:
    with pytest.raises(NoSuchVersion, match="no version 7"):
        keeper.roll_back(7, "-", NOW)


def test_two_at_once_leave_whole_versions(keeper: Keeper, folder: Path) -> None:
    drafts = [with_summary(folder, f"第{number}个人写的一句话。") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda draft: keeper.apply(draft, "-", "-", NOW), drafts))
    kept = keeper.versions()
    assert [version.number for version in kept] == list(range(1, 8))
    assert load(folder).version == kept[-1].list_version


def test_a_difference_names_field_before_and_after(folder: Path) -> None:
    before, after = load(folder), with_summary(folder, "让照顾的人歇一歇。")
    (change,) = changes(before, after)
    assert change.kind == "changed"
    assert change.fields == (("summary", before["respite"].summary, "让照顾的人歇一歇。"),)
    assert [c.kind for c in changes(before, after[1:])][-1] == "removed"
    assert [c.kind for c in changes(after[1:], after)] == ["added"]

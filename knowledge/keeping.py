"""Keeps the service list: new versions are applied as a whole, recorded, and can be rolled back.

A version is a folder ``0007`` with the files of the list and ``version.json`` (who, when, why).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from knowledge.changes import Change, changes
from knowledge.errors import NoSuchVersion
from knowledge.listing import write_list
from knowledge.schema import Service
from knowledge.store import ServiceList, load

_META = "version.json"


@dataclass(frozen=True)
class Version:
    """One version kept: ``number`` counts up from 1; ``list_version`` is that of ServiceList."""

    number: int
    at: str  # ISO 8601, with zone
    who: str
    why: str
    list_version: str
    changed: int  # services different from the version before


class Keeper:
    """The versions of the list in ``folder``, kept under ``home``."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder = folder
        self._home = home

    def versions(self) -> list[Version]:
        """Return what is kept, oldest first."""
        files = sorted(self._home.glob(f"[0-9]*/{_META}"))
        return [Version(**json.loads(file.read_text(encoding="utf-8"))) for file in files]

    def propose(self, services: Iterable[Service]) -> tuple[ServiceList, list[Change]]:
        """Return the list as it would be, and what would change. Raises ServiceListError."""
        with tempfile.TemporaryDirectory() as draft:
            write_list(services, Path(draft))
            after = load(Path(draft))
        return after, changes(load(self._folder), after)

    def apply(self, services: Iterable[Service], who: str, why: str, at: datetime) -> Version:
        """Make ``services`` the list, or change nothing.

        What stood there before is kept as a version too, also where somebody wrote it by hand.
        Raises ServiceListError.
        """
        after, changed = self.propose(services)
        with self._alone():
            kept = self.versions()
            before = load(self._folder)
            if not kept or kept[-1].list_version != before.version:
                kept.append(self._keep(before, len(kept) + 1, "-", "as it was found", at, 0))
            if not changed:
                return kept[-1]
            version = self._keep(after, len(kept) + 1, who, why, at, len(changed))
            self._replace(before, after)
        return version

    def roll_back(self, number: int, who: str, at: datetime) -> Version:
        """Make version ``number`` the list again, as a new version. Raises NoSuchVersion, ServiceListError."""
        return self.apply(self.services_of(number), who, f"rolled back to {number}", at)

    def services_of(self, number: int) -> ServiceList:
        """Return the list as it was in version ``number``. Raises NoSuchVersion, ServiceListError."""
        source = self._home / f"{number:04}"
        if not (source / _META).exists():
            kept = ", ".join(str(version.number) for version in self.versions()) or "none"
            raise NoSuchVersion(f"there is no version {number}; kept: {kept}")
        return load(source)

    def _keep(self, services: ServiceList, number: int, who: str, why: str, at: datetime, changed: int) -> Version:
        version = Version(number, at.isoformat(timespec="seconds"), who, why, services.version, changed)
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=self._home))
        write_list(services, draft)
        (draft / _META).write_text(json.dumps(asdict(version), ensure_ascii=False), encoding="utf-8")
        os.replace(draft, self._home / f"{number:04}")
        return version

    def _replace(self, before: ServiceList, after: ServiceList) -> None:
        """Replace the files that differ, each in one step."""
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=self._folder))
        try:
            write_list(after, draft)
            for file in draft.iterdir():
                if [s for s in before if s.category == file.stem] != [s for s in after if s.category == file.stem]:
                    os.replace(file, self._folder / file.name)
            for gone in {s.category.value for s in before} - {s.category.value for s in after}:
                (self._folder / f"{gone}.yaml").unlink()
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock: two people never write at once."""
        self._home.mkdir(parents=True, exist_ok=True)
        with (self._home / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from actions.booking.bookings import Bookings
from actions.booking.staff import Staff
from bot.cli import prepare
from bot.client import Where
from bot.settings import GatewaySettings
from bot.started import free_port, own_system
from storage.booking_tables import CourseRow, EventRow
from storage.crypto import Cipher, read_or_make_key
from storage.database import Database
from tests.auxil.booking import Clock
from tests.auxil.bot_api import TOKEN, BotApi, bot_api
from tests.auxil.databases import emptied
from tests.auxil.postgres import postgres
from tests.web.browsing import browser, opened  # noqa: F401 (fixtures)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind, migrated."""
    cipher = Cipher(read_or_make_key(tmp_path / "key"))
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'a.db'}", cipher)
    else:
        made = Database(request.getfixturevalue("server"), cipher)
    yield emptied(made)
    made.engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bookings(database: Database, clock: Clock) -> Bookings:
    return Bookings(database, clock)


@pytest.fixture
def staff(database: Database, clock: Clock) -> Staff:
    return Staff(database, clock, "staff:a")


@pytest.fixture
def an_event(database: Database, clock: Clock) -> Callable[..., str]:
    """Return a function that writes an event and returns its id."""

    def make(seats: int = 2, hours: float = 48, **more: object) -> str:
        event_id = uuid.uuid4().hex
        starts = clock.at + timedelta(hours=hours)
        with database.write() as session:
            if session.get(CourseRow, "course") is None:
                session.add(CourseRow(id="course", title="照护课", about="教翻身", sample=True))
                session.flush()
            session.add(
                EventRow(
                    id=event_id,
                    kind="training",
                    course_id="course",
                    title="照护课",
                    district="徐汇区",
                    place="田林路（示例）1号",
                    starts_at=starts,
                    ends_at=starts + timedelta(hours=2),
                    seats=seats,
                    taken=0,
                    state="open",
                    sample=True,
                    **more,
                )
            )
        return event_id

    return make


# --- the whole system with a stand-in of Telegram ----------------------------------------------------


@pytest.fixture(scope="session")
def api() -> Iterator[BotApi]:
    with bot_api() as running:
        yield running


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, api: BotApi) -> Iterator[tuple[Where, int, Path]]:
    """The real system with Telegram's stand-in: where it answers, the supervisor's process, its folder."""
    trained = GatewaySettings()
    prepare(trained)
    var = tmp_path_factory.mktemp("telegram")
    for part in ("models", "index", "encoder"):
        (var / part).symlink_to((trained.var / part).resolve())
    env = {
        "ADVISOR_VAR": str(var),
        "ADVISOR_PORT": str(free_port()),
        "ADVISOR_DIALOGUE_PORT": str(free_port()),
        "ADVISOR_DEMO": "1",
        "ADVISOR_RESTART_WAIT_MAX_S": "1",
        "ADVISOR_DESK_HOURS": "每天 0:00-24:00",
        "ADVISOR_DESK_ON_HOLIDAYS": "1",
        "ADVISOR_DESK_SILENT_MINUTES": "1",
        "ADVISOR_TELEGRAM_TOKEN": TOKEN,
        "ADVISOR_TELEGRAM_API": api.url,
    }
    with own_system(env, var / "run.log") as (where, pid):
        api.wait(lambda: api.commands, 30)
        yield where, pid, var


_CHATS = itertools.count(5001)


@pytest.fixture
def chat() -> int:
    """A new private chat."""
    return next(_CHATS)

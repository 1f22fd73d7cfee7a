"""Who works at the desk, and who of them is logged in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.desk_tables import StaffRow, StaffSessionRow

ROLES = ("clerk", "editor", "admin")  # each may what those before it may
_TOTP = "staff.totp"
_TOUCH = timedelta(seconds=30)


class NameTaken(Exception):
    """Somebody has that name."""


class NoSuchStaff(Exception):
    """Nobody has that name."""


@dataclass(frozen=True)
class Member:
    """A member of staff."""

    id: str
    name: str
    shown: str
    role: str
    state: str = "active"

    @property
    def actor(self) -> str:
        """Return the name in the audit."""
        return f"staff:{self.name}"

    def may(self, role: str) -> bool:
        """Return whether the member may what ``role`` may."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class Secrets:
    """What a login is held against."""

    member: Member
    password: str  # its hash
    totp: str
    locked_until: datetime | None


class StaffBook:
    """The members of staff and their sessions."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, name: str, shown: str, role: str, password: str, totp: str, now: datetime) -> Member:
        """Add a member with the hash of a password and the secret of the second factor. Raises NameTaken."""
        member = Member(uuid.uuid4().hex, name, shown, role)
        row = StaffRow(
            id=member.id,
            name=name,
            shown=shown,
            role=role,
            password=password,
            totp=self._db.cipher.encrypt(totp, _TOTP),
            totp_step=0,
            state="active",
            wrong=0,
            locked_until=None,
            created_at=now,
        )
        try:
            with self._db.write() as session:
                session.add(row)
        except IntegrityError as error:
            raise NameTaken(name) from error
        return member

    def all(self) -> list[Member]:
        """Return everybody, by name."""
        with self._db.transaction() as session:
            return [_member(row) for row in session.scalars(select(StaffRow).order_by(StaffRow.name))]

    def is_staffed(self) -> bool:
        """Return whether anybody could answer at the desk at all."""
        with self._db.transaction() as session:
            return session.scalar(select(StaffRow.id).where(StaffRow.state == "active").limit(1)) is not None

    def is_anybody_there(self, since: datetime) -> bool:
        """Return whether somebody logged in was seen after ``since``."""
        with self._db.transaction() as session:
            query = select(StaffSessionRow.digest).where(StaffSessionRow.seen_at > since).limit(1)
            return session.scalar(query) is not None

    def secrets(self, name: str) -> Secrets | None:
        """Return what a login of ``name`` is held against."""
        with self._db.transaction() as session:
            row = session.scalar(select(StaffRow).where(StaffRow.name == name))
            if row is None:
                return None
            return Secrets(_member(row), row.password, self._db.cipher.decrypt(row.totp, _TOTP), row.locked_until)

    def failed(self, name: str, most: int, locked_until: datetime) -> None:
        """Count a wrong login; the last one of ``most`` locks until then."""
        with self._db.write() as session:
            row = session.scalar(select(StaffRow).where(StaffRow.name == name).with_for_update())
            if row is None:
                return
            row.wrong = row.wrong % most + 1
            row.locked_until = locked_until if row.wrong == most else row.locked_until

    def take_step(self, name: str, step: int) -> bool:
        """Use up the code of a time step; False where it, or a later one, was used before."""
        with self._db.write() as session:
            changed = session.execute(
                update(StaffRow)
                .where(StaffRow.name == name, StaffRow.totp_step < step)
                .values(totp_step=step, wrong=0, locked_until=None)
            )
            return bool(changed.rowcount)  # type: ignore[attr-defined]

    def renew(self, name: str, password: str, totp: str) -> None:
        """Give new secrets, unlock, and end every session. Raises NoSuchStaff."""
        self._change(
            name, password=password, totp=self._db.cipher.encrypt(totp, _TOTP), totp_step=0, wrong=0, locked_until=None
        )

    def rehash(self, name: str, password: str) -> None:
        """Keep the same password hashed anew."""
        with self._db.write() as session:
            session.execute(update(StaffRow).where(StaffRow.name == name).values(password=password))

    def set_state(self, name: str, state: str) -> None:
        """Set ``active`` or ``disabled``, and end every session. Raises NoSuchStaff."""
        self._change(name, state=state)

    def set_role(self, name: str, role: str) -> None:
        """Change the role, and end every session. Raises NoSuchStaff."""
        self._change(name, role=role)

    def open_session(self, digest: str, staff_id: str, now: datetime) -> None:
        """Begin a session."""
        with self._db.write() as session:
            session.add(StaffSessionRow(digest=digest, staff_id=staff_id, created_at=now, seen_at=now))

    def session(
        self, digest: str, now: datetime, idle: timedelta, longest: timedelta, touch: bool = True
    ) -> Member | None:
        """Return whose session it is; None where it has ended, or its owner is disabled.

        Without ``touch`` it does not count as being there: an open page looks by itself.
        """
        with self._db.transaction() as session:
            row = session.get(StaffSessionRow, digest)
            if row is None or row.seen_at + idle < now or row.created_at + longest < now:
                return None
            staff = session.get(StaffRow, row.staff_id)
            seen = row.seen_at
        if staff is None or staff.state != "active":
            return None
        if touch and now - seen > _TOUCH:  # not at every keystroke
            with self._db.write() as session:
                session.execute(update(StaffSessionRow).where(StaffSessionRow.digest == digest).values(seen_at=now))
        return _member(staff)

    def close_session(self, digest: str) -> None:
        """End a session."""
        with self._db.write() as session:
            session.execute(delete(StaffSessionRow).where(StaffSessionRow.digest == digest))

    def _change(self, name: str, **values: object) -> None:
        with self._db.write() as session:
            row = session.scalar(select(StaffRow).where(StaffRow.name == name))
            if row is None:
                raise NoSuchStaff(name)
            for field, value in values.items():
                setattr(row, field, value)
            session.execute(delete(StaffSessionRow).where(StaffSessionRow.staff_id == row.id))


def _member(row: StaffRow) -> Member:
    return Member(row.id, row.name, row.shown, row.role, row.state)

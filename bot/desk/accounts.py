"""Logging in to the desk: password (argon2id), second factor (TOTP, RFC 6238), lockout, sessions that end."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from storage.audit import Audit
from storage.staff import Member, StaffBook

WRONG_LOGINS = 5
LOCKED_FOR = timedelta(minutes=15)
_STEP_S = 30
_ISSUER = "养老顾问"


class LoginRefused(Exception):
    """Name, password or code is wrong; which of them is nobody's business."""


@dataclass(frozen=True)
class Credentials:
    """What a new member is handed, once: nothing of it can be shown again."""

    password: str
    totp: str  # the secret, base32

    def address(self, name: str) -> str:
        """Return what an authenticator app reads from a QR code."""
        return pyotp.TOTP(self.totp).provisioning_uri(name=name, issuer_name=_ISSUER)


class Accounts:
    """Members of staff and their sessions."""

    def __init__(
        self,
        book: StaffBook,
        audit: Audit,
        clock: Callable[[], datetime],
        idle: timedelta = timedelta(minutes=30),
        longest: timedelta = timedelta(hours=12),
    ) -> None:
        """Sessions end after ``idle`` without a request, and after ``longest`` in any case."""
        self.book = book
        self._audit = audit
        self._clock = clock
        self._idle, self._longest = idle, longest
        self._hasher = PasswordHasher()  # argon2id, the library's own cost: RFC 9106, low memory
        self._nobody = self._hasher.hash(secrets.token_hex())

    def add(self, name: str, shown: str, role: str, actor: str) -> Credentials:
        """Add a member, and return what to hand over. Raises NameTaken."""
        made = Credentials(secrets.token_urlsafe(12), pyotp.random_base32())
        self.book.add(name, shown, role, self._hasher.hash(made.password), made.totp, self._clock())
        self._audit.note(actor, "staff_add", f"{name} ({role})")
        return made

    def renew(self, name: str, actor: str) -> Credentials:
        """Return new credentials for who has lost theirs. Raises NoSuchStaff."""
        made = Credentials(secrets.token_urlsafe(12), pyotp.random_base32())
        self.book.renew(name, self._hasher.hash(made.password), made.totp)
        self._audit.note(actor, "staff_renew", name)
        return made

    def log_in(self, name: str, password: str, code: str) -> str:
        """Return the token of a new session. Raises LoginRefused, alike for whatever is wrong."""
        now, found = self._clock(), self.book.secrets(name)
        # Hashed also for who is not there or locked, so that the time tells nobody.
        right = self._verified(found.password if found else self._nobody, password)
        locked = found is not None and found.locked_until is not None and found.locked_until > now
        if found is None or locked or found.member.state != "active":
            raise LoginRefused
        step = _step(found.totp, code, now)
        if not right or step is None or not self.book.take_step(name, step):
            self.book.failed(name, WRONG_LOGINS, now + LOCKED_FOR)
            self._audit.note(found.member.actor, "login_refused")
            raise LoginRefused
        if self._hasher.check_needs_rehash(found.password):
            self.book.rehash(name, self._hasher.hash(password))
        token = secrets.token_urlsafe(32)
        self.book.open_session(digest(token), found.member.id, now)
        self._audit.note(found.member.actor, "login")
        return token

    def member(self, token: str, touch: bool = True) -> Member | None:
        """Return who has this session, or None; without ``touch`` it does not stay awake by that."""
        return self.book.session(digest(token), self._clock(), self._idle, self._longest, touch) if token else None

    def log_out(self, token: str) -> None:
        """End a session."""
        self.book.close_session(digest(token))

    def _verified(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


def digest(token: str) -> str:
    """Return what is stored of a token, which is random enough to need no salt: 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def _step(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step whose code this is, of this moment or one beside it; else None."""
    given, totp = "".join(code.split()), pyotp.TOTP(secret)
    if not given.isascii():  # a full-width digit is no code
        return None
    at = int(now.timestamp()) // _STEP_S
    steps = [at + shift for shift in (-1, 0, 1)]
    return next((step for step in steps if secrets.compare_digest(totp.at(step * _STEP_S), given)), None)

"""Who visits the page: a random session id in a signed cookie, and the token that every form carries."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import Response
from itsdangerous import BadSignature, Signer

DAYS = 180
_COOKIE = "advisor"


@dataclass(frozen=True)
class Visitor:
    """A browser. ``is_new``: its cookie was not ours, so the id was made just now."""

    id: str
    is_new: bool = False

    @property
    def conversation(self) -> str:
        """Return the name of the visitor's conversation."""
        return f"web:{self.id}"


class Sessions:
    """Reads and writes the cookie. A form is taken only from our own page, opened by the same visitor."""

    def __init__(self, secret: str, secure: bool) -> None:
        """Take the signing secret; ``secure`` keeps the cookies to HTTPS."""
        self._cookies = Signer(secret, salt="session", digest_method=hashlib.sha256)
        self._forms = Signer(secret, salt="form", digest_method=hashlib.sha256)
        self._secure = secure

    def visitor(self, request: Request) -> Visitor:
        """Return who asks; a cookie that we did not sign is worth nothing."""
        try:
            return Visitor(self._cookies.unsign(request.cookies.get(_COOKIE, "")).decode())
        except BadSignature:
            return self.another()

    @staticmethod
    def another() -> Visitor:
        """Return a visitor of whom nothing is known."""
        return Visitor(secrets.token_hex(16), is_new=True)

    def remember(self, answer: Response, visitor: Visitor) -> None:
        """Set the visitor's cookie anew, for another half year."""
        self.keep(answer, _COOKIE, self._cookies.sign(visitor.id).decode())

    def keep(self, answer: Response, name: str, value: str) -> None:
        """Set a cookie that no script reads and no other site sends."""
        answer.set_cookie(
            name, value, max_age=DAYS * 86_400, httponly=True, samesite="lax", secure=self._secure, path="/"
        )

    def form_token(self, visitor: Visitor) -> str:
        """Return what the visitor's forms carry. It does not age: a page left open for a day still works."""
        return self._forms.get_signature(visitor.id).decode()

    def accepts(self, request: Request, visitor: Visitor, token: str) -> bool:
        """Return whether a form came from our own page, shown to this visitor."""
        return same_origin(request) and self._forms.verify_signature(visitor.id, token)


def same_origin(request: Request) -> bool:
    """Return whether a form was posted from a page of ours."""
    source = request.headers.get("origin") or request.headers.get("referer") or ""
    return urlsplit(source).netloc == request.headers.get("host")

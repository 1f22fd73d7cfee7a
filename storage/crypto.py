"""Encryption of what people write: AES-256-GCM, one key from the settings."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
KEY_BYTES = 32


class CannotDecrypt(Exception):
    """The data was written with another key, or was changed."""


class Cipher:
    """Encrypts text for one column; the column's name is bound to it."""

    def __init__(self, key: str) -> None:
        """Take a key as base64 text of 32 bytes. Raises ValueError where it is not."""
        raw = base64.urlsafe_b64decode(key)
        if len(raw) != KEY_BYTES:
            raise ValueError("ADVISOR_KEY must be 32 bytes in base64; remove var/key to have a new one made")
        self._aes = AESGCM(raw)
        self._digest_key = hashlib.sha256(b"digest" + raw).digest()

    def encrypt(self, text: str, column: str) -> bytes:
        """Return nonce and ciphertext."""
        nonce = os.urandom(_NONCE)
        return nonce + self._aes.encrypt(nonce, text.encode(), column.encode())

    def seal(self, text: str, column: str) -> str:
        """Return the encrypted text as base64, to travel in JSON."""
        return base64.b64encode(self.encrypt(text, column)).decode()

    def unseal(self, sealed: str, column: str) -> str:
        """Return the text. Raises CannotDecrypt."""
        return self.decrypt(base64.b64decode(sealed), column)

    def digest(self, text: str, column: str) -> str:
        """Return a keyed digest, to find what is stored without storing it: 64 hex digits."""
        return hmac.new(self._digest_key, f"{column}|{text}".encode(), hashlib.sha256).hexdigest()

    def decrypt(self, data: bytes, column: str) -> str:
        """Return the text. Raises CannotDecrypt."""
        try:
            return self._aes.decrypt(data[:_NONCE], data[_NONCE:], column.encode()).decode()
        except InvalidTag as error:
            raise CannotDecrypt(f"{column}: not written with this key") from error


def read_or_make_key(file: Path) -> str:
    """Return the key in ``file``, made on first use and readable by its owner only."""
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
        key = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(key)
        return key

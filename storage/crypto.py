"""Encryption of what people write: AES-256-GCM, one key from the settings.

While the key is changed (storage/rotation.py) what is kept is written with either of two: a
Cipher takes the new key and the ones before it, writes with the new one and reads with whichever fits.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
KEY_BYTES = 32


class CannotDecrypt(Exception):
    """The data was written with another key, or was changed."""


class RotationUnfinished(Exception):
    """A change of the key was interrupted: nothing may be written before it is finished."""


class Cipher:
    """Encrypts text for one column; the column's name is bound to it."""

    def __init__(self, key: str, before: Sequence[str] = ()) -> None:
        """Take keys as base64 text of 32 bytes; those ``before`` only read. Raises ValueError where one is not."""
        raw = key_bytes(key)
        self._key = key
        self._aes = AESGCM(raw)
        self._before = [AESGCM(key_bytes(each)) for each in before]
        self._digest_key = hashlib.sha256(b"digest" + raw).digest()

    def only_current(self) -> Cipher:
        """Return the cipher without the keys before: it tells what is still to be written anew."""
        return Cipher(self._key)

    def encrypt(self, text: str, column: str) -> bytes:
        """Return nonce and ciphertext."""
        nonce = os.urandom(_NONCE)
        return nonce + self._aes.encrypt(nonce, text.encode(), column.encode())

    def seal(self, text: str, column: str) -> str:
        """Return the encrypted text as base64, to travel in JSON."""
        return base64.b64encode(self.encrypt(text, column)).decode()

    def unseal(self, sealed: str, column: str) -> str:
        """Return the text. Raises CannotDecrypt."""
        try:
            return self.decrypt(base64.b64decode(sealed), column)
        except binascii.Error as error:
            raise CannotDecrypt(f"{column}: not sealed") from error

    def digest(self, text: str, column: str) -> str:
        """Return a keyed digest, to find what is stored without storing it: 64 hex digits."""
        return hmac.new(self._digest_key, f"{column}|{text}".encode(), hashlib.sha256).hexdigest()

    def decrypt(self, data: bytes, column: str) -> str:
        """Return the text. Raises CannotDecrypt."""
        for aes in (self._aes, *self._before):
            try:
                return aes.decrypt(data[:_NONCE], data[_NONCE:], column.encode()).decode()
            except (InvalidTag, ValueError):  # ValueError: too short to be ours
                continue
        raise CannotDecrypt(f"{column}: not written with this key")


def key_bytes(key: str) -> bytes:
    """Return the key itself. Raises ValueError where it is not 32 bytes in base64."""
    try:
        raw = base64.urlsafe_b64decode(key)
    except binascii.Error:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise ValueError("ADVISOR_KEY must be 32 bytes in base64; remove var/key to have a new one made")
    return raw


def new_key() -> str:
    """Return a key that nobody had before."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def next_key_file(file: Path) -> Path:
    """Return where the key lies that is to take the place of the one in ``file``."""
    return file.with_name(f"{file.name}.next")


def read_or_make_key(file: Path) -> str:
    """Return the key in ``file``, made on first use and readable by its owner only.

    Raises RotationUnfinished where another key was to take its place and has not yet.
    """
    if next_key_file(file).exists():
        raise RotationUnfinished("a change of the key was interrupted; finish it with: advisor key rotate")
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        key = new_key()
        write_key(file, key)
        return key


def write_key(file: Path, key: str) -> None:
    """Write a key into a new file, surely on the disk before this returns. Raises FileExistsError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(key)
        handle.flush()
        os.fsync(handle.fileno())
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk: a file made or renamed there outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

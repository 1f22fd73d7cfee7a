"""Keyed digests that stand beside what is encrypted, to find it: they change with the key."""

from __future__ import annotations

from storage.crypto import Cipher


def phone_digest(cipher: Cipher, phone: str) -> str:
    """Return what a booking's telephone number is found by."""
    return cipher.digest(phone, "bookings.phone")


def person_digest(cipher: Cipher, phone: str, for_whom: str) -> str:
    """Return what tells two people apart who book, so that nobody sits in two places at one time."""
    return cipher.digest(f"{phone}|{for_whom}", "bookings.person")

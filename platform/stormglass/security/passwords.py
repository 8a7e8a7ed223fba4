"""Passwords: argon2id, off the event loop, a few at a time.

Parameters: RFC 9106's second recommendation (64 MiB, 3 passes, 4 lanes) is what argon2-cffi ships as its default; at
most `_PARALLEL` hashes run at once so that log-ins cannot take all memory or all cores.
"""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

_PARALLEL = 2
_hasher = PasswordHasher()
_slots = asyncio.Semaphore(_PARALLEL)


async def hash_password(password: str) -> str:
    """The encoded argon2id hash of `password`, with its salt and parameters."""
    async with _slots:
        return await asyncio.to_thread(_hasher.hash, password)


async def password_fits(encoded: str | None, password: str) -> bool:
    """Whether `password` is the one behind `encoded`.

    None (no such account) takes as long as a wrong password, so that the time does not tell which accounts exist.
    """
    async with _slots:
        return await asyncio.to_thread(_fits, encoded, password)


def _fits(encoded: str | None, password: str) -> bool:
    try:
        return _hasher.verify(encoded or _nobody(), password) and encoded is not None
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


_nobodys_hash: list[str] = []


def _nobody() -> str:
    """A hash that fits no password anybody sends, made once, with the same parameters as every other."""
    if not _nobodys_hash:
        _nobodys_hash.append(_hasher.hash("the password of an account that does not exist"))
    return _nobodys_hash[0]

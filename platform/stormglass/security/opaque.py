"""Credentials that mean nothing by themselves: browser sessions, refresh tokens, API keys; how they are made and look.

Each holds 256 random bits, so that a plain SHA-256 of it may be stored: there is nothing to guess that salt or a slow
hash would protect. The form of an API key is public and fixed (prefix `sgk_`), so that scanners find leaked ones.
"""

import hashlib
import re
import secrets
from typing import NamedTuple, Self

SESSION_COOKIE = "__Host-session"
"""The browser keeps a cookie of this prefix only if it is secure, for this host alone and for the path `/`."""

API_KEY_HEADER = "X-API-Key"

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_API_KEY = re.compile(r"sgk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def new_secret() -> str:
    """256 random bits, base64url without padding (43 characters)."""
    return secrets.token_urlsafe(32)


def looks_like_secret(text: str) -> bool:
    """Whether `text` has the form of `new_secret()`: nobody need be asked about anything else."""
    return _SECRET.fullmatch(text) is not None


def digest(secret: str) -> bytes:
    """What is stored of a secret: its SHA-256."""
    return hashlib.sha256(secret.encode()).digest()


class ApiKey(NamedTuple):
    """An API key: `sgk_<prefix>_<secret>`. The prefix tells its owner which one it is, and is no secret."""

    prefix: str
    secret: str

    def __str__(self) -> str:
        return f"sgk_{self.prefix}_{self.secret}"

    @classmethod
    def new(cls) -> Self:
        """A new key."""
        return cls("".join(secrets.choice(_ALPHABET) for _ in range(12)), new_secret())

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The parts of a key; None if `text` does not have the form of one."""
        match = _API_KEY.fullmatch(text)
        return cls(match[1], match[2]) if match else None

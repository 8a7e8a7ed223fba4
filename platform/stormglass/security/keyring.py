"""The signing keys of access tokens as files in one directory; what each is for follows from the files' names alone.

    signing_key                      the first one: signs from the beginning
    signing_key.20261125T011500Z     signs from this moment on (UTC)

A key signs until the next one does. It is published from the moment its file is there, so that verifiers know it before
they meet it, until the last token that it signed has expired. So whoever only reads, and nobody but the clock, takes a
rotation from one state to the next; and a key whose file is removed is withdrawn.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from stormglass.security.tokens import TOKEN_SECONDS, SigningKey

FIRST = "signing_key"
"""Name of an instance's first key."""

MAX_AGE_SECONDS = 30
"""How long verifiers may keep the published keys (`max-age`); ours ask again after three quarters of it."""

LEAD_SECONDS = 60
"""How long a new key is published before it signs: twice `MAX_AGE_SECONDS`, so that even a verifier whose first attempt
to refresh failed knows the key in time."""

SKEW_SECONDS = 60
"""How far clocks may differ: what a token's life is extended by before its key is withdrawn."""

_NAME = re.compile(rf"{FIRST}(?:\.(\d{{8}}T\d{{6}}Z))?")
_STAMP = "%Y%m%dT%H%M%SZ"


class KeyRingError(ValueError):
    """The directory holds no usable ring; the text names the file, and what is wrong with it."""


class KeyState(StrEnum):
    """Where a key stands: published but not used yet, used, published for the tokens it signed, or withdrawn."""

    NEXT = "next"
    SIGNING = "signing"
    RETIRING = "retiring"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class RingKey:
    """One key. Times are seconds since the epoch: 0 for the beginning, infinite while no successor is known."""

    path: Path
    key: SigningKey
    signs_from: float
    signs_until: float

    @property
    def published_until(self) -> float:
        """When the last token that it may have signed has expired."""
        return self.signs_until + TOKEN_SECONDS + SKEW_SECONDS


class Ring:
    """Some keys in the order in which they sign; at least one."""

    def __init__(self, keys: Iterable[RingKey]) -> None:
        self.keys = tuple(keys)

    def signing(self, now: float) -> RingKey:
        """The key that signs at this moment: the youngest that is due, or the first of all."""
        return [key for key in self.keys if key is self.keys[0] or key.signs_from <= now][-1]

    def state(self, key: RingKey, now: float) -> KeyState:
        """Where one of the keys stands at this moment."""
        if key.path == self.signing(now).path:
            return KeyState.SIGNING
        if key.signs_from > now:
            return KeyState.NEXT
        return KeyState.RETIRING if now < key.published_until else KeyState.GONE

    def published(self, now: float) -> list[RingKey]:
        """The keys that verifiers should know at this moment."""
        return [key for key in self.keys if self.state(key, now) is not KeyState.GONE]


def files(directory: Path) -> list[Path]:
    """The files that hold keys, in the order in which these sign."""
    # the bare name sorts first, the others by their time
    return sorted(path for path in directory.iterdir() if _NAME.fullmatch(path.name))


def read(directory: Path) -> Ring:
    """The ring that lies in a directory.

    Raises:
        KeyRingError: there is none, or one of its files holds no Ed25519 key.
    """
    try:
        paths = files(directory)
        begins = [_signs_from(path) for path in paths]
        ends = [*begins[1:], float("inf")]
        # not strict: where there is no key, there is an end all the same
        keys = [RingKey(path, _key(path), *span) for path, *span in zip(paths, begins, ends, strict=False)]
    except OSError as error:
        raise KeyRingError(f"{error.filename or directory}: {error.strerror}") from error
    if not keys:
        raise KeyRingError(f"{directory} holds no file {FIRST} and none with a time after that name")
    return Ring(keys)


def name_of(signs_from: float) -> str:
    """Name of the file of a key that signs from this moment on (whole seconds)."""
    return f"{FIRST}.{datetime.fromtimestamp(signs_from, UTC).strftime(_STAMP)}"


def new_pem() -> str:
    """A new key, as text for its file."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _signs_from(path: Path) -> float:
    stamp = path.name.removeprefix(FIRST).removeprefix(".")
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC).timestamp() if stamp else 0.0
    except ValueError as error:
        raise KeyRingError(f"{path}: {stamp} is no moment in time") from error


def _key(path: Path) -> SigningKey:
    try:
        return SigningKey(SecretStr(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise KeyRingError(f"{path}: not an Ed25519 key in PEM form") from error

"""Changing the signing keys of an instance, and seeing how far the change has come."""

import math
import time
from dataclasses import dataclass
from pathlib import Path

from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.files import write_private
from stormglass.runtime.instance import Instance
from stormglass.runtime.lock import locked
from stormglass.security import keyring
from stormglass.security.keyring import KeyRingError, KeyState, Ring, RingKey

LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Rotation:
    """What was changed: the new key, and which keys' files were removed."""

    new: RingKey
    removed: list[str]


def directory(instance: Instance) -> Path:
    """Where the keys lie: among the secrets of the users service."""
    return instance.secrets / "users"


def ring(instance: Instance) -> Ring:
    """The keys of an instance; `RuntimeFailure` if they cannot be read."""
    try:
        return keyring.read(directory(instance))
    except KeyRingError as error:
        raise RuntimeFailure(f"{error}: put the file right, or `stormglass keys rotate --now`") from error


def rotate(instance: Instance, *, at_once: bool = False) -> Rotation:
    """Add a key that signs once every verifier knows it, and remove the keys whose last token has expired.

    `at_once` is for a key that has leaked: the new one signs immediately and all others are withdrawn, whatever tokens
    they signed.

    Raises:
        RuntimeFailure: the last rotation has not come to its end, or the keys cannot be read or written.
    """
    with locked(instance.run / "keys.lock", wait_seconds=LOCK_SECONDS):
        now = time.time()
        if at_once:
            others = keyring.files(directory(instance))
            path = _add(instance, math.floor(now))
        else:
            known = ring(instance)
            if known.keys[-1].signs_from > now:
                wait = known.keys[-1].signs_from - now
                raise RuntimeFailure(
                    f"the last rotation is under way: its key signs in {wait:.0f} s; wait for it, or use --now if a"
                    " key has leaked"
                )
            others = [key.path for key in known.keys if known.state(key, now) is KeyState.GONE]
            path = _add(instance, math.ceil(now) + keyring.LEAD_SECONDS)
        # only when the new one is there: whoever reads in between must find a key
        removed = [other for other in others if other != path]
        for other in removed:
            other.unlink(missing_ok=True)
        return Rotation(ring(instance).keys[-1], [other.name for other in removed])


def _add(instance: Instance, signs_from: int) -> Path:
    path = directory(instance) / keyring.name_of(signs_from)
    write_private(path, keyring.new_pem())
    return path

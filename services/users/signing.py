"""The keys that tokens are signed with, as they lie on disk now: a rotation needs no restart.

The files are only read, so they may be mounted read-only; who adds and removes them is `stormglass keys`.
"""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import NoReturn

from stormglass.security import keyring
from stormglass.security.keyring import KeyRingError, KeyState, Ring
from stormglass.security.tokens import SigningKey
from stormglass.settings import SettingsError
from stormglass.telemetry import names
from stormglass.telemetry.logs import logger

LOOK_SECONDS = 1.0
"""Between two looks at the files: a small part of the lead that a new key is published with."""

_log = logger(__name__)


class SigningKeys:
    """The ring in a directory. `look()` reads what has changed; a ring that cannot be read leaves the last good one.

    Raises:
        SettingsError: there is no good one to begin with.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            self._ring: Ring = keyring.read(directory)
        except KeyRingError as error:
            raise SettingsError(f"signing keys: {error}") from error
        self._seen: object = None
        self._told: object = None
        self._problem = ""
        self._tell()

    @property
    def current(self) -> SigningKey:
        """The key that signs now."""
        return self._ring.signing(time.time()).key

    @property
    def published(self) -> list[SigningKey]:
        """The keys whose public halves verifiers need now."""
        return [key.key for key in self._ring.published(time.time())]

    async def run(self) -> NoReturn:
        """Look again and again."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Read the ring again if its files have changed, and tell what follows from them and from the clock."""
        try:
            seen = [(path.name, path.stat().st_mtime_ns) for path in keyring.files(self._directory)]
            if seen != self._seen:
                self._ring = keyring.read(self._directory)
                self._seen, self._problem = seen, ""
        except (OSError, KeyRingError) as error:
            names.FALLBACKS.counter().labels("signing_keys", "last_good_keys").inc()
            if str(error) != self._problem:
                self._problem = str(error)
                _log.error("signing keys not read", reason=self._problem, kept=len(self._ring.keys))
        self._tell()

    def _tell(self) -> None:
        now = time.time()
        states = {key.key.key_id: self._ring.state(key, now) for key in self._ring.keys}
        counts = Counter(states.values())
        for state in (KeyState.NEXT, KeyState.SIGNING, KeyState.RETIRING):
            names.SIGNING_KEYS.gauge().labels(state.value).set(counts[state])
        if states != self._told:
            self._told = states
            _log.info("signing keys", keys={key_id: state.value for key_id, state in states.items()})

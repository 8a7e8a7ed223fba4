"""Waiting for whoever is fetching: one of us asks for all who wait for the same resource."""

import asyncio
import time

from services.gateway.cache.store import Store

INTERVAL_SECONDS = 0.02
"""Between two looks: a service answers in some milliseconds, and who waits has waited for that anyway."""


IN_VAIN_SECONDS = 2.0
"""How long nobody waits for a resource whose answer could not be stored: it could not be shared either."""

MAX_IN_VAIN = 1000


class Waiting:
    """Those who wait, by resource."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._in_vain: dict[str, float] = {}

    def worth_it(self, key: str) -> bool:
        """Whether what another one fetches may be of use."""
        return time.monotonic() >= self._in_vain.get(key, 0.0)

    def learn(self, key: str, *, shared: bool) -> None:
        """Whether an answer could be shared in the end."""
        self._in_vain.pop(key, None)
        if not shared:
            self._in_vain[key] = time.monotonic() + IN_VAIN_SECONDS
            if len(self._in_vain) > MAX_IN_VAIN:
                del self._in_vain[next(iter(self._in_vain))]

    async def until_fetched(self, key: str) -> None:
        """Return when nobody is fetching the resource any longer; or at the end of patience: then the service is slow,
        or the fetcher is gone, and everybody asks for themselves.
        """  # noqa: D205 - one sentence
        task = self._looking.get(key)
        if task is None:
            task = asyncio.create_task(self._look(key))
            self._looking[key] = task
            task.add_done_callback(lambda _: self._looking.pop(key, None))
        # whoever goes must not take the others' look-out along
        await asyncio.shield(task)

    async def _look(self, key: str) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._store.patience
        while loop.time() < end and await self._store.claimed(key):  # noqa: ASYNC110 - it is Redis that is asked
            await asyncio.sleep(INTERVAL_SECONDS)

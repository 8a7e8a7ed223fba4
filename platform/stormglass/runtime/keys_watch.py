"""How far a change of the signing keys has come: asked of the users service and of the gateways themselves."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from stormglass.runtime import keys, probe, wanted
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance
from stormglass.runtime.network import HostPort
from stormglass.security.keyring import MAX_AGE_SECONDS, RingKey

PATH = "/.well-known/jwks.json"

LATE_SECONDS = 30.0
"""How much longer than it should take a step is waited for."""

POLL_SECONDS = 0.5

_REFRESHED = re.compile(r"^gateway_keys_refreshed_timestamp_seconds (\S+)$", re.MULTILINE)

Say = Callable[[str], None]


async def published(instance: Instance) -> dict[str, list[str]]:
    """Ids of the keys that each replica of the users service publishes; none of one that does not answer."""
    return {name: await _ids(instance.endpoint("users", number)) for name, number in _replicas(instance, "users")}


async def behind(instance: Instance) -> list[str]:
    """Which replicas of the users service publish something else than the keys on disk, in words."""
    wanted_ids = {key.key.key_id for key in keys.ring(instance).published(time.time())}
    return [
        f"{name} does not publish the keys as they are on disk"
        for name, ids in (await published(instance)).items()
        if set(ids) != wanted_ids
    ]


async def complete(instance: Instance, new: RingKey, say: Say) -> None:
    """Wait until every users replica publishes the ring, every gateway has asked since, and the new key signs.

    Raises:
        RuntimeFailure: a step takes much longer than it should; the text says who is late.
    """
    await _until(lambda: behind(instance), LATE_SECONDS, say)
    since = time.time()
    await _until(lambda: _uninformed(instance, since), MAX_AGE_SECONDS + LATE_SECONDS, say)
    if (left := new.signs_from - time.time()) > 0:
        say(f"every gateway knows the new key; it signs in {left:.0f} s")
        await asyncio.sleep(left)


async def _until(who_is_late: Callable[[], Awaitable[list[str]]], seconds: float, say: Say) -> None:
    until = time.monotonic() + seconds
    told = ""
    while late := ", ".join(await who_is_late()):
        if late != told:
            told = late
            say(f"waiting: {late}")
        if time.monotonic() > until:
            raise RuntimeFailure(f"the rotation is not complete: {late}; `stormglass status` tells more")
        await asyncio.sleep(POLL_SECONDS)


async def _uninformed(instance: Instance, since: float) -> list[str]:
    return [
        f"{name} has not asked for the keys since"
        for name, number in _replicas(instance, "gateway")
        if await _refreshed(instance.endpoint("gateway:admin", number)) < since
    ]


def _replicas(instance: Instance, name: str) -> list[tuple[str, int]]:
    if name not in wanted.read(instance):
        return []
    process = instance.topology[name]
    return [(process.replica_name(number), number) for number in range(1, instance.replicas_of(process) + 1)]


async def _ids(at: HostPort) -> list[str]:
    try:
        async with asyncio.timeout(probe.SECONDS):
            return [str(key["kid"]) for key in (await probe.http_json(at, PATH))["keys"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


async def _refreshed(at: HostPort) -> float:
    """When a gateway asked for the keys it has; 0 if it does not say."""
    try:
        async with asyncio.timeout(probe.SECONDS):
            _, metrics = await probe.http_get(at, "/metrics")
    except OSError:
        return 0.0
    found = _REFRESHED.search(metrics.decode(errors="replace"))
    return float(found[1]) if found else 0.0

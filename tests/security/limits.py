"""The gateways' limits, for a while: wide ones for tests that ask thousands of things, the real ones for the others."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from stormglass.runtime.launch import unrouted
from stormglass.runtime.overrides import clear_override, set_override
from stormglass.testing import Platform, eventually

WIDE = {f"STORMGLASS_GATEWAY_{policy}_PER_MINUTE": "1000000" for policy in ("RATE", "LOG_INS", "REFUSED")}


def _replicas(platform: Platform) -> list[str]:
    return [process.replica_name(number) for process, number in platform.instance.places() if process.name == "gateway"]


def _apply(platform: Platform, *, wanted: bool) -> None:
    for replica in _replicas(platform):
        if wanted:
            set_override(platform.instance, replica, WIDE)
        else:
            clear_override(platform.instance, replica, WIDE)
    platform.run("restart", "gateway")
    # ready by their own word; the edge sends them requests once its own health check has seen it
    eventually(lambda: not asyncio.run(unrouted(platform.instance, {"gateway"})), what="the edge has both gateways")


def widen(platform: Platform) -> None:
    """As good as no limits, until `restore`."""
    _apply(platform, wanted=True)


def restore(platform: Platform) -> None:
    """The limits as they are; the thousands of requests that came under wide ones do not count."""
    _apply(platform, wanted=False)
    _forget(platform)


def _forget(platform: Platform) -> None:
    """Forget what was counted, for all callers and addresses."""
    host, _, port = platform.address("redis").rpartition(":")
    with redis.Redis(host=host, port=int(port), password=platform.secret("redis", "password")) as client:
        for key in client.scan_iter("limit:*", count=1000):
            client.delete(key)


@contextmanager
def real(platform: Platform) -> Iterator[None]:
    """The limits as they are, among tests with wide ones."""
    restore(platform)
    try:
        yield
    finally:
        widen(platform)


@contextmanager
def wide(platform: Platform) -> Iterator[None]:
    """Wide limits, among tests with the real ones."""
    widen(platform)
    try:
        yield
    finally:
        restore(platform)

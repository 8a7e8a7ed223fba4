"""What processes hold: descriptors and memory, by replica."""

import resource
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from stormglass.testing import Platform

Processes = Mapping[str, psutil.Process]


@dataclass(frozen=True)
class Held:
    """Open descriptors, and resident memory in MiB."""

    descriptors: int
    mebibytes: float


def processes(platform: Platform, *names: str) -> Processes:
    """The replicas whose names begin like this."""
    rows = platform.json("status")["rows"]
    found = {each["replica"]: psutil.Process(each["pid"]) for each in rows if each["replica"].startswith(names)}
    assert found
    return found


def held(watched: Processes) -> dict[str, Held]:
    """What they hold now."""
    return {name: Held(p.num_fds(), p.memory_info().rss / 1024**2) for name, p in watched.items()}


def allow_descriptors(wanted: int) -> None:
    """Raise this process' own limit, which is 256 on some systems."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

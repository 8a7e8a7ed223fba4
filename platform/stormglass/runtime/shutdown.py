"""`down`: the layers in reverse, each asked with SIGTERM, given its drain, then killed; nothing is left behind."""

import shutil
import time
from collections.abc import Callable

from stormglass.runtime import leftovers, overrides, wanted
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance, load, lock_path
from stormglass.runtime.lock import locked
from stormglass.runtime.manager import Manager
from stormglass.runtime.progress import Report, Step

POLL_SECONDS = 0.05
SPARE_SECONDS = 5.0
"""On top of a process' own `stop_seconds`, after which the manager itself sends SIGKILL."""


def down(name: str, *, report: Report, purge: bool = False) -> Instance:
    """Stop an instance and, with `purge`, remove everything it ever kept."""
    instance = load(name)
    with locked(lock_path(name), wait_seconds=30):
        stop(instance, Manager(instance), report)
        if purge:
            shutil.rmtree(instance.directory)
    return instance


def stop(instance: Instance, manager: Manager, report: Report) -> None:
    """Stop everything of an instance, supervised or not, under the lock that the caller holds."""
    wanted.remove(instance)
    overrides.forget(instance)
    if manager.alive():
        stop_replicas(instance, manager, set(manager.infos()), report)
        manager.shutdown()
        _wait(lambda: not manager.alive(), SPARE_SECONDS)
    for name in leftovers.end(instance):
        if name != "manager":
            report(Step(name, "stopped", detail="nobody looked after it any more"))
    (instance.run / "manager.pid").unlink(missing_ok=True)


def stop_replicas(instance: Instance, manager: Manager, names: set[str], report: Report) -> None:
    """Stop these replicas, the last layer first; each layer has ended before the next is asked."""
    for layer in reversed(instance.topology.layers()):
        infos = manager.infos()
        stopping = {
            name: process.stop_seconds
            for process in layer
            for number in range(1, process.places + 1)
            if (name := process.replica_name(number)) in names and infos[name].state not in _STOPPED
        }
        since = time.monotonic()
        for name in stopping:
            report(Step(name, "stopping"))
            if infos[name].pid:
                manager.signal(name, "CONT")  # one that was frozen by an experiment hears nothing else
            manager.stop_process(name)
        _await_stopped(manager, stopping, since, report)


_STOPPED = {"STOPPED", "EXITED", "FATAL"}


def _await_stopped(manager: Manager, stopping: dict[str, float], since: float, report: Report) -> None:
    left = dict(stopping)
    while left:
        infos = manager.infos()
        for name in [name for name in left if infos[name].state in _STOPPED]:
            report(Step(name, "stopped", time.monotonic() - since))
            del left[name]
        if left and time.monotonic() - since > max(left.values()) + SPARE_SECONDS:
            raise RuntimeFailure(f"still running after SIGKILL: {', '.join(left)}; see `stormglass status`")
        if left:
            time.sleep(POLL_SECONDS)


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(POLL_SECONDS)

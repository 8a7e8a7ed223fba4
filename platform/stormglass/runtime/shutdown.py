"""`down`: the layers in reverse, each asked with SIGTERM, given its drain, then killed; nothing is left behind."""

import shutil
import time
from collections.abc import Callable

from stormglass.runtime import leftovers, overrides, wanted
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance, load, lock_path, reachable
from stormglass.runtime.lock import locked
from stormglass.runtime.manager import Manager
from stormglass.runtime.progress import Report, Step

POLL_SECONDS = 0.05
SPARE_SECONDS = 5.0
"""On top of a process' own `stop_seconds`, after which the manager itself sends SIGKILL."""

FAULTS_SECONDS = 30.0
"""For the keeper to take back whatever is still broken; most undos take well below a second."""


def down(name: str, *, report: Report, purge: bool = False) -> Instance:
    """Stop an instance and, with `purge`, remove everything it ever kept."""
    instance = load(name)
    # before the lock is taken: undoing a scale-down takes it too
    _end_faults(instance, report)
    with locked(lock_path(name), wait_seconds=30):
        stop(instance, Manager(instance), report)
        if purge:
            shutil.rmtree(instance.directory)
    return instance


def _end_faults(instance: Instance, report: Report) -> None:
    """Have the keeper of faults take back what was broken on purpose, while everything it needs is still running."""
    address = instance.address("faults")
    if instance.direct or not reachable(address):
        return
    import httpx

    try:
        answer = httpx.delete(f"http://{address}/faults", timeout=FAULTS_SECONDS, trust_env=False).json()
        cleared, failed = len(answer["cleared"]), len(answer["failed"])
    except (httpx.HTTPError, ValueError, KeyError) as error:
        report(
            Step("faults", "left", detail=f"the keeper did not clear them ({type(error).__name__}); they end with us")
        )
        return
    if cleared or failed:
        report(
            Step("faults", "cleared", detail=f"{cleared} taken back" + (f", {failed} could not be" if failed else ""))
        )


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

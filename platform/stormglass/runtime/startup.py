"""`up`: from whatever the last exit left behind to an instance whose every process is ready."""

import asyncio
import shutil
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from stormglass.runtime import leftovers, ports, provision, vault, wanted
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance, exists, load, lock_path, state_root
from stormglass.runtime.launch import Launch
from stormglass.runtime.lock import locked
from stormglass.runtime.manager import Manager
from stormglass.runtime.optional import OPTIONAL
from stormglass.runtime.programs import available
from stormglass.runtime.progress import Report, Step
from stormglass.runtime.render.files import write_all
from stormglass.runtime.shutdown import stop, stop_replicas
from stormglass.topology import TOPOLOGY, Kind


def up(
    name: str,
    *,
    report: Report,
    fresh: bool = False,
    only: Iterable[str] = (),
    base_port: int | None = None,
    direct: bool = False,
    sample_ratio: float | None = None,
) -> Instance:
    """Start an instance, or what is missing of it. On failure (or Ctrl-C) what this call started is stopped again."""
    with locked(lock_path(name)):
        instance = prepare(name, base_port, direct=direct, sample_ratio=sample_ratio)
        manager = Manager(instance)
        if fresh and exists(name):
            stop(instance, manager, report)
            shutil.rmtree(instance.data, ignore_errors=True)
            shutil.rmtree(instance.logs, ignore_errors=True)
            instance.save()
        start(instance, manager, with_needs(only, direct=instance.direct), report)
        return instance


def prepare(
    name: str, base_port: int | None = None, *, direct: bool = False, sample_ratio: float | None = None
) -> Instance:
    """The recorded instance, or a new one with ports and directories of its own.

    `direct` leaves the fault proxies out; a running instance stays what it is, whatever is asked later. `sample_ratio`
    replaces the one that is recorded; what is running and samples is started anew then.
    """
    root = state_root()
    if exists(name, root):
        instance = load(name, root)
        if not Manager(instance).alive():
            port = instance.base_port if base_port is None else base_port
            instance = replace(instance, base_port=port, direct=direct)
        elif base_port not in {None, instance.base_port}:
            raise RuntimeFailure(f"instance {name} runs at port {instance.base_port}: stop it before it can move")
        elif direct and not instance.direct:
            raise RuntimeFailure(f"instance {name} runs with fault proxies: stop it before it can run without")
    else:
        port = ports.choose_base(name, root) if base_port is None else base_port
        instance = Instance(name, root, port, direct=direct)
    if sample_ratio is not None:
        instance = replace(instance, sample_ratio=sample_ratio)
    instance.save()
    vault.ensure(instance)
    return instance


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Cleaning up is not itself ended half-way by an impatient second Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def with_needs(only: Iterable[str], *, direct: bool = False) -> set[str]:
    """The processes named, with everything they start after; all of them if none is named."""
    names = set(only) or {process.name for process in TOPOLOGY.processes}
    while needed := {need for name in names for need in TOPOLOGY.needs(TOPOLOGY[name])} - names:
        names |= needed
    return names - TOPOLOGY.faults if direct else names


def start(instance: Instance, manager: Manager, names: set[str], report: Report) -> None:
    """Start these processes under the lock that the caller holds."""
    for process in instance.topology.processes:
        if process.name in names and not available(process):
            report(Step(process.name, "skipped", detail=f"not on PATH: {OPTIONAL[process.kind].advice}"))
            names = names - {process.name}
    running = manager.alive()
    if not running:
        for leftover in leftovers.end(instance):
            report(Step(leftover, "stopped", detail="left over from an earlier run"))
        (instance.run / "manager.pid").unlink(missing_ok=True)
    write_all(instance)
    if "postgres" in names:
        provision.initialise(instance)
    if running:
        manager.reload()
    ports.check_free(instance, _ports_to_open(instance, manager if running else None, names))
    launch = Launch(instance, manager, names, report)
    try:
        if not running:
            manager.start()
        wanted.write(instance, names | (wanted.read(instance) if running else set()))
        asyncio.run(launch.run())
    except BaseException:
        # also for Ctrl-C: whatever ends this start must not leave half a platform behind
        with uninterrupted():
            if running:
                stop_replicas(instance, manager, set(launch.started), report)
            else:
                stop(instance, manager, report)
        raise


def _ports_to_open(instance: Instance, manager: Manager | None, names: set[str]) -> dict[str, int]:
    running = {info.name for info in manager.infos().values() if info.pid} if manager else set()
    wanted_ports = {} if manager else {"the process manager": instance.manager_port}
    for process, number in instance.places():
        replica = process.replica_name(number)
        if process.name in names and replica not in running:
            for label, port in instance.topology.listening(process, instance.base_port, number).items():
                wanted_ports[replica if label == process.name else f"{replica} ({label})"] = port
            if process.kind is Kind.FAULTPROXY:
                wanted_ports |= {f"the proxy {e.name}": _port(instance.edge_address(e)) for e in instance.edges()}
    return wanted_ports


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])

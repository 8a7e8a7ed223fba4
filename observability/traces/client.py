"""Reads traces from a server with Tempo's API: our trace store, or Tempo itself."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from observability.traces.ids import InvalidTraceIdError, parse_trace_id
from observability.traces.model import Trace, trace_of
from stormglass.runtime.errors import RuntimeFailure

SHORTEST_PREFIX = 8
"""Hexadecimal digits: what people copy out of a log line; among 5,000 traces two share them once in 340 times."""

QUIET_SECONDS = 1.5
"""A trace is complete when nothing was added for so long: three export intervals of our services."""

ORDER_PLACED = '{ span.http.request.method = "POST" && span.http.route = "/orders" }'

_POLL_SECONDS = 0.25
_SEARCHED = 5_000
_HTTP_TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Found:
    """One line of a search result."""

    trace_id: str
    root_service: str
    root_name: str
    start_ns: int
    duration_ms: int


class TraceClient:
    """An asynchronous client; use it as a context manager. Failures are `RuntimeFailure`s that say what to do."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=_HTTP_TIMEOUT_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def trace(self, trace_id: str) -> Trace | None:
        """One trace, None if no span of it has arrived."""
        padded = parse_trace_id(trace_id).hex()
        body = await self._get(f"/api/traces/{padded}", {}, accept="application/protobuf")
        return None if body is None else trace_of(TracesData.FromString(body), padded)

    async def search(self, query: str = "{}", *, limit: int = 20) -> list[Found]:
        """Traces that match a TraceQL query, newest first."""
        from json import loads

        body = await self._get("/api/search", {"q": query, "limit": str(limit)}, accept="application/json")
        found = [
            Found(
                # Tempo leaves leading zeros out
                trace_id=str(item["traceID"]).zfill(32),
                root_service=item.get("rootServiceName", ""),
                root_name=item.get("rootTraceName", ""),
                start_ns=int(item.get("startTimeUnixNano", 0)),
                duration_ms=int(item.get("durationMs", 0)),
            )
            for item in loads(body or b"{}").get("traces", [])
        ]
        return sorted(found, key=lambda one: one.start_ns, reverse=True)

    async def resolve(self, text: str) -> str:
        """The full id that `text`, an id or the beginning of one, stands for; a full id is not looked up."""
        try:
            padded = parse_trace_id(text).hex()
        except InvalidTraceIdError as error:
            raise RuntimeFailure(str(error)) from None
        if len(text) == len(padded):
            return padded
        if len(text) < SHORTEST_PREFIX:
            raise RuntimeFailure(f"{text!r} is too short: give at least {SHORTEST_PREFIX} digits of the trace id")
        recent = await self.search(limit=_SEARCHED)
        matches = [one.trace_id for one in recent if one.trace_id.startswith(text.lower()) or one.trace_id == padded]
        if len(matches) > 1:
            raise RuntimeFailure(f"{text!r} is the beginning of {len(matches)} traces: {', '.join(matches[:5])}")
        if not matches:
            raise RuntimeFailure(f"no trace begins with {text!r}; `stormglass trace --last` shows the newest order")
        return matches[0]

    async def newest_order(self) -> Found | None:
        """The newest trace in which an order was placed; without one, the newest that begins with a POST, or any."""
        # several: Tempo answers in the order in which it finds them
        if orders := await self.search(ORDER_PLACED, limit=50):
            return orders[0]
        recent = await self.search(limit=50)
        return next((one for one in recent if "POST" in one.root_name), recent[0] if recent else None)

    async def complete(self, trace_id: str, seconds: float) -> tuple[Trace | None, bool]:
        """Poll until the trace is complete, at most `seconds`: what has arrived by then, and whether it is complete.

        Complete means that every parent has arrived and that no span was added for `QUIET_SECONDS`.
        """
        now = time.monotonic()
        give_up, changed_at, known = now + seconds, now, 0
        while True:
            trace = await self.trace(trace_id)
            now = time.monotonic()
            size = len(trace.spans) if trace else 0
            if size != known:
                known, changed_at = size, now
            if trace and not trace.missing_parents and now - changed_at >= QUIET_SECONDS:
                return trace, True
            if now >= give_up:
                return trace, False
            await asyncio.sleep(_POLL_SECONDS)

    async def _get(self, path: str, parameters: Mapping[str, str], *, accept: str) -> bytes | None:
        if self._session is None:
            raise RuntimeError("use TraceClient as a context manager")
        try:
            async with self._session.get(self._url + path, params=parameters, headers={"Accept": accept}) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise RuntimeFailure(
                f"no answer from the trace store at {self._url} ({error or type(error).__name__}): "
                "is it running? `stormglass status` tells, `stormglass up` starts it"
            ) from None
        if answer.status == 404:
            return None
        if answer.status != 200:
            text = body[:300].decode(errors="replace")
            raise RuntimeFailure(f"the trace store at {self._url} answered {answer.status} to {path}: {text}")
        return body

"""Who calls whom: a client span with the server span below it, a message's sender with whoever processes it.

Either may arrive first. A half whose other half never arrives is given up after `WAIT_SECONDS`: then a named server
gets a node of its own, and anything else is counted as unpaired. A server span without a parent was called by `user`.
"""

from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client import Counter, Histogram

from observability.traces.far_end import MESSAGING, VIRTUAL
from observability.traces.generator.series import Bounded, Labels
from observability.traces.rows import SpanRow
from stormglass.telemetry import names

WAIT_SECONDS = 30.0
"""Longer than any export is delayed, and than a job waits in a queue that works."""

MAX_WAITING = 20_000
"""Halves that wait, about 300 bytes each."""

USER = "user"
_CALLING = frozenset({Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_PRODUCER})
_CALLED = frozenset({Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CONSUMER})


class _Half(NamedTuple):
    """One side of a call. `guess` is what a client calls its server; `since` is when the half arrived."""

    service: str
    seconds: float
    failed: bool
    calling: bool
    queue: bool
    guess: str
    since: float
    paired: bool = False


class _Series(NamedTuple):
    requests: Counter
    failed: Counter
    client_seconds: Histogram
    server_seconds: Histogram


def _make(labels: Labels) -> _Series:
    return _Series(
        names.SERVICE_GRAPH_REQUESTS.counter().labels(*labels),
        names.SERVICE_GRAPH_FAILED.counter().labels(*labels),
        names.SERVICE_GRAPH_CLIENT.histogram().labels(*labels),
        names.SERVICE_GRAPH_SERVER.histogram().labels(*labels),
    )


_Key = tuple[bytes, bytes]
"""Trace id, and span id of the calling side."""


class ServiceGraph:
    """Pairs the two sides of calls. Times given to it come from one clock that never goes back, in seconds."""

    def __init__(self, *, wait_seconds: float = WAIT_SECONDS, max_waiting: int = MAX_WAITING) -> None:
        self._wait = wait_seconds
        self._most = max_waiting
        # by their arrival: a dictionary keeps the order
        self._waiting: dict[_Key, _Half] = {}
        self._edges = Bounded("service_graph", names.MAX_EDGES, _make)
        self._unpaired = Bounded(
            "service_graph", names.MAX_EDGES, lambda of: names.SERVICE_GRAPH_UNPAIRED.counter().labels(*of)
        )

    def observe(self, span: SpanRow, now: float) -> None:
        """Take one span into account; one that neither calls nor is called is passed over."""
        if span.kind in _CALLING:
            self._calling(span, now)
        elif span.kind in _CALLED:
            self._called(span, now)

    def expire(self, now: float) -> None:
        """Give up the halves that have waited long enough."""
        while self._waiting:
            key, half = next(iter(self._waiting.items()))
            if now - half.since < self._wait:
                return
            del self._waiting[key]
            if half.paired:
                continue
            if half.calling and half.guess:
                self._edge(key[0], half, None, half.guess, VIRTUAL)
            else:
                connection = MESSAGING if half.queue else ""
                labels = (half.service, "", connection) if half.calling else ("", half.service, connection)
                self._unpaired.of(labels).inc()

    def _calling(self, span: SpanRow, now: float) -> None:
        half = _half(span, now, calling=True)
        if span.far_end.connection:
            self._edge(span.trace_id, half, None, span.far_end.name, span.far_end.connection)
            return
        key = (span.trace_id, span.span_id)
        other = self._waiting.get(key)
        if other is not None and not other.calling:
            del self._waiting[key]
            self._pair(span.trace_id, half, other)
            half = half._replace(paired=True)
            if not half.queue:
                return
        self._wait_for_other(key, half)

    def _called(self, span: SpanRow, now: float) -> None:
        half = _half(span, now, calling=False)
        key = span.caller
        if key is None:
            self._edge(span.trace_id, None, half, USER, VIRTUAL)
            return
        other = self._waiting.get(key)
        if other is None or not other.calling:
            self._wait_for_other(key, half)
            return
        self._pair(span.trace_id, other, half)
        if other.queue:
            # a message may be delivered again: its sender stays until its time is over
            self._waiting[key] = other._replace(paired=True)
        else:
            del self._waiting[key]

    def _wait_for_other(self, key: _Key, half: _Half) -> None:
        if key in self._waiting or len(self._waiting) >= self._most:
            names.SERVICE_GRAPH_DROPPED.counter().inc()
        else:
            self._waiting[key] = half

    def _pair(self, trace_id: bytes, client: _Half, server: _Half) -> None:
        self._edge(trace_id, client, server, server.service, MESSAGING if client.queue or server.queue else "")

    def _edge(self, trace_id: bytes, client: _Half | None, server: _Half | None, name: str, connection: str) -> None:
        """Count one call; `name` is the side that has no half, or the server's."""
        from_, to = (client.service, name) if client else (name, server.service if server else "")
        series = self._edges.of((from_, to, connection))
        exemplar = {"trace_id": trace_id.hex()}
        series.requests.inc()
        if (client and client.failed) or (server and server.failed):
            series.failed.inc()
        if client:
            series.client_seconds.observe(client.seconds, exemplar)
        if server:
            series.server_seconds.observe(server.seconds, exemplar)


def _half(span: SpanRow, now: float, *, calling: bool) -> _Half:
    return _Half(
        service=span.origin.service,
        seconds=span.seconds,
        failed=span.status == Status.STATUS_CODE_ERROR,
        calling=calling,
        queue=span.kind in {Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER},
        guess=span.far_end.name,
        since=now,
    )

"""The second decision about a trace: a part that failed or was slow is exported although nobody chose the trace.

A part is what one process does under one local root: a span without a parent, or with one in another process. Its
spans wait here until the local root ends. What fails or is slow for a customer fails or is slow in every process on
the way, so that each of them keeps its own part without asking the others.
"""

import threading
from collections.abc import Callable

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import StatusCode

from stormglass.telemetry import names

KEPT_REASON = "sampling.kept.reason"
"""Attribute of every span that is exported by the second decision: `error` or `slow`."""


class _Part:
    __slots__ = ("decided", "failed", "reason", "root", "waiting")

    def __init__(self, root: int) -> None:
        self.root = root
        self.waiting: list[ReadableSpan] = []
        self.failed = False
        self.decided = False
        self.reason = ""


class UnsampledParts(SpanProcessor):
    """Holds ended spans of traces that were not chosen until their part is decided; of other spans it sees nothing.

    `deliver` takes what is kept. At most `limit` ended spans wait, and as many open ones are remembered. Beyond that
    the oldest part loses its spans, which are counted as dropped, and an open span that was forgotten is judged by
    itself when it ends: one that never ends costs its place and nothing more.
    """

    def __init__(self, deliver: Callable[[ReadableSpan], None], *, slow_ms: int, limit: int) -> None:
        self._deliver = deliver
        self._slow_ns = slow_ms * 1_000_000
        self._limit = limit
        self._lock = threading.Lock()
        self._open: dict[int, _Part] = {}  # by span id, the oldest first
        self._waiting: dict[int, _Part] = {}  # parts with spans that wait, by local root, the oldest first
        self._count = 0
        self._ended = names.SPANS_ENDED.counter()
        self._out = names.SPANS_SAMPLED_OUT.counter()
        self._kept = {reason: names.SPANS_KEPT.counter().labels(reason) for reason in ("error", "slow")}
        self._lost = names.SPANS_DROPPED.counter().labels("undecided")
        self._late = names.SPANS_DROPPED.counter().labels("shutdown")
        names.SPANS_UNDECIDED.gauge().set_function(lambda: self._count)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note which part a span belongs to: its parent's, or one of its own."""
        own = span.context
        if own is None or own.trace_flags.sampled:
            return
        above = span.parent
        with self._lock:
            part = None if above is None or above.is_remote else self._open.get(above.span_id)
            self._open[own.span_id] = part or _Part(own.span_id)
            if len(self._open) > self._limit:
                self._forget(next(iter(self._open)))

    def on_end(self, span: ReadableSpan) -> None:
        """Keep an ended span until its part is decided, or treat it as its part was."""
        own = span.context
        if own is None or own.trace_flags.sampled:
            return
        self._ended.inc()
        with self._lock:
            # one that was forgotten, or began after its parent had ended, is a part of its own
            part = self._open.pop(own.span_id, None) or _Part(own.span_id)
            part.failed |= span.status.status_code is StatusCode.ERROR
            if part.root != own.span_id and not part.decided:
                self._hold(part, span)
                return
            spans = [*self._taken(part), span]
            part.reason = part.reason or ("error" if part.failed else "slow" if self._slow(part, span) else "")
            part.decided = True
            reason = part.reason
        if not reason:
            self._out.inc(len(spans))
            return
        self._kept[reason].inc(len(spans))
        for each in spans:
            self._deliver(_marked(each, reason))

    def shutdown(self) -> None:
        """Give up what has not been decided, and count it."""
        with self._lock:
            self._open.clear()
            for part in list(self._waiting.values()):
                self._late.inc(len(self._taken(part)))

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing here can be hurried: a part is decided when it ends."""
        return True

    def _slow(self, part: _Part, span: ReadableSpan) -> bool:
        """Whether the local root took too long; of what outlives it nobody waits for."""
        return part.root == _id(span) and (span.end_time or 0) - (span.start_time or 0) > self._slow_ns

    def _hold(self, part: _Part, span: ReadableSpan) -> None:
        part.waiting.append(span)
        self._waiting[part.root] = part
        self._count += 1
        if self._count > self._limit:
            self._lost.inc(len(self._taken(next(iter(self._waiting.values())))))

    def _taken(self, part: _Part) -> list[ReadableSpan]:
        self._waiting.pop(part.root, None)
        spans, part.waiting = part.waiting, []
        self._count -= len(spans)
        return spans

    def _forget(self, span_id: int) -> None:
        part = self._open.pop(span_id)
        if part.root == span_id and not part.decided:
            # nobody will decide it any more: what of it is still to end is judged by itself
            self._lost.inc(len(self._taken(part)))
            part.decided = True


def _id(span: ReadableSpan) -> int:
    return span.context.span_id if span.context is not None else 0


def _marked(span: ReadableSpan, reason: str) -> ReadableSpan:
    """The same span with the reason it is kept for."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={**(span.attributes or {}), KEPT_REASON: reason},
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )

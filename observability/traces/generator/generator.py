"""From stored spans to metrics, once for each span."""

import time
from collections.abc import Callable, Iterable

from observability.traces.generator.service_graph import ServiceGraph
from observability.traces.generator.span_metrics import SpanMetrics
from observability.traces.rows import SpanRow


class MetricsGenerator:
    """Made for one thread. `clock` is in seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spans = SpanMetrics()
        self._graph = ServiceGraph()

    def observe(self, spans: Iterable[SpanRow]) -> None:
        """Take spans into account that were not seen before."""
        now = self._clock()
        for span in spans:
            self._spans.observe(span)
            self._graph.observe(span, now)

    def tick(self) -> None:
        """Let go of what has waited too long; call it about once a second."""
        self._graph.expire(self._clock())

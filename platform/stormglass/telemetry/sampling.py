"""The first of two decisions about a trace: whoever begins it chooses, by its id, and everybody below follows.

The choice depends on nothing but the trace id and the ratio, by the same rule in Traefik and here, and travels in the
`traceparent`. A trace that was not chosen is recorded all the same, for the second decision (`sampling_parts`).
"""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

RECORDED = StaticSampler(Decision.RECORD_ONLY)
"""For what stands below a span that was not chosen."""


class RecordingRatio(Sampler):
    """Chooses a share of the traces that begin here, and has all others recorded.

    Not the SDK's `AlwaysRecordSampler`: that one loses the attributes a span begins with when the answer is no.
    """

    def __init__(self, ratio: float) -> None:
        self._ratio = TraceIdRatioBased(ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide for a span without a parent."""
        found = self._ratio.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if found.decision is Decision.DROP:
            return SamplingResult(Decision.RECORD_ONLY, attributes, found.trace_state)
        return found

    def get_description(self) -> str:
        """What the SDK shows of it."""
        return f"RecordingRatio{{{self._ratio.rate}}}"


def sampler(ratio: float) -> Sampler:
    """The sampler of a process: its own traces by `ratio` (0 to 1), those begun elsewhere as they come."""
    return ParentBased(RecordingRatio(ratio), remote_parent_not_sampled=RECORDED, local_parent_not_sampled=RECORDED)

"""What telemetry may cost, declared: whoever exceeds a figure makes it cheaper, or says here why it is worth more."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `most` of `what`, and the reason for the number."""

    what: str
    most: int
    why: str


SERIES_PER_PROCESS = Budget(
    "series that a process serves, other than the next two",
    4_000,
    "ours serve 40 to 360 under load, the exporters 100 to 610; a method, route and status that is answered costs 16",
)
SERIES_OF_EDGE = Budget(
    "series that the edge serves",
    10_000,
    "Traefik makes 20 of every method and status at every entry point, router and replica (15 buckets, sum, count, "
    "requests, bytes in and out) and 56 of itself: 60 such sets under load, 370 after the security suite, which asks "
    "for everything in every way there is",
)
SERIES_OF_TRACE_STORE = Budget(
    "series that the trace store serves",
    6_000,
    "what it makes of spans is bounded: 14 for each of 251 kinds of spans, 35 for each of 61 edges, 5,650 in all; its "
    "own are about a hundred; 1,600 altogether under load, 4,400 after the security suite",
)
SERIES_IN_TOTAL = Budget(
    "series in Prometheus",
    40_000,
    "6,300 after a few orders, 30,000 after the security suite, restarts included; at some 4 KiB each in its memory "
    "this is 160 MiB, an eighth of what the whole demo takes",
)
SPANS_PER_ORDER = Budget(
    "spans of an order",
    70,
    "a healthy one has 57; the rest is for a call, a statement or a job that is tried once more",
)
LINES_PER_REQUEST = Budget(
    "log lines of a healthy request", 1, "the gateway's; what the services did is told by their spans"
)
LINES_PER_ORDER = Budget(
    "log lines of an order",
    6,
    "a healthy one has 4: the request, the order, the mail, the job; the rest is for a job that is tried once more",
)

ALL = (
    SERIES_PER_PROCESS,
    SERIES_OF_EDGE,
    SERIES_OF_TRACE_STORE,
    SERIES_IN_TOTAL,
    SPANS_PER_ORDER,
    LINES_PER_REQUEST,
    LINES_PER_ORDER,
)

_SERIES_OF = {"edge": SERIES_OF_EDGE, "traces": SERIES_OF_TRACE_STORE}


def series_of(process: str) -> Budget:
    """What one replica of a process of the topology may serve."""
    return _SERIES_OF.get(process, SERIES_PER_PROCESS)

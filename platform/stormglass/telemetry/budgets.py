"""What telemetry may cost, declared: whoever exceeds a figure makes it cheaper, or says here why it is worth more."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `most` of `what`, and the reason for the number."""

    what: str
    most: int
    why: str


SERIES_PER_PROCESS = Budget(
    "series that one process serves",
    10_000,
    "after a few orders a service serves 200 to 300, the trace store 1,600, Traefik 1,100; after the security suite, "
    "which asks for everything in every way there is, the trace store 4,400 and Traefik 7,400 (17 for each router, "
    "method and status)",
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

ALL = (SERIES_PER_PROCESS, SERIES_IN_TOTAL, SPANS_PER_ORDER, LINES_PER_REQUEST, LINES_PER_ORDER)

"""The gateways: who is let in, how often, and what the shared cache saves."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit, quantiles

_IN = Row(
    "Who gets in",
    (
        Panel(
            "Requests by route",
            "Requests a second that the gateways answered, by route template.",
            Unit.PER_SECOND,
            (
                Query(
                    'sum by (http_route) (rate(http_server_request_duration_seconds_count{service="gateway"}[30s]))',
                    "{{http_route}}",
                ),
            ),
            Shape.STACK,
        ),
        Panel(
            "Refused credentials",
            "Requests a second that showed a bad credential or none where one is wanted, by reason.",
            Unit.PER_SECOND,
            (Query("sum by (reason) (rate(gateway_auth_failures_total[1m]))", "{{reason}}"),),
            moves_under="users signing-key",
        ),
        Panel(
            "Refused by a limit",
            "Requests a second that were told to come later, by policy.",
            Unit.PER_SECOND,
            (Query("sum by (policy) (rate(gateway_rate_limited_total[1m])) or vector(0)", "{{policy}}"),),
        ),
    ),
)

_CACHE = Row(
    "What the shared cache does",
    (
        Panel(
            "Share of reads that no service saw",
            "Reads of the gateways' cache that were answered out of it.",
            Unit.SHARE,
            (
                Query(
                    '(sum(rate(cache_requests_total{cache="gateway",result=~"hit|stale|revalidating|collapsed"}[1m])) or vector(0))'
                    ' / sum(rate(cache_requests_total{cache="gateway"}[1m]))',
                    "answered by the cache",
                ),
            ),
        ),
        Panel(
            "Reads by what became of them",
            "Reads a second: out of the cache, fetched, stale, or past it because Redis is away.",
            Unit.PER_SECOND,
            (Query('sum by (result) (rate(cache_requests_total{cache="gateway"}[30s]))', "{{result}}"),),
            Shape.STACK,
        ),
        Panel(
            "Size of the cache",
            "What all entries take in Redis; beyond 16 MiB the least recently used make room.",
            Unit.BYTES,
            (Query("max(gateway_cache_size_bytes)", "entries"),),
            threshold=Threshold(16 * 2**20, bad=False),
        ),
    ),
)

_OUT = Row(
    "What it waits for",
    (
        Panel(
            "Time of calls to the services",
            "Durations that 95 % of the gateways' calls stay below.",
            Unit.SECONDS,
            quantiles("http_client_request_duration_seconds", 'service="gateway"', "server", shares=(0.95,)),
        ),
        Panel(
            "Calls tried again",
            "Calls a second that were repeated because nothing had been sent.",
            Unit.PER_SECOND,
            (Query('sum by (dependency) (rate(retry_total{service="gateway"}[30s]))', "{{dependency}}"),),
            moves_under="gateway→internal down",
        ),
        Panel(
            "Malformed requests",
            "Requests a second that could be read in two ways, by what was odd.",
            Unit.PER_SECOND,
            (Query("sum by (reason) (rate(gateway_refused_requests_total[1m])) or vector(0)", "{{reason}}"),),
        ),
    ),
)

PAGE = Dashboard(
    "gateway", "Gateway", "Who is let in, how often, and what the shared cache saves.", (_IN, _CACHE, _OUT)
)

"""The gateways: who is let in, how often, and what the shared cache saves."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit, quantiles

_SERVED = '{ resource.service.name = "gateway" && kind = server }'
_CALLS = '{ resource.service.name = "gateway" && kind = client }'

_NOBODY = 'sum by ({0}) (rate({1}[1m])) or label_replace(vector(0), "{0}", "none", "", "")'
_SHARED = 'cache="gateway"'

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
            height=8,
            traces=_SERVED,
            logs="gateway",
        ),
        Panel(
            "Refused credentials",
            "Requests a second that showed a bad credential or none where one is wanted, by reason.",
            Unit.PER_SECOND,
            (Query("sum by (reason) (rate(gateway_auth_failures_total[1m]))", "{{reason}}"),),
            height=8,
            moves_under="users signing-key",
            traces='{ resource.service.name = "gateway" && span.http.response.status_code = 401 }',
            logs="gateway",
        ),
        Panel(
            "Refused by a limit",
            "Requests a second that were told to come later, by policy.",
            Unit.PER_SECOND,
            (Query(_NOBODY.format("policy", "gateway_rate_limited_total"), "{{policy}}"),),
            height=8,
            logs="gateway",
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
                    f'(sum(rate(cache_requests_total{{{_SHARED},result=~"hit|stale|revalidating|collapsed"}}[1m]))'
                    f" or vector(0)) / (sum(rate(cache_requests_total{{{_SHARED}}}[1m])) > 0)",
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
        Panel(
            "Answers to be stored",
            "A second, by what became of them; `invalidated` and `older` are those that came too late.",
            Unit.OPERATIONS,
            (Query("sum by (outcome) (rate(gateway_cache_stores_total[1m]))", "{{outcome}}"),),
        ),
        Panel(
            "Entries that had to go",
            "Entries a second that made room for others, and that a change made worthless.",
            Unit.OPERATIONS,
            (
                Query("sum(rate(gateway_cache_evicted_total[1m]))", "made room"),
                Query("sum(rate(gateway_cache_invalidations_total[1m])) or vector(0)", "changed"),
            ),
        ),
        Panel(
            "Credentials known already",
            "Share of the credentials that had been verified before.",
            Unit.SHARE,
            (
                Query(
                    'sum(rate(gateway_token_cache_requests_total{result="hit"}[1m]))'
                    " / (sum(rate(gateway_token_cache_requests_total[1m])) > 0)",
                    "known",
                ),
            ),
        ),
    ),
)

_OUT = Row(
    "What it waits for",
    (
        Panel(
            "Time of calls to the services",
            "95 % of the gateways' calls are quicker, by the service that is called.",
            Unit.SECONDS,
            quantiles("http_client_request_duration_seconds", 'service="gateway"', "server", shares=(0.95,)),
            traces=_CALLS,
            logs="gateway",
        ),
        Panel(
            "Calls tried again",
            "Calls a second that were repeated because nothing had been sent.",
            Unit.PER_SECOND,
            (Query('sum by (dependency) (rate(retry_total{service="gateway"}[30s]))', "{{dependency}}"),),
            moves_under="gateway→internal down",
            traces=_CALLS,
        ),
        Panel(
            "Malformed requests",
            "Requests a second that could be read in two ways, by what was odd.",
            Unit.PER_SECOND,
            (Query(_NOBODY.format("reason", "gateway_refused_requests_total"), "{{reason}}"),),
        ),
    ),
)

PAGE = Dashboard(
    "gateway", "Gateway", "Who is let in, how often, and what the shared cache saves.", (_IN, _CACHE, _OUT)
)

"""One page: is it healthy, and what is not."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit

_JOURNEYS = 'router=~"browse@file|place-order@file"'

_NUMBERS = Row(
    "",
    (
        Panel(
            "Do customers get answers?",
            "Share of requests at the edge that were answered without a server error.",
            Unit.SHARE,
            (
                Query(
                    f'1 - (sum(rate(traefik_router_requests_total{{{_JOURNEYS},code=~"5.."}}[1m])) or vector(0))'
                    f" / sum(rate(traefik_router_requests_total{{{_JOURNEYS}}}[1m]))"
                ),
            ),
            Shape.NUMBER,
            width=6,
            height=4,
            threshold=Threshold(0.995, below=True),
        ),
        Panel(
            "How long do customers wait?",
            "Duration that 95 % of requests stay below, as the edge saw it.",
            Unit.SECONDS,
            (
                Query(
                    "histogram_quantile(0.95, sum by (le)"
                    f" (rate(traefik_router_request_duration_seconds_bucket{{{_JOURNEYS}}}[1m])))"
                ),
            ),
            Shape.NUMBER,
            width=6,
            height=4,
            threshold=Threshold(0.5),
        ),
        Panel(
            "Orders acknowledged",
            "Orders that were acknowledged, a second.",
            Unit.OPERATIONS,
            (Query('sum(rate(orders_total{outcome="placed"}[1m]))'),),
            Shape.NUMBER,
            width=6,
            height=4,
        ),
        Panel(
            "Replicas out of rotation",
            "Replicas that the load balancer sends nothing to, because their health check fails.",
            Unit.COUNT,
            (Query("count(traefik_service_server_up == 0) or vector(0)"),),
            Shape.NUMBER,
            width=6,
            height=4,
            threshold=Threshold(1),
        ),
    ),
)

_TRAFFIC = Row(
    "What customers see",
    (
        Panel(
            "Requests by status, at the edge",
            "Requests a second by the class of their answer.",
            Unit.PER_SECOND,
            (
                Query(
                    'sum by (class) (label_replace(rate(traefik_entrypoint_requests_total{entrypoint="edge"}[30s]),'
                    ' "class", "${1}xx", "code", "(.).."))',
                    "{{class}}",
                ),
            ),
            Shape.STACK,
        ),
        Panel(
            "Time to the answer, at the edge",
            "Durations that 50, 95 and 99 % of requests stay below; a dot is one request, its trace a click away.",
            Unit.SECONDS,
            tuple(
                Query(
                    f"histogram_quantile({share}, sum by (le)"
                    ' (rate(traefik_entrypoint_request_duration_seconds_bucket{entrypoint="edge"}[30s])))',
                    name,
                    exemplars=share == 0.99,
                )
                for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ),
        ),
        Panel(
            "How fast do the error budgets go?",
            "Times too fast, over the quickest alert's window: at 1 it lasts its period, at 14.4 somebody is woken.",
            Unit.COUNT,
            (Query("slo:current_burn_rate:ratio", "{{slo}}"),),
            threshold=Threshold(14.4),
        ),
    ),
)

_INSIDE = Row(
    "What is not as it should be",
    (
        Panel(
            "Who is in rotation?",
            "Whether the load balancer sends requests to a replica.",
            Unit.COUNT,
            (Query("max by (exported_service) (traefik_service_server_up)", "{{exported_service}}"),),
            Shape.STATES,
            threshold=Threshold(1, below=True),
        ),
        Panel(
            "Answers out of a fallback",
            "Answers a second for which a dependency was done without.",
            Unit.PER_SECOND,
            (Query("sum by (dependency, fallback) (rate(fallback_total[30s]))", "{{dependency}} → {{fallback}}"),),
            moves_under="redis slow",
        ),
        Panel(
            "What waits for the worker?",
            "Age of the oldest event that the queue has not taken yet.",
            Unit.SECONDS,
            (Query("max(outbox_oldest_age_seconds)", "oldest event"),),
            threshold=Threshold(15),
        ),
    ),
)

PAGE = Dashboard(
    "overview",
    "Overview",
    "Is it healthy? If not: what is broken, since when, for whom.",
    (_NUMBERS, _TRAFFIC, _INSIDE),
)

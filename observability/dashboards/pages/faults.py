"""What was broken when, and what customers noticed of it: before, during, after."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit, quantiles

_EDGE = 'entrypoint="edge"'

_BROKEN = Row(
    "What is broken",
    (
        Panel(
            "Faults in place",
            "Faults that are in place or not certainly undone, by kind; the same times are marked on every page.",
            Unit.COUNT,
            (Query("sum by (type) (faults_active)", "{{type}}"),),
            Shape.STACK,
            width=12,
            moves_under="redis slow",
        ),
        Panel(
            "Replicas in rotation",
            "Replicas that the load balancer sends requests to.",
            Unit.COUNT,
            (Query("sum(traefik_service_server_up)", "replicas"),),
            width=12,
        ),
    ),
)

_NOTICED = Row(
    "What customers notice",
    (
        Panel(
            "Failed requests",
            "Answers from 500 up, a second, at the edge.",
            Unit.PER_SECOND,
            (
                Query(
                    f'sum by (code) (rate(traefik_entrypoint_requests_total{{{_EDGE},code=~"5.."}}[15s])) or vector(0)',
                    "{{code}}",
                ),
            ),
            threshold=Threshold(0.1),
        ),
        Panel(
            "Time to the answer",
            "Durations that 50, 95 and 99 % of the requests stay below, at the edge.",
            Unit.SECONDS,
            quantiles("traefik_entrypoint_request_duration_seconds", _EDGE),
        ),
        Panel(
            "Orders acknowledged and settled",
            "Orders a second: what was promised, and what was kept.",
            Unit.OPERATIONS,
            (
                Query(
                    'sum by (outcome) (rate(orders_total{outcome=~"placed|confirmed|cancelled"}[15s]))', "{{outcome}}"
                ),
            ),
        ),
    ),
)

_COPED = Row(
    "What the platform did about it",
    (
        Panel(
            "Fallbacks",
            "Answers a second that did without a dependency.",
            Unit.PER_SECOND,
            (Query("sum by (dependency, fallback) (rate(fallback_total[15s]))", "{{dependency}} → {{fallback}}"),),
            moves_under="redis slow",
        ),
        Panel(
            "Retries",
            "Second attempts a second, of the services and of the load balancer.",
            Unit.PER_SECOND,
            (
                Query("sum by (dependency) (rate(retry_total[15s]))", "{{dependency}}"),
                Query(
                    "sum by (exported_service) (rate(traefik_service_retries_total[15s]))",
                    "balancer: {{exported_service}}",
                ),
            ),
            moves_under="products-1 kill",
        ),
        Panel(
            "Deadlines that passed",
            "Requests a second that were given up.",
            Unit.PER_SECOND,
            (Query("sum by (service, where) (rate(deadline_exceeded_total[15s]))", "{{service}} {{where}}"),),
            moves_under="orders→postgres latency latency=5s",
        ),
    ),
)

PAGE = Dashboard(
    "faults",
    "Faults",
    "What was broken when, what customers noticed, what the platform did about it.",
    (_BROKEN, _NOTICED, _COPED),
)

"""What was broken when, and what customers noticed of it: before, during, after."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit, quantiles
from observability.dashboards.pages import episode

_EDGE = 'entrypoint="edge"'
_ALL = f"sum(rate(traefik_entrypoint_requests_total{{{_EDGE}}}[15s]))"
_FAILED = f'(sum(rate(traefik_entrypoint_requests_total{{{_EDGE},code=~"5.."}}[15s])) or vector(0))'
_BUCKETS = f"traefik_entrypoint_request_duration_seconds_bucket{{{_EDGE}}}"
_ONE_FAULT = "sum by (type, target) (faults_active) > 0"
_NONE = "no fault was put in the time that is shown"


def _orders(outcomes: str) -> str:
    return f'sum(rate(orders_total{{outcome=~"{outcomes}"}}[15s]))'


_LAST = Row(
    "The last time",
    (
        Panel(
            "Before, during, after",
            "The last time something was broken, with the minute before and the minute after; seen at the edge.",
            Unit.COUNT,
            (
                Query(episode.seconds(), "lasted", unit=Unit.SECONDS),
                Query(episode.number(_ALL), "requests"),
                Query(episode.number(_FAILED), "failed"),
                Query(episode.share(_FAILED, _ALL), "share failed", unit=Unit.SHARE),
                Query(episode.quantile(0.95, _BUCKETS), "p95", unit=Unit.SECONDS),
                Query(episode.mean(_orders("placed")), "orders placed", unit=Unit.OPERATIONS),
                Query(episode.mean(_orders("confirmed|cancelled")), "orders settled", unit=Unit.OPERATIONS),
            ),
            Shape.TABLE,
            width=15,
            height=4,
            moves_under="orders→postgres down",
            keys=("phase",),
            empty=_NONE,
        ),
        Panel(
            "Which faults were there?",
            "Every fault in the time that is shown, when it was first seen, and for how long.",
            Unit.COUNT,
            (
                Query(
                    f"min_over_time(timestamp({_ONE_FAULT})[$__range:5s]) * 1000",
                    "first seen",
                    unit=Unit.MOMENT,
                ),
                Query(f"count_over_time(({_ONE_FAULT})[$__range:5s]) * 5", "for", unit=Unit.SECONDS),
            ),
            Shape.TABLE,
            width=9,
            height=4,
            moves_under="redis slow",
            keys=("type", "target"),
            empty=_NONE,
        ),
    ),
)

_BROKEN = Row(
    "What is broken",
    (
        Panel(
            "Faults in place",
            "Faults that are in place or not certainly undone; the same times are marked on every page.",
            Unit.COUNT,
            (Query("sum by (type, target) (faults_active)", "{{type}} {{target}}"),),
            Shape.STACK,
            height=6,
            moves_under="redis slow",
        ),
        Panel(
            "Replicas in rotation",
            "Replicas that the load balancer sends requests to, by service.",
            Unit.COUNT,
            (
                Query(
                    'sum by (server) (label_replace(traefik_service_server_up, "server", "$1", "exported_service",'
                    ' "(.*)-[0-9]+@.*"))',
                    "{{server}}",
                ),
            ),
            height=6,
            leads_to="overview",
        ),
        Panel(
            "Processes started anew",
            "Starts in a minute after the first one, by process.",
            Unit.COUNT,
            (Query("sum by (process) (increase(stormglass_process_restarts_total[1m]))", "{{process}}"),),
            height=6,
            leads_to="service",
            needs="keeper",
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
                    f'sum by (code) (rate(traefik_entrypoint_requests_total{{{_EDGE},code=~"5.."}}[15s]))'
                    ' or label_replace(vector(0), "code", "5xx", "", "")',
                    "{{code}}",
                ),
            ),
            threshold=Threshold(0.1),
            leads_to="journey",
            logs="edge|gateway",
        ),
        Panel(
            "Time to the answer",
            "Durations that 50, 95 and 99 % of the requests stay below, at the edge.",
            Unit.SECONDS,
            quantiles("traefik_entrypoint_request_duration_seconds", _EDGE, exemplars=False),
            leads_to="journey",
            traces='{ resource.service.name = "gateway" && kind = server }',
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
            leads_to="queue-and-worker",
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
            leads_to="cache-and-database",
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
            moves_under="gateway→internal down",
            leads_to="gateway",
        ),
        Panel(
            "Deadlines that passed",
            "Requests a second that were given up.",
            Unit.PER_SECOND,
            (Query("sum by (service, where) (rate(deadline_exceeded_total[15s]))", "{{service}} {{where}}"),),
            moves_under="gateway→internal latency latency=5s",
            leads_to="service",
        ),
    ),
)

PAGE = Dashboard(
    "faults",
    "Faults",
    "What was broken when, what customers noticed, what the platform did about it.",
    (_LAST, _BROKEN, _NOTICED, _COPED),
)

"""One page: is it healthy, and what is not."""

from observability.dashboards import marks
from observability.dashboards.definition import (
    Dashboard,
    Panel,
    Query,
    Row,
    Shape,
    Threshold,
    Unit,
    quantile,
    quantiles,
)

_JOURNEYS = 'router=~"browse@file|place-order@file"'
_SLOW = '{ resource.service.name = "gateway" && kind = server && duration > 20ms }'
NO_ALERT = "no alert was on in this time"
UP_AND_DOWN = ((0, "out"), (1, "in"))


def _number(
    title: str,
    description: str,
    unit: Unit,
    expression: str,
    leads_to: str,
    threshold: Threshold | None = None,
) -> Panel:
    return Panel(
        title,
        description,
        unit,
        (Query(expression),),
        Shape.NUMBER,
        width=4,
        height=4,
        threshold=threshold,
        leads_to=leads_to,
    )


_NUMBERS = Row(
    "",
    (
        _number(
            "Do customers get answers?",
            "Share of the last minute's requests without a server error.",
            Unit.SHARE,
            f'1 - (sum(rate(traefik_router_requests_total{{{_JOURNEYS},code=~"5.."}}[1m])) or vector(0))'
            f" / (sum(rate(traefik_router_requests_total{{{_JOURNEYS}}}[1m])) > 0)",
            "journey",
            Threshold(0.995, below=True),
        ),
        _number(
            "How long do they wait?",
            "95 % of the last minute's requests were quicker, at the edge.",
            Unit.SECONDS,
            quantile(0.95, "traefik_router_request_duration_seconds", _JOURNEYS, window="1m"),
            "journey",
            Threshold(0.5),
        ),
        _number(
            "Orders acknowledged",
            "Orders a second that were promised to customers.",
            Unit.OPERATIONS,
            'sum(rate(orders_total{outcome="placed"}[1m]))',
            "queue-and-worker",
        ),
        _number(
            "How soon are they settled?",
            "95 % of the orders are, after this time; promised are 10 s.",
            Unit.SECONDS,
            quantile(0.95, "order_settlement_seconds", window="2m"),
            "queue-and-worker",
            Threshold(10),
        ),
        _number(
            "Replicas out of rotation",
            "The load balancer sends them nothing: their health check fails.",
            Unit.COUNT,
            "count(traefik_service_server_up == 0) or vector(0)",
            "service",
            Threshold(1),
        ),
        _number(
            "Error budget that is left",
            "Of the objective that has least; below 0 it is overdrawn.",
            Unit.SHARE,
            "min(slo:error_budget_remaining:ratio)",
            "slo",
            Threshold(0, below=True),
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
            height=8,
            leads_to="journey",
            traces='{ resource.service.name = "gateway" && kind = server }',
            logs="edge|gateway",
        ),
        Panel(
            "Time to the answer",
            "Quicker than that are 50, 95, 99 % of the requests, at the edge; a dot is one of them, at a gateway.",
            Unit.SECONDS,
            (
                *quantiles(
                    "traefik_entrypoint_request_duration_seconds",
                    'entrypoint="edge"',
                    shares=(0.5, 0.95),
                    exemplars=False,
                ),
                # the balancer keeps no exemplars, so the slowest ones are the gateways'
                Query(
                    quantile(0.99, "http_server_request_duration_seconds", 'service="gateway"'),
                    "gateways' p99",
                    exemplars=True,
                ),
            ),
            height=8,
            leads_to="journey",
            traces=_SLOW,
            logs="gateway",
        ),
        Panel(
            "How fast do the error budgets go?",
            "Times too fast: at 1 a budget lasts just its period, at 14.4 somebody is woken.",
            Unit.COUNT,
            (Query("slo:current_burn_rate:ratio >= 0", "{{slo}}"),),
            height=8,
            threshold=Threshold(14.4),
            leads_to="slo",
        ),
    ),
)

_INSIDE = Row(
    "What is not as it should be",
    (
        Panel(
            "Which alerts are on?",
            "Alerts by name; the page that each leads to is behind it.",
            Unit.COUNT,
            (Query(marks.alerts_with_pages(), "{{alertname}}"),),
            Shape.STATES,
            width=12,
            moves_under="orders→postgres down",
            threshold=Threshold(1),
            leads_to="slo",
            words=((1, "on"),),
            empty=NO_ALERT,
        ),
        Panel(
            "Who is in rotation?",
            "Whether the load balancer sends requests to a replica.",
            Unit.COUNT,
            (
                Query(
                    'max by (replica) (label_replace(traefik_service_server_up, "replica", "$1", "exported_service",'
                    ' "(.*)@.*"))',
                    "{{replica}}",
                ),
            ),
            Shape.STATES,
            width=12,
            threshold=Threshold(1, below=True),
            leads_to="service",
            words=UP_AND_DOWN,
        ),
        Panel(
            "Which dependency is away?",
            "Whether each service's dependencies answered its last health check.",
            Unit.COUNT,
            (Query("min by (service, dependency) (dependency_up)", "{{service}} → {{dependency}}"),),
            Shape.STATES,
            height=8,
            threshold=Threshold(1, below=True),
            leads_to="cache-and-database",
            words=((0, "away"), (1, "there")),
        ),
        Panel(
            "Answers out of a fallback",
            "Answers a second for which a dependency was done without.",
            Unit.PER_SECOND,
            (Query("sum by (dependency, fallback) (rate(fallback_total[30s]))", "{{dependency}} → {{fallback}}"),),
            height=8,
            moves_under="redis slow",
            leads_to="cache-and-database",
        ),
        Panel(
            "What waits for the worker?",
            "Age of the oldest event that the queue has not taken yet.",
            Unit.SECONDS,
            (Query("max(outbox_oldest_age_seconds)", "oldest event"),),
            height=8,
            threshold=Threshold(15),
            leads_to="queue-and-worker",
            logs="worker",
        ),
    ),
)

PAGE = Dashboard(
    "overview",
    "Overview",
    "Is it healthy? If not: what is broken, since when, for whom.",
    (_NUMBERS, _TRAFFIC, _INSIDE),
)

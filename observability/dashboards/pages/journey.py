"""One order's way, hop by hop: a row for each, from the edge to the mail."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit, quantiles

_PLACED = 'http_route=~"/orders|/place-order",http_request_method="POST"'


def _hop(title: str, *panels: Panel) -> Row:
    return Row(title, panels)


_EDGE = _hop(
    "1 Edge",
    Panel(
        "Orders that reach the edge",
        "Requests to place an order, a second, by status.",
        Unit.PER_SECOND,
        (Query('sum by (code) (rate(traefik_router_requests_total{router="place-order@file"}[30s]))', "{{code}}"),),
        Shape.STACK,
        width=12,
        height=5,
    ),
    Panel(
        "Time until the order is acknowledged",
        "What a customer waits for, as the edge saw it.",
        Unit.SECONDS,
        quantiles("traefik_router_request_duration_seconds", 'router="place-order@file"'),
        width=12,
        height=5,
        threshold=Threshold(0.5),
    ),
)

_GATEWAY = _hop(
    "2 Gateway",
    Panel(
        "Time in the gateway and behind it",
        "From the request's first byte to the answer's last, seen from the gateways.",
        Unit.SECONDS,
        quantiles("http_server_request_duration_seconds", f'service="gateway",{_PLACED}'),
        width=12,
        height=5,
    ),
    Panel(
        "Calls from the gateway, by service",
        "Requests a second that the gateways pass on.",
        Unit.PER_SECOND,
        (
            Query(
                'sum by (server) (rate(http_client_request_duration_seconds_count{service="gateway"}[30s]))',
                "{{server}}",
            ),
        ),
        width=12,
        height=5,
    ),
)

_ORDERS = _hop(
    "3 Orders, and what it calls",
    Panel(
        "Time in the orders service",
        "Claim, stock check, reservation and transaction together.",
        Unit.SECONDS,
        quantiles(
            "http_server_request_duration_seconds", 'service="orders",http_route="/orders",http_request_method="POST"'
        ),
        width=12,
        height=5,
    ),
    Panel(
        "Time of its calls to other services",
        "Durations that 95 % of the calls stay below.",
        Unit.SECONDS,
        quantiles("http_client_request_duration_seconds", 'service="orders"', "server", shares=(0.95,)),
        width=12,
        height=5,
    ),
)

_QUEUE = _hop(
    "4 Outbox and queue",
    Panel(
        "Age of the oldest event in the outbox",
        "How long the oldest event has been waiting to be handed to the queue.",
        Unit.SECONDS,
        (Query("max(outbox_oldest_age_seconds)", "oldest"),),
        width=12,
        height=5,
        threshold=Threshold(15),
    ),
    Panel(
        "From the queue to the start",
        "Time from enqueueing a job to its start.",
        Unit.SECONDS,
        quantiles("queue_wait_seconds"),
        width=12,
        height=5,
    ),
)

_WORKER = _hop(
    "5 Worker and mail",
    Panel(
        "Jobs by what became of them",
        "Jobs a second.",
        Unit.OPERATIONS,
        (Query("sum by (outcome) (rate(job_duration_seconds_count[30s]))", "{{outcome}}"),),
        Shape.STACK,
        width=8,
        height=5,
    ),
    Panel(
        "Time until an order is settled",
        "From the acknowledgement to confirmed or cancelled; the promise is 10 s.",
        Unit.SECONDS,
        quantiles("order_settlement_seconds"),
        width=8,
        height=5,
        threshold=Threshold(10),
    ),
    Panel(
        "Mails by what became of them",
        "Mails a second; `found` means that the server had it already when nobody was sure.",
        Unit.OPERATIONS,
        (Query("sum by (outcome) (rate(mail_total[30s]))", "{{outcome}}"),),
        Shape.STACK,
        width=8,
        height=5,
    ),
)

PAGE = Dashboard(
    "journey",
    "Request journey",
    "One order's way through every layer: where it waits, where it is lost.",
    (_EDGE, _GATEWAY, _ORDERS, _QUEUE, _WORKER),
)

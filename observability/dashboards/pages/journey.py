"""One order's way, hop by hop: a row for each, from the edge to the mail, and who calls whom."""

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

_PLACED = 'http_route=~"/orders|/place-order",http_request_method="POST"'
_STATEMENTS = "db_client_operation_duration_seconds"
_STOCK = "/products/.+/availability|/reservations"
_EDGES = "sum by (client, server) (rate(traces_service_graph_request_{}[1m]))"
_CALLS = _EDGES.format("total")


def _spans(service: str, which: str) -> str:
    return f'{{ resource.service.name = "{service}" && {which} }}'


_EDGE = Row(
    "1 Edge",
    (
        Panel(
            "Orders that reach the edge",
            "Requests to place an order, a second, by status.",
            Unit.PER_SECOND,
            (Query('sum by (code) (rate(traefik_router_requests_total{router="place-order@file"}[30s]))', "{{code}}"),),
            Shape.STACK,
            width=12,
            height=6,
            traces=_spans("edge", 'kind = server && span.http.request.method = "POST"'),
            logs="edge",
        ),
        Panel(
            "Time until the order is acknowledged",
            "What a customer waits for, as the edge saw it.",
            Unit.SECONDS,
            quantiles("traefik_router_request_duration_seconds", 'router="place-order@file"', exemplars=False),
            width=12,
            height=6,
            threshold=Threshold(0.5),
            traces=_spans("edge", 'kind = server && span.http.request.method = "POST"'),
            leads_to="slo",
        ),
    ),
)

_GATEWAY = Row(
    "2 Gateway",
    (
        Panel(
            "Time in the gateway and behind it",
            "From the request's first byte to the answer's last, seen from the gateways; a dot is one order.",
            Unit.SECONDS,
            quantiles("http_server_request_duration_seconds", f'service="gateway",{_PLACED}'),
            width=12,
            height=6,
            traces=_spans("gateway", 'span.http.route =~ "/orders|/place-order" && span.http.request.method = "POST"'),
            logs="gateway",
            leads_to="gateway",
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
            height=6,
            traces=_spans("gateway", "kind = client"),
            logs="gateway",
            leads_to="gateway",
        ),
    ),
)

_ORDERS = Row(
    "3 Orders and its database",
    (
        Panel(
            "Time in the orders service",
            "Claim, stock check, reservation and transaction together; a dot is one order.",
            Unit.SECONDS,
            quantiles(
                "http_server_request_duration_seconds",
                'service="orders",http_route="/orders",http_request_method="POST"',
            ),
            height=6,
            traces=_spans("orders", 'span.http.route = "/orders" && span.http.request.method = "POST"'),
            logs="orders",
            leads_to="service",
        ),
        Panel(
            "Time of the statements of orders",
            "95 % of what orders asks of its database is quicker, by the statement's first word.",
            Unit.SECONDS,
            quantiles(_STATEMENTS, 'service="orders"', "db_operation_name", shares=(0.95,)),
            height=6,
            traces=_spans("orders", 'span.db.system.name = "postgresql"'),
            logs="orders",
            leads_to="cache-and-database",
        ),
        Panel(
            "Time of its calls to other services",
            "95 % of the calls are quicker, by the service that is called.",
            Unit.SECONDS,
            quantiles("http_client_request_duration_seconds", 'service="orders"', "server", shares=(0.95,)),
            height=6,
            traces=_spans("orders", "kind = client"),
            logs="orders|products",
            leads_to="service",
        ),
    ),
)

_PRODUCTS = Row(
    "4 Products and its database",
    (
        Panel(
            "Time in the products service",
            "Looking at the stock and reserving it, which an order waits for; a dot is one request.",
            Unit.SECONDS,
            quantiles("http_server_request_duration_seconds", f'service="products",http_route=~"{_STOCK}"'),
            width=12,
            height=6,
            traces=_spans("products", f'kind = server && span.http.route =~ "{_STOCK}"'),
            logs="products",
            leads_to="service",
        ),
        Panel(
            "Time of the statements of products",
            "95 % of what products asks of its database is quicker, by the statement's first word.",
            Unit.SECONDS,
            quantiles(_STATEMENTS, 'service="products"', "db_operation_name", shares=(0.95,)),
            width=12,
            height=6,
            traces=_spans("products", 'span.db.system.name = "postgresql"'),
            logs="products",
            leads_to="cache-and-database",
        ),
    ),
)

_QUEUE = Row(
    "5 Outbox and queue",
    (
        Panel(
            "Age of the oldest event in the outbox",
            "How long the oldest event has been waiting to be handed to the queue.",
            Unit.SECONDS,
            (Query("max(outbox_oldest_age_seconds)", "oldest"),),
            width=12,
            height=6,
            threshold=Threshold(15),
            logs="worker",
            leads_to="queue-and-worker",
        ),
        Panel(
            "From the queue to the start",
            "Time from enqueueing a job to its start; a dot is one job.",
            Unit.SECONDS,
            quantiles("queue_wait_seconds"),
            width=12,
            height=6,
            traces=_spans("worker", "kind = producer"),
            logs="worker",
            leads_to="queue-and-worker",
        ),
    ),
)

_WORKER = Row(
    "6 Worker, and what it calls",
    (
        Panel(
            "Jobs by what became of them",
            "Jobs a second.",
            Unit.OPERATIONS,
            (Query("sum by (outcome) (rate(job_duration_seconds_count[30s]))", "{{outcome}}"),),
            Shape.STACK,
            height=6,
            traces=_spans("worker", "kind = consumer"),
            logs="worker",
            leads_to="queue-and-worker",
        ),
        Panel(
            "Time until an order is settled",
            "From the acknowledgement to confirmed or cancelled; promised are 10 s.",
            Unit.SECONDS,
            quantiles("order_settlement_seconds"),
            height=6,
            threshold=Threshold(10),
            traces=_spans("worker", "kind = consumer"),
            logs="worker",
            leads_to="slo",
        ),
        Panel(
            "Time of the worker's calls",
            "95 % of the calls are quicker, by the service that is called.",
            Unit.SECONDS,
            quantiles("http_client_request_duration_seconds", 'service="worker"', "server", shares=(0.95,)),
            height=6,
            traces=_spans("worker", "kind = client"),
            logs="worker",
            leads_to="service",
        ),
    ),
)

_MAIL = Row(
    "7 Mail",
    (
        Panel(
            "Time until the mail server has a mail",
            "What the worker waits for until its mail is taken or refused; a dot is one mail.",
            Unit.SECONDS,
            # what is seen of SMTP is its span
            quantiles("traces_spanmetrics_latency", 'exported_service="worker",span_name="SMTP send"'),
            width=12,
            height=6,
            traces=_spans("worker", 'kind = client && span.peer.service = "mail"'),
            logs="worker|mail",
            leads_to="queue-and-worker",
        ),
        Panel(
            "Mails by what became of them",
            "Mails a second; `found`: the server had it already when nobody was sure.",
            Unit.OPERATIONS,
            (Query("sum by (outcome) (rate(mail_total[30s]))", "{{outcome}}"),),
            Shape.STACK,
            width=12,
            height=6,
            traces=_spans("worker", 'kind = client && span.peer.service = "mail"'),
            logs="worker|mail",
            leads_to="queue-and-worker",
        ),
    ),
)

_GRAPH = Row(
    "Who calls whom",
    (
        Panel(
            "Calls between the parts, as traces show them",
            "Calls a second, the share that failed, and how quick 95 % of them were as the caller saw it. The balancer"
            " is one part, `edge`, in front of the gateways and of the services.",
            Unit.COUNT,
            (
                Query(_CALLS, "calls", unit=Unit.PER_SECOND),
                Query(
                    f"({_EDGES.format('failed_total')} or 0 * {_CALLS}) / ({_CALLS} > 0)",
                    "failed",
                    unit=Unit.SHARE,
                ),
                Query(
                    quantile(0.95, "traces_service_graph_request_client_seconds", "", "client, server", window="1m"),
                    "p95",
                    unit=Unit.SECONDS,
                ),
            ),
            Shape.TABLE,
            width=24,
            height=13,
            keys=("client", "server"),
            traces="{ kind = client }",
            leads_to="service",
        ),
    ),
)

PAGE = Dashboard(
    "journey",
    "Request journey",
    "One order's way through every layer: where it waits, where it is lost.",
    (_EDGE, _GATEWAY, _ORDERS, _PRODUCTS, _QUEUE, _WORKER, _MAIL, _GRAPH),
)

"""Any one process: the same questions for each."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Unit, Variable, quantiles

_OF = 'service=~"$service"'
_ANSWERED = "http_server_request_duration_seconds_count"

_REQUESTS = Row(
    "Requests",
    (
        Panel(
            "Requests by route",
            "Requests a second, by method and route template.",
            Unit.PER_SECOND,
            (
                Query(
                    f"sum by (http_request_method, http_route) (rate({_ANSWERED}{{{_OF}}}[30s]))",
                    "{{http_request_method}} {{http_route}}",
                ),
            ),
        ),
        Panel(
            "Which answers are failures?",
            "Answers from 500 up, a second, by route.",
            Unit.PER_SECOND,
            (
                Query(
                    "sum by (http_route, http_response_status_code)"
                    f' (rate({_ANSWERED}{{{_OF},http_response_status_code=~"5.."}}[30s]))',
                    "{{http_route}} {{http_response_status_code}}",
                ),
            ),
            moves_under="orders→postgres down",
        ),
        Panel(
            "Time to the answer",
            "Durations that 50, 95 and 99 % of the requests stay below; a dot is one request and its trace.",
            Unit.SECONDS,
            quantiles("http_server_request_duration_seconds", _OF),
        ),
    ),
)

_CALLS = Row(
    "Calls to others",
    (
        Panel(
            "Calls by service and status",
            "Calls a second; 0 is a call that got no answer.",
            Unit.PER_SECOND,
            (
                Query(
                    "sum by (server, http_response_status_code)"
                    f" (rate(http_client_request_duration_seconds_count{{{_OF}}}[30s]))",
                    "{{server}} {{http_response_status_code}}",
                ),
            ),
        ),
        Panel(
            "Time of its calls",
            "Durations that 95 % of the calls stay below, by the service that is called.",
            Unit.SECONDS,
            quantiles("http_client_request_duration_seconds", _OF, "server", shares=(0.95,)),
        ),
        Panel(
            "Calls that were tried again",
            "Second attempts a second, by the dependency.",
            Unit.PER_SECOND,
            (Query(f"sum by (dependency) (rate(retry_total{{{_OF}}}[30s]))", "{{dependency}}"),),
            moves_under="gateway→internal down",
        ),
    ),
)

_PROCESS = Row(
    "The process itself",
    (
        Panel(
            "CPU",
            "Cores in use, by replica.",
            Unit.COUNT,
            (Query(f"rate(process_cpu_seconds_total{{{_OF}}}[30s])", "{{replica}}"),),
        ),
        Panel(
            "Memory",
            "Resident memory, by replica.",
            Unit.BYTES,
            (Query(f"process_resident_memory_bytes{{{_OF}}}", "{{replica}}"),),
        ),
        Panel(
            "Is it there?",
            "Whether Prometheus could ask it.",
            Unit.COUNT,
            (Query(f"up{{{_OF}}}", "{{replica}}"),),
            Shape.STATES,
        ),
    ),
)

PAGE = Dashboard(
    "service",
    "Service",
    "One service: what is asked of it, what it asks of others, what it needs.",
    (_REQUESTS, _CALLS, _PROCESS),
    (Variable("service", "up", "service"),),
)

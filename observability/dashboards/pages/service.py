"""Any one process: the same questions for each."""

from observability.dashboards.definition import (
    Dashboard,
    Panel,
    Query,
    Row,
    Shape,
    Threshold,
    Unit,
    Variable,
    quantile,
    quantiles,
)

_OF = 'service=~"$service"'
_ANSWERED = "http_server_request_duration_seconds_count"
_SERVED = '{ resource.service.name =~ "$service" && kind = server }'
_CALLERS = "no call in this time; only gateway, orders and worker make any"
_CALLING = '{ resource.service.name =~ "$service" && kind = client }'

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
            height=8,
            traces=_SERVED,
            logs="$service",
        ),
        Panel(
            "Which answers are failures?",
            "Answers from 500 up, a second, by route.",
            Unit.PER_SECOND,
            (
                Query(
                    f'sum by (http_route) (rate({_ANSWERED}{{{_OF},http_response_status_code=~"5.."}}[30s]))',
                    "{{http_route}}",
                ),
            ),
            height=8,
            moves_under="orders→postgres down",
            traces='{ resource.service.name =~ "$service" && kind = server && span.http.response.status_code >= 500 }',
            logs="$service",
        ),
        Panel(
            "Time to the answer",
            "Quicker than that are 50, 95, 99 % of the requests; a dot is one of them.",
            Unit.SECONDS,
            quantiles("http_server_request_duration_seconds", _OF),
            height=8,
            traces=_SERVED,
            logs="$service",
        ),
    ),
)

_CALLS = Row(
    "Calls to others",
    (
        Panel(
            "Calls by status",
            "Calls a second by the status of their answer; 0 is a call that got none.",
            Unit.PER_SECOND,
            (
                Query(
                    "sum by (http_response_status_code)"
                    f" (rate(http_client_request_duration_seconds_count{{{_OF}}}[30s]))",
                    "{{http_response_status_code}}",
                ),
            ),
            Shape.STACK,
            traces=_CALLING,
            logs="$service",
            empty=_CALLERS,
        ),
        Panel(
            "Time of its calls",
            "95 % of the calls are quicker, by the service that is called.",
            Unit.SECONDS,
            quantiles("http_client_request_duration_seconds", _OF, "server", shares=(0.95,)),
            traces=_CALLING,
            empty=_CALLERS,
        ),
        Panel(
            "Calls that were tried again",
            "Second attempts a second, by the dependency.",
            Unit.PER_SECOND,
            (Query(f"sum by (dependency) (rate(retry_total{{{_OF}}}[30s]))", "{{dependency}}"),),
            moves_under="gateway→internal down",
            leads_to="gateway",
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
            height=9,
            threshold=Threshold(1, below=True),
            words=((0, "does not answer"), (1, "answers")),
            logs="$service",
        ),
        Panel(
            "How late is the event loop?",
            "99 % of what it was to do began sooner; from 100 ms on customers notice.",
            Unit.SECONDS,
            quantiles("process_event_loop_lag_seconds", _OF, "replica", shares=(0.99,), exemplars=False),
            threshold=Threshold(0.1),
            traces=_SERVED,
        ),
        Panel(
            "How long does garbage collection stop it?",
            "99 % of the collections were shorter, by replica.",
            Unit.SECONDS,
            (Query(quantile(0.99, "process_gc_pause_seconds", _OF, "replica", window="1m"), "{{replica}}"),),
        ),
        Panel(
            "Requests being answered",
            "How many at this moment, by replica.",
            Unit.COUNT,
            (Query(f"sum by (replica) (http_server_active_requests{{{_OF}}})", "{{replica}}"),),
        ),
    ),
)

PAGE = Dashboard(
    "service",
    "Service",
    "One service: what is asked of it, what it asks of others, what it needs.",
    (_REQUESTS, _CALLS, _PROCESS),
    # what only processes of ours have: of an exporter there is next to nothing to see here
    (Variable("service", "process_event_loop_lag_seconds_count", "service"),),
)

"""Whether what is seen here can be believed."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit

_SPANS = Row(
    "Spans",
    (
        Panel(
            "Spans delivered",
            "Spans a second that the trace pipeline took, by service.",
            Unit.OPERATIONS,
            (Query("sum by (service) (rate(telemetry_spans_exported_total[30s]))", "{{service}}"),),
            Shape.STACK,
        ),
        Panel(
            "Spans dropped",
            "Spans a second that were never delivered; requests did not wait for them.",
            Unit.OPERATIONS,
            (
                Query(
                    "sum by (service, reason) (rate(telemetry_spans_dropped_total[30s])) > 0", "{{service}} {{reason}}"
                ),
            ),
            moves_under="gateway→traces down",
            threshold=Threshold(0.1),
        ),
        Panel(
            "Spans waiting for export",
            "Finished spans in each process' queue.",
            Unit.COUNT,
            (Query("sum by (service) (telemetry_span_queue_length)", "{{service}}"),),
        ),
    ),
)

_SCRAPES = Row(
    "Metrics",
    (
        Panel(
            "Series by service",
            "Series that one look at each service brings.",
            Unit.COUNT,
            (Query("sum by (service) (scrape_samples_scraped)", "{{service}}"),),
            Shape.STACK,
        ),
        Panel(
            "Time of a look",
            "How long Prometheus waits for a process' metrics.",
            Unit.SECONDS,
            (Query("max by (service) (scrape_duration_seconds)", "{{service}}"),),
            threshold=Threshold(3),
        ),
        Panel(
            "Targets that cannot be asked",
            "Processes that did not answer Prometheus.",
            Unit.COUNT,
            (Query("count(up == 0) or vector(0)", "targets"),),
            threshold=Threshold(1),
        ),
    ),
)

PAGE = Dashboard(
    "telemetry",
    "Platform telemetry",
    "Telemetry about telemetry: what is delivered, dropped, late, and how much of it there is.",
    (_SPANS, _SCRAPES),
)

"""Whether what is seen here can be believed."""

from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit, quantile

_SPANS = Row(
    "Spans, where they are made",
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
                Query(
                    "sum by (service, reason) (rate(telemetry_log_records_dropped_total[30s])) > 0",
                    "{{service}} lines {{reason}}",
                ),
            ),
            moves_under="gateway→traces down",
            threshold=Threshold(0.1),
            logs="gateway|users|products|orders|worker",
        ),
        Panel(
            "Spans waiting for export",
            "Finished spans in each process' queue.",
            Unit.COUNT,
            (Query("sum by (service) (telemetry_span_queue_length)", "{{service}}"),),
        ),
    ),
)

_STORE = Row(
    "Spans, where they are kept",
    (
        Panel(
            "Spans received and stored",
            "Spans a second that reached the trace store, and that are on its disk.",
            Unit.OPERATIONS,
            (
                Query(
                    "sum(rate(trace_store_spans_received_total[30s]) or rate(otelcol_receiver_accepted_spans[30s]))",
                    "received",
                ),
                Query(
                    "sum(rate(trace_store_spans_stored_total[30s])"
                    ' or rate(otelcol_exporter_sent_spans{exporter="otlp_http/tempo"}[30s]))',
                    "stored",
                ),
            ),
            logs="traces",
        ),
        Panel(
            "How long does storing take?",
            "95 % of the store's transactions are quicker.",
            Unit.SECONDS,
            (Query(quantile(0.95, "trace_store_commit_seconds"), "p95"),),
            needs="traces",
        ),
        Panel(
            "Size of the trace store",
            "Its file; old traces go when it has reached its limit.",
            Unit.BYTES,
            (Query("max(trace_store_database_bytes)", "file"),),
            needs="traces",
        ),
    ),
)

_SAMPLED = Row(
    "What is chosen",
    (
        Panel(
            "What becomes of spans?",
            "Spans a second that ended; of traces that were not chosen, those left out, and those kept all the same.",
            Unit.OPERATIONS,
            (
                Query("sum(rate(telemetry_spans_ended_total[30s]))", "ended"),
                Query("sum(rate(telemetry_spans_sampled_out_total[30s]))", "left out"),
                Query("sum by (reason) (rate(telemetry_spans_kept_total[30s]))", "kept: {{reason}}"),
            ),
        ),
        Panel(
            "Exports that the pipeline did not take",
            "Batches of spans a second, by service.",
            Unit.OPERATIONS,
            (Query("sum by (service) (rate(telemetry_export_errors_total[1m]))", "{{service}}"),),
            threshold=Threshold(0.1),
        ),
        Panel(
            "Beyond the bounds of the service graph",
            "Observations a second that went to the series `other`, and spans that found no room to wait.",
            Unit.OPERATIONS,
            (
                Query("sum(rate(trace_store_generated_series_refused_total[1m])) or vector(0)", "other"),
                Query(
                    "sum(rate(traces_service_graph_dropped_spans_total[1m])) "
                    "or sum(rate(tempo_metrics_generator_processor_service_graphs_dropped_spans[1m]))",
                    "no room",
                ),
            ),
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
            height=9,
        ),
        Panel(
            "Time of a look",
            "How long Prometheus waits for a process' metrics; after 3 s it gives up.",
            Unit.SECONDS,
            (Query("max by (service) (scrape_duration_seconds)", "{{service}}"),),
            height=9,
            threshold=Threshold(3),
        ),
        Panel(
            "Targets that cannot be asked",
            "Processes that did not answer Prometheus.",
            Unit.COUNT,
            (Query("count(up == 0) or vector(0)", "targets"),),
            height=9,
            threshold=Threshold(1),
            leads_to="service",
        ),
    ),
)

PAGE = Dashboard(
    "telemetry",
    "Platform telemetry",
    "Telemetry about telemetry: what is delivered, dropped, late, and how much of it there is.",
    (_SPANS, _STORE, _SAMPLED, _SCRAPES),
)

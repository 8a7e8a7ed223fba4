"""From a span and a log line to Tempo, Loki, Prometheus: the parts in the containers fit together; needs no engine."""

import re

import pytest
import yaml

from observability.dashboards.live import TRACE_LABEL
from observability.dashboards.pages import PAGES
from observability.grafana.environment import PROVISIONING
from observability.traces.generator.service_graph import WAIT_SECONDS
from stormglass.runtime.programs import METRICS_RETENTION
from stormglass.runtime.render.prometheus import SCRAPE_SECONDS
from stormglass.settings import TelemetrySettings
from stormglass.telemetry import names
from stormglass.telemetry.names.buckets import LATENCY_BUCKETS
from tests.unit.deploy.compose_files import SERVICES, flags, mebibytes, mounts, seconds
from tests.unit.deploy.observing import COLLECTOR, HERE, LOKI, PIPELINES, TEMPO, prometheus_name

WITHOUT_A_PRODUCER = {
    "trace_store_commit_seconds",
    "trace_store_database_bytes",
    "trace_store_generated_series_refused_total",
    "trace_store_spans_received_total",
    "trace_store_spans_stored_total",
    "traces_service_graph_dropped_spans_total",
}
"""What dashboards ask of our own trace store, which is not in the containers; Tempo says the like under other names."""

OF_TEMPOS_GENERATOR = {
    "traces_service_graph_request_total",
    "traces_service_graph_request_failed_total",
    "traces_service_graph_request_server_seconds",
    "traces_service_graph_request_client_seconds",
}
"""Grafana Tempo 3.0 documentation, "Service graphs"; the metrics of spans left alone are Tempo's own, not generated."""

REMOVED_FROM_TEMPO = {"ingester", "ingester_client", "compactor", "metrics_generator_client"}


class TestCollector:
    METRICS = COLLECTOR["connectors"]["span_metrics"]
    SAMPLING = COLLECTOR["processors"]["tail_sampling"]

    def test_every_part_is_used_and_every_part_that_is_used_is_there(self) -> None:
        for kind in ("receivers", "processors", "exporters"):
            used = {name for pipeline in PIPELINES.values() for name in pipeline.get(kind, ())}
            assert used - set(COLLECTOR["connectors"]) == set(COLLECTOR[kind])
        assert set(COLLECTOR["service"]["extensions"]) == set(COLLECTOR["extensions"])

    def test_what_comes_in_is_limited_before_anything_else_happens_to_it(self) -> None:
        limiter = COLLECTOR["processors"]["memory_limiter"]
        assert limiter["limit_mib"] + limiter["spike_limit_mib"] < mebibytes(SERVICES["collector"]["mem_limit"])
        for pipeline in PIPELINES.values():
            if pipeline["receivers"] == ["otlp"]:
                assert pipeline["processors"][0] == "memory_limiter"

    def test_spans_are_counted_before_any_is_left_out(self) -> None:
        (counted,) = (each for each in PIPELINES.values() if "span_metrics" in each["exporters"])
        assert counted == {"receivers": ["otlp"], "processors": ["memory_limiter"], "exporters": ["span_metrics"]}

    def test_tempo_gets_whole_traces_that_were_chosen_and_nothing_else(self) -> None:
        (kept,) = (each for each in PIPELINES.values() if "otlp_http/tempo" in each["exporters"])
        assert kept["processors"][-2:] == ["tail_sampling", "batch"]
        (lines,) = (each for each in PIPELINES.values() if "otlp_http/loki" in each["exporters"])
        assert lines["processors"] == ["memory_limiter", "batch"]

    def test_errors_slow_ones_and_a_share_are_kept(self) -> None:
        errors, slow, share = self.SAMPLING["policies"]
        assert errors["status_code"]["status_codes"] == ["ERROR"]
        limit = TelemetrySettings.model_fields["slow_ms"].default
        assert slow["ottl_condition"]["span"] == [f"Milliseconds(span.end_time - span.start_time) > {limit}"]
        assert share["probabilistic"]["sampling_percentage"] == 100
        # one that is to be kept does not wait until it is known whether others are
        assert self.SAMPLING["sampling_strategy"] == "span-ingest"
        assert min(self.SAMPLING["decision_cache"].values()) > self.SAMPLING["num_traces"]

    def test_compose_hands_on_what_can_be_chosen(self) -> None:
        text = (HERE / "collector" / "config.yaml").read_text(encoding="utf-8")
        asked = dict(re.findall(r"\$\{env:(\w+):-([^}]*)\}", text))
        given = SERVICES["collector"]["environment"]
        chosen = {"STORMGLASS_TELEMETRY_SLOW_MS", "STORMGLASS_TRACES_KEPT_PERCENT"}
        assert {name: given[name] for name in chosen} == {n: f"${{{n}:-{asked[n]}}}" for n in chosen}
        assert set(asked) == chosen | {"STORMGLASS_TEMPO_URL", "STORMGLASS_LOKI_URL"}

    def test_metrics_of_spans_are_called_as_ours_are(self) -> None:
        namespace = self.METRICS["namespace"]
        said = COLLECTOR["processors"]["transform/names"]["metric_statements"]
        assert prometheus_name(f"{namespace}.calls") + "_total" == names.SPANMETRICS_CALLS.name
        renamed = f'set(metric.name, "traces.spanmetrics.latency") where metric.name == "{namespace}.duration"'
        assert renamed in said
        assert prometheus_name("traces.spanmetrics.latency") == names.SPANMETRICS_LATENCY.name
        # a unit would be a suffix of the name
        assert said.index(f'set(metric.unit, "") where metric.name == "{namespace}.duration"') < said.index(renamed)

    def test_their_labels_are_ours(self) -> None:
        said = COLLECTOR["processors"]["transform/names"]["metric_statements"]
        labels = {"service.name", "span.name", "span.kind", "status.code", "collector.instance.id"}
        labels -= set(self.METRICS["exclude_dimensions"])
        assert 'set(datapoint.attributes["service"], datapoint.attributes["service.name"])' in said
        assert 'delete_key(datapoint.attributes, "service.name")' in said
        labels = labels - {"service.name"} | {"service"}
        # `job`, `instance` and labels of the scope would come on top
        assert 'delete_matching_keys(resource.attributes, ".*")' in said
        assert COLLECTOR["exporters"]["prometheus"]["without_scope_info"]
        assert {prometheus_name(label) for label in labels} == set(names.SPANMETRICS_CALLS.labels)

    def test_their_buckets_are_ours(self) -> None:
        histogram = self.METRICS["histogram"]
        assert histogram["unit"] == "s"
        assert tuple(seconds(text) for text in histogram["explicit"]["buckets"]) == names.SPANMETRICS_LATENCY.buckets

    def test_replicas_are_one_series(self) -> None:
        assert self.METRICS["resource_metrics_key_attributes"] == ["service.name"]

    def test_every_exemplar_is_there_when_prometheus_looks(self) -> None:
        assert self.METRICS["exemplars"]["enabled"]
        assert COLLECTOR["exporters"]["prometheus"]["enable_open_metrics"]
        assert seconds(self.METRICS["metrics_flush_interval"]) > SCRAPE_SECONDS

    @pytest.mark.parametrize("name", ["tempo", "loki"])
    def test_an_outage_costs_bounded_memory_and_time(self, name: str) -> None:
        exporter = COLLECTOR["exporters"][f"otlp_http/{name}"]
        assert exporter["endpoint"].startswith(f"http://{name}:")
        assert seconds(exporter["retry_on_failure"]["max_elapsed_time"]) <= 30
        assert exporter["sending_queue"]["sizer"] == "items"
        assert exporter["sending_queue"]["queue_size"] <= 10_000

    def test_where_it_listens(self) -> None:
        assert COLLECTOR["receivers"]["otlp"]["protocols"] == {"http": {"endpoint": "0.0.0.0:4318"}}
        assert COLLECTOR["exporters"]["prometheus"]["endpoint"] == "0.0.0.0:8889"
        (reader,) = COLLECTOR["service"]["telemetry"]["metrics"]["readers"]
        own = reader["pull"]["exporter"]["prometheus"]
        assert (own["host"], own["port"]) == ("0.0.0.0", 8888)


class TestTempo:
    GENERATOR = TEMPO["overrides"]["defaults"]["metrics_generator"]
    GRAPH = TEMPO["metrics_generator"]["processor"]["service_graphs"]

    def test_nothing_of_version_2_is_left(self) -> None:
        assert not REMOVED_FROM_TEMPO & set(TEMPO)
        assert "local-blocks" not in self.GENERATOR["processors"]
        assert "-target=all" in flags("tempo")

    def test_it_is_where_the_collector_and_grafana_look(self) -> None:
        receiver = TEMPO["distributor"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
        assert COLLECTOR["exporters"]["otlp_http/tempo"]["endpoint"] == f"http://tempo:{receiver.rpartition(':')[2]}"

    def test_it_makes_the_service_graph_and_leaves_spans_to_the_collector(self) -> None:
        assert self.GENERATOR["processors"] == ["service-graphs"]
        assert tuple(self.GRAPH["histogram_buckets"]) == LATENCY_BUCKETS
        assert seconds(self.GRAPH["wait"]) == WAIT_SECONDS

    def test_its_exemplars_lead_to_traces(self) -> None:
        assert self.GENERATOR["trace_id_label_name"] == TRACE_LABEL

    def test_databases_are_called_by_name_and_not_by_the_proxys_address(self) -> None:
        statements = COLLECTOR["processors"]["transform/databases"]["trace_statements"]
        named = [re.match(r'set\(span.attributes\["(.+?)"\], "(.+?)"\)', one).groups() for one in statements]  # type: ignore[union-attr]  # anything else fails here
        assert named == [("peer.service", "postgres"), ("peer.service", "redis")]
        assert self.GRAPH["peer_attributes"][0] == "peer.service"

    def test_files_are_in_its_volume(self) -> None:
        trace = TEMPO["storage"]["trace"]
        paths = (trace["local"]["path"], trace["wal"]["path"], TEMPO["metrics_generator"]["storage"]["path"])
        assert mounts("tempo")["/var/tempo"] == ("tempo", "rw")
        assert all(path.startswith("/var/tempo/") for path in paths)

    def test_it_keeps_traces_as_long_as_prometheus_keeps_what_leads_to_them(self) -> None:
        kept = TEMPO["overrides"]["defaults"]["compaction"]["block_retention"]
        assert kept == METRICS_RETENTION[0]
        # Tempo's default for the age from which a search looks at blocks on the disk
        assert seconds(TEMPO["live_store"]["complete_block_timeout"]) > 15 * 60


class TestLoki:
    def test_lines_are_found_by_service_and_trace(self) -> None:
        resource = LOKI["limits_config"]["otlp_config"]["resource_attributes"]
        labels = next(each for each in resource["attributes_config"] if each["action"] == "index_label")
        assert "service.name" in labels["attributes"]
        assert LOKI["limits_config"]["allow_structured_metadata"]
        sources = yaml.safe_load((PROVISIONING / "datasources" / "stormglass.yaml").read_text(encoding="utf-8"))
        (tempo,) = (each for each in sources["datasources"] if each["uid"] == "tempo")
        # a name of OTLP has underscores in LogQL
        assert tempo["jsonData"]["tracesToLogsV2"]["query"].startswith("{service_name=")

    def test_its_store_is_the_one_that_has_structured_metadata(self) -> None:
        (schema,) = LOKI["schema_config"]["configs"]
        assert (schema["store"], schema["schema"], schema["object_store"]) == ("tsdb", "v13", "filesystem")

    def test_it_forgets(self) -> None:
        assert LOKI["compactor"]["retention_enabled"]
        assert seconds(LOKI["limits_config"]["retention_period"]) == 24 * 3600

    def test_files_are_in_its_volume(self) -> None:
        assert mounts("loki")["/loki"] == ("loki", "rw")
        paths = [LOKI["common"]["path_prefix"], LOKI["compactor"]["working_directory"]]
        paths += LOKI["common"]["storage"]["filesystem"].values()
        assert all(path == "/loki" or path.startswith("/loki/") for path in paths)

    def test_it_is_where_the_collector_sends_to(self) -> None:
        port = LOKI["server"]["http_listen_port"]
        assert COLLECTOR["exporters"]["otlp_http/loki"]["endpoint"] == f"http://loki:{port}/otlp"


def test_what_dashboards_ask_of_generated_metrics_somebody_makes() -> None:
    asked = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for page in PAGES
        for panel in page.panels()
        for query in panel.queries
        for name in re.findall(r"\b(?:traces|trace_store)_\w+", query.expr)
    }
    made = {names.SPANMETRICS_CALLS.name, names.SPANMETRICS_LATENCY.name}
    if "service-graphs" in TEMPO["overrides"]["defaults"]["metrics_generator"]["processors"]:
        made |= OF_TEMPOS_GENERATOR
    assert asked - made == WITHOUT_A_PRODUCER
    assert {each.name for each in vars(names).values() if isinstance(each, names.Metric)} >= OF_TEMPOS_GENERATOR

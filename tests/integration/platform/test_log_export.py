"""Log lines of a real process, exported over HTTP to a collector that is there, away, or silent."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from stormglass.runtime.ports import free_port
from tests.integration.platform.collector import Collector, attributes
from tests.integration.platform.conftest import until

LOST = "log lines cannot be delivered"
FOUND = "log lines are delivered again"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector(free_port()) as made:
        yield made


@pytest.fixture
def exporting(serve: Callable[..., Any]) -> Callable[..., Any]:
    """`exporting(port)`: a served application whose log lines go to that port as well."""

    def start(port: int, target: str = "logging_app:create_app", **changed: str) -> Any:
        wanted = {
            "STORMGLASS_ADDRESS_TRACES": f"127.0.0.1:{port}",
            "STORMGLASS_TELEMETRY_LOGS": "otlp",
            "STORMGLASS_TELEMETRY_EXPORT_INTERVAL_MS": "50",
            **changed,
        }
        return serve(target, **wanted).ready()

    return start


def say(served: Any, *numbers: int) -> float:
    """A request for each number; the longest of them in seconds."""
    longest = 0.0
    with httpx.Client() as client:
        for number in numbers:
            begun = time.monotonic()
            assert client.get(f"{served.url}/said?number={number}").status_code == 200
            longest = max(longest, time.monotonic() - begun)
    return longest


def end(served: Any) -> list[dict[str, Any]]:
    """Stop it; the lines on its standard output."""
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(20) == 0
    return [json.loads(line) for line in served.output().splitlines()]


def figures(served: Any) -> dict[str, float]:
    """What the process says of its log export, by name and reason."""
    found = {}
    for line in httpx.get(f"{served.admin}/metrics").text.splitlines():
        if line.startswith("telemetry_log_"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def test_a_line_of_a_request_arrives_with_its_trace_and_its_process(
    exporting: Callable[..., Any], collector: Collector
) -> None:
    served = exporting(collector.server_port, STORMGLASS_REPLICA="2")
    say(served, 7)
    until(lambda: collector.said("said") and collector.spans)
    lines = end(served)
    (line,) = [line for line in lines if line["event"] == "said"]
    (received,) = collector.said("said")
    record = received.item
    assert attributes(record) == {"number": 7, "about": '{"depth": [1, 2]}'}
    assert received.scope == "probe.requests"
    assert received.resource["service.instance.id"] == "probe-2"
    (span,) = [span for span in collector.spans if span.item.name == "GET /said"]
    assert received.resource == span.resource, "one resource for both signals"
    assert (record.trace_id.hex(), record.span_id.hex()) == (line["trace_id"], line["span_id"])
    assert record.trace_id == span.item.trace_id
    assert line["number"] == 7
    assert line["about"] == {"depth": [1, 2]}


def test_exports_are_no_spans_and_make_no_lines(exporting: Callable[..., Any], collector: Collector) -> None:
    served = exporting(collector.server_port, STORMGLASS_LOG_LEVEL="DEBUG")
    say(served, 1)
    until(lambda: collector.said("said") and collector.spans)
    time.sleep(0.5)
    logs, spans = collector.paths.count("/v1/logs"), len(collector.spans)
    time.sleep(1)
    assert collector.paths.count("/v1/logs") == logs, "nothing happens, and still lines are exported"
    assert len(collector.spans) == spans
    end(served)
    assert {span.item.name for span in collector.spans} == {"GET /said"}
    # the connection is the HTTP library's business, which talks of it at this level
    assert not [each for each in collector.records if "/v1/logs" in each.item.body.string_value]


def test_every_line_arrives_once_and_the_last_ones_at_the_stop(
    exporting: Callable[..., Any], collector: Collector
) -> None:
    served = exporting(collector.server_port, STORMGLASS_TELEMETRY_EXPORT_INTERVAL_MS="60000")
    say(served, *range(20))
    assert figures(served)["telemetry_log_queue_length"] >= 20
    assert not collector.records
    lines = end(served)
    assert [attributes(each.item)["number"] for each in collector.said("said")] == list(range(20))
    # OTLP has them by scope
    in_order = sorted(collector.records, key=lambda each: each.item.time_unix_nano)
    arrived = [each.item.body.string_value for each in in_order]
    assert arrived == [line["event"] for line in lines if line["event"] != "stopped"]
    assert lines[-1]["event"] == "stopped", "said after the export has ended"


def test_an_outage_of_the_collector_slows_no_request_and_ends_without_a_restart(
    exporting: Callable[..., Any],
) -> None:
    port = free_port()
    served = exporting(port)
    usual = say(served, 1)
    until(lambda: figures(served)['telemetry_log_records_dropped_total{reason="export_failed"}'] > 0)
    for number in range(2, 5):
        assert say(served, number) < usual + 0.5, "an attempt takes a second"
        time.sleep(1.1)
    with Collector(port) as collector:
        until(lambda: say(served, 5) and collector.said("said"))
        time.sleep(0.2)
        seen = figures(served)
        lines = end(served)
    said = [line["event"].partition(";")[0] for line in lines]
    assert [event for event in said if event.startswith("log lines")] == [LOST, FOUND]
    complaints = [line["event"].partition(";")[0] for line in lines if line["level"] != "info"]
    assert sorted(complaints) == [LOST, "spans cannot be delivered"]
    exported = {each.item.body.string_value.partition(";")[0] for each in collector.records}
    assert not exported & {LOST, FOUND}
    assert seen["telemetry_log_records_emitted_total"] == (
        seen["telemetry_log_records_exported_total"]
        + seen["telemetry_log_queue_length"]
        + sum(value for name, value in seen.items() if name.startswith("telemetry_log_records_dropped_total"))
    )


def test_a_collector_that_says_nothing_costs_the_stop_one_time_out_for_both_signals(
    exporting: Callable[..., Any], collector: Collector
) -> None:
    collector.held.clear()
    served = exporting(collector.server_port, STORMGLASS_TELEMETRY_EXPORT_TIMEOUT_MS="6000")
    say(served, *range(10))
    until(lambda: {"/v1/logs", "/v1/traces"} <= set(collector.paths))
    begun = time.monotonic()
    lines = end(served)
    assert time.monotonic() - begun < 10, "one after the other they take 12 s"
    assert [line["number"] for line in lines if line["event"] == "said"] == list(range(10))


def test_a_process_that_is_configured_again_goes_on_exporting(
    exporting: Callable[..., Any], collector: Collector
) -> None:
    served = exporting(collector.server_port, target="logging_app:create_configured")
    say(served, 1)
    until(lambda: collector.said("said"))
    end(served)
    assert len(collector.said("said")) == 1


def test_without_the_setting_nothing_is_exported(serve: Callable[..., Any], collector: Collector) -> None:
    served = serve(
        "logging_app:create_app",
        STORMGLASS_SERVICE="gateway",
        STORMGLASS_ADDRESS_TRACES=f"127.0.0.1:{collector.server_port}",
    ).ready()
    say(served, 1)
    until(lambda: collector.spans)
    found = figures(served)
    lines = end(served)
    assert set(collector.paths) == {"/v1/traces"}
    assert "said" in [line["event"] for line in lines]
    assert len(found) == 7, "what a service is declared to serve is there from the start"
    assert set(found.values()) == {0}

"""What a log record says."""

import gc
import io
import json
import logging
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import context
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import Tracer
from prometheus_client import REGISTRY

from stormglass.telemetry.log_export import LONGEST, LogExport
from stormglass.telemetry.logs import logger
from tests.unit.platform.log_export.stand_in import Collector, attributes

WAITING = "telemetry_log_queue_length"


def test_a_record_has_each_field_of_its_line_in_one_place(
    start: Callable[..., LogExport], collector: Collector, output: io.StringIO, tracer: Tracer
) -> None:
    export = start()
    begun = time.time_ns()
    with tracer.start_as_current_span("request") as span:
        logger("probe.orders").info("order placed", order_id=7, total=9.5, paid=True, note="two\nlines", nothing=None)
    export.shutdown()
    (record,), (scope,), (resource,) = collector.records, collector.scopes, collector.resources
    assert record.body.string_value == "order placed"
    assert attributes(record) == {"order_id": 7, "total": 9.5, "paid": True, "note": "two\nlines"}
    assert (record.severity_text, record.severity_number) == ("INFO", 9)
    assert begun - 1000 <= record.time_unix_nano <= record.observed_time_unix_nano <= time.time_ns()
    own = span.get_span_context()
    assert record.trace_id == own.trace_id.to_bytes(16, "big")
    assert record.span_id == own.span_id.to_bytes(8, "big")
    assert record.flags == int(own.trace_flags)
    assert scope == "probe.orders"
    assert resource == {"service.name": "probe"}


def test_standard_output_is_what_it_is_without_an_export(
    start: Callable[..., LogExport],
    configure: Callable[[LogExport | None], None],
    output: io.StringIO,
    tracer: Tracer,
) -> None:
    def lines() -> list[dict[str, Any]]:
        output.seek(0)
        output.truncate()
        with tracer.start_as_current_span("request"):
            logger("probe").info("order placed", order_id=7, list=[1, (2,)], odd=Resource, huge=2**70, none=None)
            logging.getLogger("library").warning("%s of %d", "one", 2, extra={"more": "x"})
        try:
            int("bad")
        except ValueError:
            logger("probe").exception("failed")
        return [json.loads(line) for line in output.getvalue().splitlines()]

    configure(None)
    without = lines()
    start()
    found = lines()
    assert len(found) == 3
    for one, other in zip(without, found, strict=True):
        assert list(one) == list(other), "the same fields in the same order"
        own = {"timestamp", "trace_id", "span_id"}
        assert {k: v for k, v in one.items() if k not in own} == {k: v for k, v in other.items() if k not in own}


def test_the_standard_librarys_loggers_are_exported_too(
    start: Callable[..., LogExport], collector: Collector, output: io.StringIO
) -> None:
    export = start()
    logging.getLogger("library").warning("%s of %d", "one", 2, extra={"more": "x"})
    logging.getLogger("library").critical("over")
    logging.getLogger("library").log(35, "between")
    export.shutdown()
    first, second, third = collector.records
    assert (first.body.string_value, first.severity_text, attributes(first)) == ("one of 2", "WARN", {"more": "x"})
    assert (second.severity_text, second.severity_number) == ("FATAL", 21)
    assert third.severity_text == "WARN"
    assert first.trace_id == first.span_id == b"", "outside a trace"
    assert collector.scopes == ["library"] * 3


def test_a_traceback_has_the_name_of_the_convention(start: Callable[..., LogExport], collector: Collector) -> None:
    export = start()
    try:
        int("bad")
    except ValueError:
        logger("probe").exception("failed")
        logging.getLogger("library").exception("failed too")
    export.shutdown()
    assert len(collector.records) == 2
    for record in collector.records:
        assert record.severity_text == "ERROR"
        (traceback,) = attributes(record).values()
        assert traceback.startswith("Traceback")
        assert "ValueError: invalid literal" in traceback
        assert attributes(record).keys() == {"exception.stacktrace"}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (2**63, "9223372036854775808"),
        (-(2**63), -(2**63)),
        ({"key": ["old", 1]}, '{"key": ["old", 1]}'),
        (("a", None), '["a", null]'),
        (ValueError("x"), "ValueError('x')"),
        ("half a \ud800 pair", "half a ? pair"),
        ("Łódź ☃", "Łódź ☃"),
    ],
)
def test_values_that_otlp_cannot_carry_cost_neither_their_line_nor_its_batch(
    start: Callable[..., LogExport], collector: Collector, value: object, told: object
) -> None:
    export = start()
    logger("probe").info("odd", value=value)
    logger("probe").info("half a \ud800 pair")
    export.shutdown()
    assert [attributes(record) for record in collector.records] == [{"value": told}, {}]
    assert collector.events == ["odd", "half a ? pair"]


def test_what_is_longer_than_a_value_may_be_keeps_both_its_ends(
    start: Callable[..., LogExport], collector: Collector, output: io.StringIO
) -> None:
    export = start()
    text = "begin" + "x" * 10 * LONGEST + "end"
    logger("probe").info(text, note=text, many=[text])
    export.shutdown()
    (record,) = collector.records
    for found in (record.body.string_value, *attributes(record).values()):
        assert len(found) < LONGEST + 10
        assert "begin" in found[:10]
        assert "end" in found[-10:]
    assert json.loads(output.getvalue())["note"] == text


def test_a_record_that_waits_keeps_nothing_of_its_request_alive(start: Callable[..., LogExport]) -> None:
    class Request:
        """Something large."""

    start(export_interval_ms=60_000)
    request = Request()
    gone = weakref.ref(request)
    token = context.attach(context.set_value("request", request))
    logger("probe").info("line", about=request)
    context.detach(token)
    del request, token
    gc.collect()
    assert REGISTRY.get_sample_value(WAITING) == 1
    assert gone() is None

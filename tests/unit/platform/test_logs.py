import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.trace import Tracer

from stormglass import settings
from stormglass.telemetry.logs import configure_logs, logger


@pytest.fixture
def output(environment: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a configured process writes; the test run's own logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    environment.setattr(sys, "stdout", stream)
    environment.setenv("STORMGLASS_REPLICA", "2")
    settings.forget()
    configure_logs(settings.process())
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_that_says_who_when_and_in_which_trace(output: io.StringIO, tracer: Tracer) -> None:
    with tracer.start_as_current_span("request") as span:
        logger("probe.orders").info("order placed", order_id=7, note="two\nlines")
    context = span.get_span_context()
    (line,) = lines(output)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "order placed",
        "level": "info",
        "logger": "probe.orders",
        "service": "probe",
        "replica": 2,
        "order_id": 7,
        "note": "two\nlines",
        "trace_id": format(context.trace_id, "032x"),
        "span_id": format(context.span_id, "016x"),
    }


def test_the_standard_librarys_loggers_write_the_same(output: io.StringIO, tracer: Tracer) -> None:
    with tracer.start_as_current_span("request") as span:
        logging.getLogger("library").warning("%s of %d", "one", 2, extra={"more": "x"})
    (line,) = lines(output)
    assert line["event"] == "one of 2"
    assert (line["level"], line["logger"], line["more"], line["service"]) == ("warning", "library", "x", "probe")
    assert line["trace_id"] == format(span.get_span_context().trace_id, "032x")


def test_outside_a_trace_there_are_no_ids(output: io.StringIO) -> None:
    logger("probe").info("start")
    assert not {"trace_id", "span_id"} & lines(output)[0].keys()


def test_exceptions_stay_on_their_line(output: io.StringIO) -> None:
    try:
        int("bad")
    except ValueError as error:
        logger("probe").error("failed", exc_info=error)
        logging.getLogger("library").exception("failed too")
    ours, theirs = lines(output)
    for line in (ours, theirs):
        assert "ValueError: invalid literal" in line["exception"]
        assert "exc_info" not in line


def test_values_that_are_no_json_are_written_all_the_same(output: io.StringIO) -> None:
    logger("probe").info("odd", value=object(), exception=ValueError("x"))
    assert "object object" in lines(output)[0]["value"]


def test_less_severe_lines_are_left_out(output: io.StringIO) -> None:
    logger("probe").debug("detail")
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").warning("Transient error")
    assert lines(output) == []

"""One order's trace, written by hand: ten services deep, with a queue, a retry, an error and skewed clocks."""

from collections.abc import Callable

import pytest

from observability.traces.model import Event, Link, Span, Trace

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
START_NS = 1_795_557_509_123_000_000

_MS = 1_000_000


@pytest.fixture
def make_span() -> Callable[..., Span]:
    """A span from numbers: times in ms from the start of the trace."""

    def make(number: int, parent: int, service: str, name: str, start: float, end: float, **more: object) -> Span:
        return Span(
            span_id=f"{number:016x}",
            parent_span_id=f"{parent:016x}" if parent else "",
            name=name,
            service=service,
            kind=str(more.pop("kind", "internal")),
            start_ns=START_NS + int(start * _MS),
            end_ns=START_NS + int(end * _MS),
            **more,  # type: ignore[arg-type]  # a test's shorthand for the remaining fields
        )

    return make


@pytest.fixture
def order_trace(make_span: Callable[..., Span]) -> Trace:
    def at(milliseconds: float) -> int:
        return START_NS + int(milliseconds * _MS)

    refused = Event(
        "exception", at(212), {"exception.type": "SMTPConnectError", "exception.message": "connection refused"}
    )
    spans = (
        make_span(1, 0, "edge", "POST", 0, 92.4, attributes={"http.response.status_code": 201}),
        make_span(2, 1, "gateway", "POST /orders", 1.2, 91.0, attributes={"http.response.status_code": 201}),
        make_span(3, 2, "gateway", "authenticate", 1.6, 2.4),
        make_span(4, 2, "gateway", "limit", 2.5, 4.1),
        make_span(5, 4, "gateway", "EVALSHA", 2.7, 3.9),
        make_span(6, 2, "gateway", "POST", 5.0, 90.1, kind="client", attributes={"http.response.status_code": 201}),
        make_span(7, 6, "internal", "POST", 6.0, 89.0, attributes={"http.response.status_code": 201}),
        make_span(8, 7, "orders", "POST /orders", 7.0, 88.0, attributes={"http.response.status_code": 201}),
        make_span(9, 8, "orders", "stock from cache", 8.0, 9.5, events=(Event("cache miss", at(9.2), {}),)),
        make_span(10, 8, "orders", "POST", 12.0, 51.0, kind="client", attributes={"http.response.status_code": 201}),
        make_span(11, 10, "products", "POST /products/{id}/reservations", 13.0, 50.0),
        make_span(12, 11, "products", "UPDATE stock", 15.0, 44.0),
        make_span(13, 8, "orders", "transaction", 55.0, 80.0),
        make_span(14, 13, "orders", "INSERT outbox", 60.0, 62.0),
        make_span(15, 14, "worker", "enqueue order_confirmed", 121.0, 124.0, kind="producer"),
        make_span(
            16,
            15,
            "worker",
            "run order_confirmed",
            150.0,
            310.0,
            kind="consumer",
            links=(Link(TRACE_ID, f"{15:016x}", {}),),
        ),
        make_span(17, 16, "worker", "send mail", 180.0, 212.5, status="error", events=(refused,)),
        make_span(18, 16, "worker", "send mail", 230.0, 290.0),
    )
    return Trace(TRACE_ID, spans)

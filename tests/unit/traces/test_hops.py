from observability.traces.hops import collection, far_end, places
from observability.traces.model import Span, Trace


def span(identifier: str, parent: str = "", **fields: object) -> Span:
    given: dict[str, object] = {"name": "x", "service": "edge", "kind": "server", "start_ns": 1, "end_ns": 2, **fields}
    return Span(span_id=identifier, parent_span_id=parent, **given)  # type: ignore[arg-type]  # a test's shorthand


def test_both_sides_of_the_balancer_are_told_apart_on_the_way_in_and_out() -> None:
    trace = Trace(
        "t",
        (
            span("a", attributes={"entry_point": "edge"}),
            span("b", "a", kind="client"),
            span("c", "b", service="gateway", resource={"service.instance.id": "gateway-2"}),
            span("d", "c", attributes={"entry_point": "internal"}),
            span("e", "d", kind="client"),
        ),
    )
    assert places(trace) == {"a": "edge", "b": "edge", "c": "gateway-2", "d": "internal", "e": "internal"}


def test_a_replica_that_does_not_say_which_it_is_is_called_by_its_service() -> None:
    assert places(Trace("t", (span("a", service="users"),))) == {"a": "users"}


def test_servers_without_spans_of_their_own_are_named_by_who_asks_them() -> None:
    assert far_end(span("a", kind="client", attributes={"db.system.name": "postgresql"})) == "postgres"
    assert far_end(span("a", kind="client", attributes={"db.system.name": "redis"})) == "redis"
    assert far_end(span("a", kind="client", attributes={"peer.service": "mail"})) == "mail"
    http = {"peer.service": "orders", "http.request.method": "POST"}
    assert far_end(span("a", kind="client", attributes=http)) == ""
    assert far_end(span("a", kind="server", attributes={"db.system.name": "redis"})) == ""


def test_a_statement_names_its_table() -> None:
    def table(text: str, system: str = "postgresql") -> str:
        return collection(span("a", kind="client", attributes={"db.system.name": system, "db.query.text": text}))

    assert table("INSERT INTO outbox (event_id) VALUES ($1)") == "outbox"
    assert table("UPDATE stock SET available = available - $1") == "stock"
    assert table("SELECT product.id FROM product WHERE id = $1 FOR UPDATE") == "product"
    assert table("NOTIFY outbox") == ""
    assert table("GET ?", "redis") == ""

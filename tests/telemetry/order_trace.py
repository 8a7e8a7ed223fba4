"""What the trace of one order has to look like: every hop, by name, with its parent."""

from collections import Counter
from typing import Any

from stormglass.telemetry.budgets import SPANS_PER_ORDER

Span = dict[str, Any]


def label(span: Span) -> str:
    """`service: name`; Traefik's two entry points are told apart, and a client span says whom it asks."""
    attributes = span["attributes"]
    service, name = span["service"], span["name"]
    if system := attributes.get("db.system.name"):
        return f"{service}: {system} {name}"
    if span["kind"] == "client" and "peer.service" in attributes:
        return f"{service}: ask {attributes['peer.service']} {name}"
    return f"{service}: {name}"


def _through_the_balancer(
    caller: str, asked: str, route: str, method: str, server_route: str = ""
) -> list[tuple[str, str]]:
    """The edges of one call from a service to another: client span, balancer in, balancer out, server span."""
    client = f"{caller}: ask {asked} {method} {route}"
    return [
        (client, f"internal: {method}"),
        (f"internal: {method}", "internal: ReverseProxy"),
        ("internal: ReverseProxy", f"{asked}: {method} {server_route or route}"),
    ]


PLACE = "orders: POST /orders"
JOB = "worker: process order_placed"

EDGES: list[tuple[str, str]] = [
    ("", "edge: POST"),
    ("edge: POST", "edge: ReverseProxy"),
    ("edge: ReverseProxy", "gateway: POST /place-order"),
    ("gateway: POST /place-order", "gateway: redis PIPELINE"),
    ("gateway: POST /place-order", "gateway: ask orders POST /orders"),
    *_through_the_balancer("gateway", "orders", "/orders", "POST"),
    # the key is claimed, the stock looked at through the cache, then reserved
    (PLACE, "orders: postgresql INSERT"),
    (PLACE, "orders: redis GET"),
    (PLACE, "orders: ask products GET /products/{product_id}/availability"),
    *_through_the_balancer("orders", "products", "/products/{product_id}/availability", "GET"),
    ("products: GET /products/{product_id}/availability", "products: postgresql SELECT"),
    (PLACE, "orders: redis SET"),
    (PLACE, "orders: redis EVAL"),
    (PLACE, "orders: ask products POST /reservations"),
    *_through_the_balancer("orders", "products", "/reservations", "POST"),
    ("products: POST /reservations", "products: postgresql UPDATE"),
    # answer, order and outbox row in one transaction, whose commit wakes the relay
    (PLACE, "orders: postgresql UPDATE"),
    (PLACE, "orders: postgresql NOTIFY"),
    (PLACE, "worker: enqueue order_placed"),
    # the job: a child of the request that caused it
    (PLACE, JOB),
    (JOB, "worker: ask products POST /reservations/{id}/confirm"),
    *_through_the_balancer(
        "worker", "products", "/reservations/{id}/confirm", "POST", "/reservations/{reservation_id}/confirm"
    ),
    ("products: POST /reservations/{reservation_id}/confirm", "products: postgresql UPDATE"),
    (JOB, "worker: ask orders POST /orders/{id}/confirm"),
    *_through_the_balancer("worker", "orders", "/orders/{id}/confirm", "POST", "/orders/{order_id}/confirm"),
    ("orders: POST /orders/{order_id}/confirm", "orders: postgresql UPDATE"),
    (JOB, "worker: ask users GET /users/{id}/contact"),
    *_through_the_balancer("worker", "users", "/users/{id}/contact", "GET", "/users/{user_id}/contact"),
    ("users: GET /users/{user_id}/contact", "users: postgresql SELECT"),
    (JOB, "worker: postgresql INSERT"),
    (JOB, "worker: ask mail SMTP send"),
]


def faults(spans: list[Span]) -> list[str]:
    """What is wrong with the trace of an order; empty when nothing is."""
    by_id = {span["span_id"]: span for span in spans}
    names = {span_id: hop(span, by_id) for span_id, span in by_id.items()}
    found: list[str] = []
    roots = [span for span in spans if not span["parent_span_id"]]
    if len(roots) != 1:
        found.append(f"{len(roots)} roots: {sorted(names[root['span_id']] for root in roots)}")
    found += [
        f"orphan: {names[span['span_id']]} has a parent that is not there"
        for span in spans
        if span["parent_span_id"] and span["parent_span_id"] not in by_id
    ]
    there = Counter((names.get(span["parent_span_id"], ""), names[span["span_id"]]) for span in spans)
    needed = Counter(EDGES)
    found += [f"missing: {parent or '(root)'} → {child}" for parent, child in sorted((needed - there).elements())]
    found += _link_faults(spans, names)
    if len(spans) > SPANS_PER_ORDER.most:
        found.append(f"{len(spans)} spans, {SPANS_PER_ORDER.most} are allowed")
    return found


def hop(span: Span, by_id: dict[str, Span]) -> str:
    """The label, with `internal` for what the internal entry point did."""
    server = span if span["kind"] == "server" else by_id.get(span["parent_span_id"], span)
    if span["service"] == "edge" and server["attributes"].get("entry_point") == "internal":
        return label({**span, "service": "internal"})
    return label(span)


def _link_faults(spans: list[Span], names: dict[str, str]) -> list[str]:
    enqueued = [span["span_id"] for span in spans if names[span["span_id"]] == "worker: enqueue order_placed"]
    jobs = [span for span in spans if names[span["span_id"]] == JOB]
    return [
        f"{JOB} is not linked to the span that enqueued it"
        for job in jobs
        if not any(link["span_id"] in enqueued for link in job["links"])
    ]

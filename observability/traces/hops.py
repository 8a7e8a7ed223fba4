"""Which part of the platform a span belongs to, in the words of the topology.

The load balancer is one process with two sides, `edge` and `internal`; databases, caches and mail servers send no spans
of their own and show only as the far end of somebody's client span.
"""

import re

from observability.traces.model import Span, Trace

_TABLE = re.compile(r"\b(?:INTO|UPDATE|FROM)\s+(?:ONLY\s+)?([a-z_][a-z0-9_]*)", re.IGNORECASE)
_SERVERS = {"postgresql": "postgres", "redis": "redis"}


def places(trace: Trace) -> dict[str, str]:
    """For each span id where the span was made: a replica (`orders-2`), or a side of the load balancer."""
    by_id = {span.span_id: span for span in trace.spans}
    return {span.span_id: _place(span, by_id.get(span.parent_span_id)) for span in trace.spans}


def far_end(span: Span) -> str:
    """The server a client span asked, where that server makes no span of its own; empty otherwise."""
    if span.kind != "client":
        return ""
    system = str(span.attributes.get("db.system.name", ""))
    if system:
        return _SERVERS.get(system, system)
    return str(span.attributes.get("peer.service", "")) if "http.request.method" not in span.attributes else ""


def collection(span: Span) -> str:
    """The table a statement is about, where its text names one: the first after INTO, UPDATE or FROM."""
    if span.attributes.get("db.system.name") != "postgresql":
        return ""
    found = _TABLE.search(str(span.attributes.get("db.query.text", "")))
    return found[1] if found else ""


def _place(span: Span, parent: Span | None) -> str:
    entry = span.attributes.get("entry_point")
    if entry is None and parent is not None and parent.service == span.service:
        # the balancer's way out belongs to the side on which the request came in
        entry = parent.attributes.get("entry_point")
    if entry is not None:
        return str(entry)
    replica = str(span.resource.get("service.instance.id", ""))
    return replica if replica.startswith(span.service) else span.service

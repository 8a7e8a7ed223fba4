"""The other side of a client span, as far as the client itself names it."""

from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span

DATABASE, VIRTUAL, MESSAGING = "database", "virtual_node", "messaging_system"
"""Tempo's words for edges of which one side makes no spans, and for queues."""

_SYSTEMS = {"postgresql": "postgres"}
"""Servers that are called otherwise in the topology than in the semantic conventions."""

_KEYS = frozenset({"db.system.name", "db.system", "peer.service", "http.request.method"})


class FarEnd(NamedTuple):
    """`connection` is empty where the server will probably report for itself; `name` is then only a guess."""

    name: str = ""
    connection: str = ""


NOBODY = FarEnd()


def far_end(span: Span) -> FarEnd:
    """Whom a client span asked."""
    if span.kind != Span.SPAN_KIND_CLIENT:
        return NOBODY
    found = {item.key: item.value.string_value for item in span.attributes if item.key in _KEYS}
    system = found.get("db.system.name") or found.get("db.system")
    if system:
        return FarEnd(_SYSTEMS.get(system, system), DATABASE)
    name = found.get("peer.service", "")
    # what is no HTTP here (mail) goes to servers that make no spans
    return FarEnd(name, VIRTUAL if name and "http.request.method" not in found else "")

"""Every edge of an instance with what its proxy does to it and has carried: the rows of `stormglass edges`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
from prometheus_client.parser import text_string_to_metric_families

from chaos.toxiproxy.adapter import Adapter, ProxyState
from chaos.toxiproxy.errors import ToxiproxyError
from stormglass.runtime.instance import Instance
from stormglass.runtime.network import HostPort

SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One edge. What is not known (no proxy, no metric) is None; bytes are those the proxy has passed on."""

    edge: str
    client: str
    server: str
    port: int
    state: str
    """`ok`, `down` (the proxy is disabled), `missing` (no proxy of this name), `direct`, or `unknown`."""
    toxics: list[str]
    connections: int | None
    bytes_to_server: int | None
    bytes_to_client: int | None


@dataclass(frozen=True, slots=True)
class Edges:
    """All edges. `live` is whether bytes are counted as they pass; the real Toxiproxy counts at a connection's end."""

    rows: list[EdgeRow]
    live: bool
    problem: str = ""


@dataclass(slots=True)
class _Figures:
    connections: dict[str, int] = field(default_factory=dict)
    carried: dict[tuple[str, str], int] = field(default_factory=dict)


def edges(instance: Instance) -> Edges:
    """Ask the proxy server once; without it the rows say what should be there, and `problem` why that is all."""
    proxies: Mapping[str, ProxyState] = {}
    figures, problem = _Figures(), ""
    if not instance.direct:
        at = instance.endpoint("toxiproxy")
        try:
            with Adapter(*at, seconds=SECONDS) as server:
                proxies = server.proxies()
            figures = _figures(at)
        except (ToxiproxyError, httpx.HTTPError) as error:
            problem = str(error)
    default = "direct" if instance.direct else "unknown" if problem else "missing"
    rows = [_row(instance, edge.name, proxies.get(edge.name), figures, default) for edge in instance.edges()]
    return Edges(rows, bool(figures.connections), problem)


def _row(instance: Instance, name: str, proxy: ProxyState | None, figures: _Figures, default: str) -> EdgeRow:
    client, _, server = name.partition("→")
    address = instance.edge_address(instance.topology.edge(name))
    counted = proxy is not None and bool(figures.carried or figures.connections)
    return EdgeRow(
        edge=name,
        client=client,
        server=server,
        port=int(address.rpartition(":")[2]),
        state=default if proxy is None else "ok" if proxy.enabled else "down",
        toxics=[_shown(toxic.type, toxic.stream, toxic.attributes, toxic.toxicity) for toxic in proxy.toxics]
        if proxy
        else [],
        connections=figures.connections.get(name),
        bytes_to_server=figures.carried.get((name, "upstream"), 0) if counted else None,
        bytes_to_client=figures.carried.get((name, "downstream"), 0) if counted else None,
    )


def _shown(type_name: str, stream: str, attributes: Mapping[str, int], toxicity: float) -> str:
    values = " ".join(f"{name}={value}" for name, value in attributes.items() if value)
    share = f" ×{toxicity:g}" if toxicity < 1 else ""
    return f"{type_name} {'↑' if stream == 'upstream' else '↓'} {values}".strip() + share


def _figures(at: HostPort) -> _Figures:
    answer = httpx.get(f"http://{at[0]}:{at[1]}/metrics", timeout=SECONDS, trust_env=False)
    found = _Figures()
    if answer.status_code != 200:  # a server that was started without metrics
        return found
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            proxy = sample.labels.get("proxy", "")
            if sample.name == "toxiproxy_proxy_connections":
                found.connections[proxy] = int(sample.value)
            elif sample.name == "toxiproxy_proxy_sent_bytes_total":
                found.carried[proxy, sample.labels["direction"]] = int(sample.value)
    return found

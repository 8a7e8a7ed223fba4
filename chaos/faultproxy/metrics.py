"""What `/metrics` tells. Toxiproxy's two counters, but live, and what it lacks: connections, failed dials, faults."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from chaos.faultproxy.proxies import Proxies
from chaos.faultproxy.proxy import Proxy
from chaos.faultproxy.toxics import DOWNSTREAM, UPSTREAM

VERSION: Final = "2.12.0"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_LABELS: Final = ("proxy", "listener", "upstream")


class Metrics:
    """The registry of one server; nothing is registered globally."""

    def __init__(self, proxies: Proxies, *, per_proxy: bool, runtime: bool) -> None:
        self.enabled = per_proxy or runtime
        self._registry = CollectorRegistry()
        if per_proxy:
            self._registry.register(_ProxyCollector(proxies))
        if runtime:
            for collector in (ProcessCollector, PlatformCollector, GCCollector):
                collector(registry=self._registry)
            self._registry.register(_BuildCollector())

    def text(self) -> str:
        """Everything in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry).decode()


class _ProxyCollector(Collector):
    """Reads the figures when asked, so that counting costs the data plane one addition."""

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        proxies = self._proxies.all()
        for way in ("received", "sent"):
            yield self._bytes(proxies, way)
        for name, text, value in (
            ("toxiproxy_proxy_connections_accepted", "Clients joined with their upstream", "accepted"),
            (
                "toxiproxy_proxy_dial_errors",
                "Clients turned away because the upstream was unreachable",
                "refused",
            ),
        ):
            counter = CounterMetricFamily(name, text, labels=_LABELS)
            for proxy in proxies:
                counter.add_metric(_values(proxy), getattr(proxy, value))
            yield counter
        open_now = GaugeMetricFamily("toxiproxy_proxy_connections", "Connections open now", labels=_LABELS)
        toxics = GaugeMetricFamily("toxiproxy_toxics", "Toxics set now", labels=("proxy", "toxic", "type", "stream"))
        for proxy in proxies:
            open_now.add_metric(_values(proxy), len(proxy.connections))
            for toxic in proxy.toxics:
                toxics.add_metric((proxy.name, toxic.name, toxic.behaviour.type, toxic.direction), 1)
        yield open_now
        yield toxics

    def _bytes(self, proxies: list[Proxy], way: str) -> CounterMetricFamily:
        counter = CounterMetricFamily(
            f"toxiproxy_proxy_{way}_bytes",
            f"Bytes {way}, live connections included",
            labels=("direction", *_LABELS),
        )
        for proxy in proxies:
            for direction in (UPSTREAM, DOWNSTREAM):
                counter.add_metric((direction, *_values(proxy)), proxy.moved(way, direction))
        return counter


class _BuildCollector(Collector):
    """The one Go metric that Toxiproxy's users look for, told about this server."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        build = GaugeMetricFamily("go_build_info", "What is running", labels=("path", "version", "checksum"))
        build.add_metric(("chaos.faultproxy", VERSION, ""), 1)
        yield build


def _values(proxy: Proxy) -> tuple[str, str, str]:
    return proxy.name, proxy.listen, proxy.upstream

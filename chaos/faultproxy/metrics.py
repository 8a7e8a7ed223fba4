"""What `/metrics` tells. Toxiproxy's two counters, but live, and what it lacks: connections, failed dials, faults."""

from collections import Counter
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
from stormglass.telemetry import names
from stormglass.telemetry.names import Metric

VERSION: Final = "2.12.0"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


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
        received, sent = _counter(names.TOXIPROXY_RECEIVED), _counter(names.TOXIPROXY_SENT)
        accepted, refused = _counter(names.TOXIPROXY_ACCEPTED), _counter(names.TOXIPROXY_REFUSED)
        open_now, toxics = _gauge(names.TOXIPROXY_OPEN), _gauge(names.TOXIPROXY_TOXICS)
        for proxy in proxies:
            for direction in (UPSTREAM, DOWNSTREAM):
                received.add_metric((direction, *_values(proxy)), proxy.moved("received", direction))
                sent.add_metric((direction, *_values(proxy)), proxy.moved("sent", direction))
            accepted.add_metric(_values(proxy), proxy.accepted)
            refused.add_metric(_values(proxy), proxy.refused)
            open_now.add_metric(_values(proxy), len(proxy.connections))
            # by type, not by name: whoever sets a toxic may call it anything
            kinds = Counter((toxic.behaviour.type, toxic.direction) for toxic in proxy.toxics)
            for kind, count in kinds.items():
                toxics.add_metric((proxy.name, *kind), count)
        yield from (received, sent, accepted, refused, open_now, toxics)


class _BuildCollector(Collector):
    """The one Go metric that Toxiproxy's users look for, told about this server."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        build = _gauge(names.TOXIPROXY_BUILD)
        build.add_metric(("chaos.faultproxy", VERSION, ""), 1)
        yield build


def _counter(metric: Metric) -> CounterMetricFamily:
    return CounterMetricFamily(metric.name, metric.help, labels=metric.labels)


def _gauge(metric: Metric) -> GaugeMetricFamily:
    return GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)


def _values(proxy: Proxy) -> tuple[str, str, str]:
    return proxy.name, proxy.listen, proxy.upstream

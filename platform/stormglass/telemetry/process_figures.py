"""Memory, processor time and open files of a process on systems without `/proc`, such as macOS.

There prometheus_client's own collector has nothing to tell. The names are its names.
"""

from collections.abc import Iterator

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from stormglass.telemetry.names import runtime
from stormglass.telemetry.names.metric import Metric


class ProcessFigures(Collector):
    """Figures of this process, looked up when somebody asks."""

    def __init__(self) -> None:
        self._process = psutil.Process()

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """The figures now."""
        with self._process.oneshot():
            memory, cpu = self._process.memory_info(), self._process.cpu_times()
            yield _gauge(runtime.RESIDENT_MEMORY, memory.rss)
            yield _gauge(runtime.VIRTUAL_MEMORY, memory.vms)
            yield _gauge(runtime.PROCESS_STARTED, self._process.create_time())
            yield CounterMetricFamily(
                runtime.PROCESS_CPU.name, runtime.PROCESS_CPU.help, value=float(cpu.user + cpu.system)
            )
            yield _gauge(runtime.OPEN_DESCRIPTORS, self._process.num_fds())
        yield _gauge(runtime.MOST_DESCRIPTORS, _most_descriptors())


def _gauge(metric: Metric, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(metric.name, metric.help, value=float(value))


def _most_descriptors() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

"""What every process tells of its interpreter: pauses of the garbage collector, and memory where there is no /proc."""

import gc
import threading
from collections.abc import Iterator

import psutil
import pytest
from prometheus_client import PROCESS_COLLECTOR, CollectorRegistry

from stormglass.telemetry.gc_pauses import GcPauses
from stormglass.telemetry.names import GC_PAUSE
from stormglass.telemetry.process_figures import ProcessFigures
from tests.telemetry.declared import declared_for, deviations


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def pauses(registry: CollectorRegistry) -> Iterator[GcPauses]:
    made = GcPauses()
    registry.register(made)
    yield made
    made.close()


def _count(registry: CollectorRegistry) -> float:
    return registry.get_sample_value("process_gc_pause_seconds_count") or 0


def test_each_collection_is_counted_with_its_length(registry: CollectorRegistry, pauses: GcPauses) -> None:
    before, seconds = _count(registry), registry.get_sample_value("process_gc_pause_seconds_sum") or 0
    for _ in range(3):
        gc.collect()
    assert _count(registry) >= before + 3
    assert (registry.get_sample_value("process_gc_pause_seconds_sum") or 0) > seconds
    assert registry.get_sample_value("process_gc_pause_seconds_bucket", {"le": "+Inf"}) == _count(registry)


def test_it_is_served_as_declared(registry: CollectorRegistry, pauses: GcPauses) -> None:
    gc.collect()
    assert deviations(registry.collect(), [GC_PAUSE]) == []


def test_it_counts_no_more_once_it_is_closed(registry: CollectorRegistry) -> None:
    made = GcPauses()
    registry.register(made)
    made.close()
    gc.collect()
    assert _count(registry) == 0


def test_a_collection_in_the_middle_of_being_asked_does_not_block(
    registry: CollectorRegistry, pauses: GcPauses
) -> None:
    def ask() -> None:
        for family in registry.collect():
            gc.collect()
            assert family.samples

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(10)
    assert not asking.is_alive()


def test_where_there_is_no_proc_the_same_figures_are_served(registry: CollectorRegistry) -> None:
    registry.register(ProcessFigures())
    found = list(registry.collect())
    wanted = [metric for metric in declared_for("keeper") if "psutil" in metric.collector]
    assert len(wanted) == 6
    assert deviations(found, wanted) == []
    told = {sample.name: sample.value for family in found for sample in family.samples}
    process = psutil.Process()
    assert told["process_resident_memory_bytes"] == pytest.approx(process.memory_info().rss, rel=0.2)
    assert told["process_start_time_seconds"] == pytest.approx(process.create_time(), abs=1)
    assert told["process_cpu_seconds_total"] > 0
    assert 3 <= told["process_open_fds"] <= told["process_max_fds"]
    # where both can tell, they tell the same
    theirs = {sample.name: sample.value for family in PROCESS_COLLECTOR.collect() for sample in family.samples}
    for name in theirs.keys() & {"process_resident_memory_bytes", "process_virtual_memory_bytes"}:
        assert told[name] == pytest.approx(theirs[name], rel=0.2)

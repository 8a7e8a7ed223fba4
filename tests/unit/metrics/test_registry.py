"""What is declared of metrics is complete, and consistent with itself."""

import math
import re
from functools import cache
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import stormglass
from stormglass.telemetry import names
from stormglass.telemetry.names import ALL, LAYERS, Metric
from stormglass.telemetry.names.servers import GROUPS
from stormglass.topology import TOPOLOGY

ROOT = Path(stormglass.__file__).parents[2]
UNIT = re.compile(r"s|By|1|\{[a-z]+\}")
ONE_CACHE_EACH = {names.CACHE_REQUESTS.name, names.CACHE_ORIGIN.name}
"""The caches are listed for all services; one process has one of them."""

by_name = pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)


def test_every_name_is_declared_once() -> None:
    assert len(ALL) > 80
    assert len({metric.name for metric in ALL}) == len(ALL)


def test_every_module_of_the_package_that_declares_metrics_is_a_layer() -> None:
    folder = Path(names.__file__).parent
    declaring = {
        path.stem for path in folder.glob("*.py") if re.search(r"^[A-Z_]+ = Metric\(", path.read_text(), re.MULTILINE)
    }
    assert {layer.__name__.rpartition(".")[2] for layer in LAYERS} == declaring


def test_every_metric_can_be_had_from_the_package() -> None:
    for layer in LAYERS:
        for name, value in vars(layer).items():
            if isinstance(value, Metric):
                assert getattr(names, name, None) is value, f"names/__init__.py does not export {name}"
                assert name in names.__all__


@by_name
def test_a_metric_says_all_there_is_to_know(metric: Metric) -> None:
    assert UNIT.fullmatch(metric.unit), metric.unit
    assert metric.help
    known = {process.name for process in TOPOLOGY.processes}
    assert metric.served_by
    assert set(metric.served_by) <= known
    assert len(metric.served_by) < 5 or metric.served_by in GROUPS.values(), "give the group a name in names/servers.py"
    if metric.unit == "s":
        assert re.search(r"seconds(_total)?$|_latency$", metric.name)
    if metric.unit == "By":
        assert re.search(r"bytes(_total)?$", metric.name)
    if metric.buckets:
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.unit == "s"


@by_name
def test_the_bound_fits_the_labels(metric: Metric) -> None:
    assert set(metric.values) <= set(metric.labels)
    assert all(len(values) == len(set(values)) > 0 for values in metric.values.values())
    if not metric.labels:
        assert metric.cardinality == 1
    elif set(metric.values) == set(metric.labels) and metric.name not in ONE_CACHE_EACH:
        assert metric.cardinality == math.prod(len(values) for values in metric.values.values())
    else:
        assert metric.cardinality >= 1
    if metric.zeros:
        assert set(metric.values) == set(metric.labels), "what begins at 0 has to be listed"


def test_what_is_made_is_served_before_anything_has_happened() -> None:
    counted = Metric(
        "made_total", "Made", ("how", "what"), 4, unit="{thing}", served_by=("worker",), zeros=True,
        values={"how": ("well", "badly"), "what": ("cup", "jug")},
    )  # fmt: skip
    silent = Metric("silent_total", "Silent", ("how",), unit="{thing}", served_by=("worker",))
    looked_up = Metric("looked_up", "Looked up", unit="1", served_by=("worker",), collector="somebody")
    for metric in (counted, silent, looked_up):
        metric.make()
        metric.make()
    served = {family.name: family.samples for family in REGISTRY.collect()}
    sets = {(sample.labels["how"], sample.labels["what"]) for sample in served["made"] if sample.name == "made_total"}
    assert sets == {("well", "cup"), ("well", "jug"), ("badly", "cup"), ("badly", "jug")}
    assert served["silent"] == []
    assert "looked_up" not in served


@by_name
def test_a_metric_is_observed_somewhere(metric: Metric) -> None:
    if metric.collector.startswith("prometheus_client"):
        return
    (name,) = {name for layer in LAYERS for name, value in vars(layer).items() if value is metric}
    assert name in _words(), f"nothing observes {name}"


@cache
def _words() -> frozenset[str]:
    """Every word of every module but the declarations."""
    folder = Path(names.__file__).parent
    rooms = ("platform", "services", "worker", "chaos", "observability")
    files = (path for room in rooms for path in (ROOT / room).rglob("*.py") if folder not in path.parents)
    return frozenset(word for path in files for word in re.findall(r"\w+", path.read_text(encoding="utf-8")))

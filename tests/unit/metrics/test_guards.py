"""The checks that telemetry is held to, each with what it must find."""

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import Metric as Family

from stormglass.telemetry.names import Metric
from tests.telemetry.declared import deviations
from tests.telemetry.guards import ids_in_labels, raw_paths

RUNS = Metric("runs_total", "Runs", ("how",), 2, unit="{run}", served_by=("worker",), values={"how": ("well", "badly")})
TIME = Metric("run_seconds", "Time", ("task",), 1, (0.1, 1.0), unit="s", served_by=("worker",))
LENGTH = Metric("queue_length", "Length", unit="{job}", served_by=("worker",))
DECLARED = (RUNS, TIME, LENGTH)


class Served:
    """A process that serves what is declared above; what a test takes away or adds is the offence."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

    def counter(self, *labels: str, text: str = "Runs", of: tuple[str, ...] = ("how",)) -> None:
        made = Counter("runs_total", text, of, registry=self.registry)
        for label in labels:
            made.labels(label)

    def histogram(self, *labels: str, buckets: tuple[float, ...] = (0.1, 1.0)) -> None:
        made = Histogram("run_seconds", "Time", ("task",), buckets=buckets, registry=self.registry)
        for label in labels:
            made.labels(label).observe(0.5, {"trace_id": "0af7651916cd43dd8448eb211c80319c"})

    def gauge(self) -> None:
        Gauge("queue_length", "Length", registry=self.registry)

    def families(self) -> list[Family]:
        return [_without_created(family) for family in self.registry.collect()]


def _without_created(family: Family) -> Family:
    family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    return family


@pytest.fixture
def served() -> Served:
    return Served()


def test_what_is_as_declared_is_passed(served: Served) -> None:
    served.counter("well", "badly")
    served.histogram("mail")
    served.gauge()
    assert deviations(served.families(), DECLARED) == []


def test_metrics_that_nothing_has_happened_to_are_passed(served: Served) -> None:
    served.counter()
    served.histogram()
    served.gauge()
    assert deviations(served.families(), DECLARED) == []


def test_a_metric_that_is_missing_is_found(served: Served) -> None:
    served.counter()
    served.gauge()
    assert deviations(served.families(), DECLARED) == ["missing: run_seconds"]


def test_a_metric_that_nobody_declared_is_found(served: Served) -> None:
    served.counter()
    served.histogram()
    served.gauge()
    Counter("surprises_total", "Surprises", registry=served.registry)
    assert deviations(served.families(), DECLARED) == ["not declared: surprises"]


def test_another_type_is_found(served: Served) -> None:
    served.counter()
    served.histogram()
    Counter("queue_length", "Length", registry=served.registry)
    (found,) = [each for each in deviations(served.families(), DECLARED) if "declared as" in each]
    assert found == "queue_length: is a counter, declared as a gauge"


def test_other_labels_are_found(served: Served) -> None:
    served.counter("badly", of=("why",))
    served.histogram()
    served.gauge()
    assert deviations(served.families(), DECLARED) == ["runs_total: has the labels ['why']"]


def test_a_value_that_is_not_among_those_listed_is_found(served: Served) -> None:
    served.counter("well", "so-so")
    served.histogram()
    served.gauge()
    assert deviations(served.families(), DECLARED) == ["runs_total: how='so-so' is not among its values"]


def test_more_label_sets_than_declared_are_found(served: Served) -> None:
    served.counter()
    served.histogram("mail", "stock")
    served.gauge()
    assert deviations(served.families(), DECLARED) == ["run_seconds: has 2 label sets, declared are 1"]


def test_other_buckets_are_found(served: Served) -> None:
    served.counter()
    served.histogram("mail", buckets=(0.1, 2.0))
    served.gauge()
    assert deviations(served.families(), DECLARED) == ["run_seconds: has the buckets [0.1, 2.0, inf]"]


def test_another_text_is_found(served: Served) -> None:
    served.counter(text="Walks")
    served.histogram()
    served.gauge()
    assert deviations(served.families(), DECLARED) == ["runs_total: says 'Walks'"]


@pytest.mark.parametrize(
    "offender",
    [
        "01a210f9-44d7-7b6b-8be7-1ed375cd96e5",
        "login:01a210f9-44d7-7b6b-8be7-abcdefabcdef",
        "ada@example.com",
        "0af7651916cd43dd8448eb211c80319c",
        "key 9f86d081884c7d659a2f",
        "4711",
        "/products/4711",
        "/orders/01A210F9-44D7-7B6B-8BE7-1ED375CD96E5/confirm",
    ],
)
def test_an_id_in_a_label_is_found(served: Served, offender: str) -> None:
    served.counter("well", offender)
    (found,) = ids_in_labels(served.families())
    assert offender in found


@pytest.mark.parametrize(
    "harmless",
    [
        "/products/{product_id}",
        "gateway-1",
        "HTTP/1.1",
        "127.0.0.1:20104",
        "edge→gateway-1:admin",
        "GET /.well-known/jwks.json",
        "order_placed",
        "log-in",
        "defaced",
        "",
    ],
)
def test_what_is_no_id_is_passed(served: Served, harmless: str) -> None:
    served.counter(harmless)
    assert ids_in_labels(served.families()) == []


def test_numbers_by_nature_are_passed(served: Served) -> None:
    Gauge("answers", "Answers", ["http_response_status_code"], registry=served.registry).labels("404")
    assert ids_in_labels(served.families()) == []


def test_a_raw_path_is_found() -> None:
    templates = ["/products", "/products/{product_id}"]
    assert raw_paths(["", "/products/{product_id}", "/products/{id}"], templates) == []
    assert raw_paths(["/products/tea", "/products"], templates) == ["/products/tea"]

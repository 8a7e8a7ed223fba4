"""What is served, held to what is declared."""

from collections.abc import Iterable, Iterator

from prometheus_client import Metric as Family

from stormglass.telemetry.names import ALL, Metric


def deviations(families: Iterable[Family], declared: Iterable[Metric]) -> list[str]:
    """In what a page of metrics differs from what its process is declared to serve; empty when in nothing."""
    wanted = {_family_name(metric): metric for metric in declared}
    there = {family.name: family for family in families}
    found = [f"missing: {wanted[name].name}" for name in wanted.keys() - there.keys()]
    found += [f"not declared: {name}" for name in there.keys() - wanted.keys()]
    for name in wanted.keys() & there.keys():
        found += [f"{wanted[name].name}: {what}" for what in _differences(there[name], wanted[name])]
    return sorted(found)


def declared_for(service: str) -> list[Metric]:
    return [metric for metric in ALL if service in metric.served_by]


def _family_name(metric: Metric) -> str:
    """A family of counters is called without `_total`."""
    return metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name


def _differences(family: Family, metric: Metric) -> Iterator[str]:
    if family.type != metric.kind:
        yield f"is a {family.type}, declared as a {metric.kind}"
    if family.documentation != metric.help:
        yield f"says {family.documentation!r}"
    sets = set()
    bounds = set()
    for sample in family.samples:
        labels = dict(sample.labels)
        if metric.kind == "histogram" and sample.name.endswith("_bucket"):
            bounds.add(float(labels.pop("le")))
        if set(labels) != set(metric.labels):
            yield f"has the labels {sorted(labels)}"
        sets.add(tuple(sorted(labels.items())))
        yield from (
            f"{name}={text!r} is not among its values"
            for name, text in labels.items()
            if name in metric.values and text not in metric.values[name]
        )
    if len(sets) > metric.cardinality:
        yield f"has {len(sets)} label sets, declared are {metric.cardinality}"
    if bounds and bounds != {*metric.buckets, float("inf")}:
        yield f"has the buckets {sorted(bounds)}"

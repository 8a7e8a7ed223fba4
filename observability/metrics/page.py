"""docs/metrics.md: a head written by hand, and a table for each layer, made of what is declared."""

from collections.abc import Iterator
from inspect import getdoc
from pathlib import Path
from types import ModuleType

from stormglass.telemetry import budgets
from stormglass.telemetry.names import LAYERS, Metric
from stormglass.telemetry.names.registry import metrics_of
from stormglass.telemetry.names.servers import GROUPS

PAGE = Path("docs") / "metrics.md"

_HEAD = Path(__file__).parent / "head.md"


def page() -> str:
    """The page, as Markdown."""
    return "\n".join([_HEAD.read_text(encoding="utf-8"), *_budgets(), *(_layer(layer) for layer in LAYERS)])


def write(root: Path) -> bool:
    """Write the page below `root`; False if it says all this already."""
    path, text = root / PAGE, page()
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def title(layer: ModuleType) -> str:
    """The first line of a layer's module, as a sentence without its full stop."""
    return (getdoc(layer) or layer.__name__).partition("\n")[0].rstrip(".")


def servers(metric: Metric) -> str:
    """Who serves it: the name of a group where it is one."""
    groups = {group: name for name, group in GROUPS.items()}
    return groups.get(metric.served_by) or ", ".join(metric.served_by)


def labels(metric: Metric) -> str:
    """The labels, each with all it can be where that is declared."""
    told = [
        f"`{name}`" + (f": {', '.join(metric.values[name])}" if name in metric.values else "") for name in metric.labels
    ]
    return "; ".join(told)


def reasons(metric: Metric) -> str:
    """What is to be known beside the help text."""
    told = [metric.why, f"buckets {_bounds(metric)}" if metric.buckets else ""]
    told += [f"from {metric.collector}" if metric.collector else "", "0 from the start" if metric.zeros else ""]
    return "; ".join(each for each in told if each)


def _bounds(metric: Metric) -> str:
    return " ".join(f"{bound:g}" for bound in metric.buckets)


def _budgets() -> Iterator[str]:
    yield "## Budgets\n"
    yield "| what | at most | because |\n|---|---|---|"
    for budget in budgets.ALL:
        yield f"| {budget.what} | {budget.most} | {budget.why} |"
    yield ""


def _layer(layer: ModuleType) -> str:
    rows = [
        f"| `{metric.name}` | {metric.kind} | {metric.unit} | {_cell(metric)} | {labels(metric)} "
        f"| {metric.cardinality} | {servers(metric)} |"
        for metric in metrics_of(layer)
    ]
    head = "| metric | type | unit | what | labels | label sets | served by |\n|---|---|---|---|---|---|---|"
    return "\n".join([f"## {title(layer)}\n", head, *rows, ""])


def _cell(metric: Metric) -> str:
    more = reasons(metric)
    return f"{metric.help.rstrip('.')}. {more[0].upper()}{more[1:]}" if more else metric.help.rstrip(".")


def as_data() -> list[dict[str, object]]:
    """Everything that is declared, for programs."""
    return [
        {
            "name": metric.name,
            "type": metric.kind,
            "unit": metric.unit,
            "help": metric.help,
            "labels": list(metric.labels),
            "values": {name: list(values) for name, values in metric.values.items()},
            "cardinality": metric.cardinality,
            "buckets": list(metric.buckets),
            "why": metric.why,
            "served_by": list(metric.served_by),
            "collector": metric.collector,
            "layer": title(layer),
        }
        for layer in LAYERS
        for metric in metrics_of(layer)
    ]

"""The result, for people and for programs."""

from typing import Any

from rich.table import Table

from observability.traces.bench.measure import MIB, Result, Sustained


def rows(result: Result) -> list[tuple[str, str, float]]:
    """What was measured: name, unit, value."""
    held = result.sustained
    return [
        ("spans stored", "1/s", held.load.rate),
        ("spans refused or not sent in time", "", held.load.refused),
        ("sender behind its schedule, most", "ms", 1e3 * held.load.late),
        ("processor, of one core", "%", 100 * held.load.processor_share),
        ("export answered, median", "ms", 1e3 * _at(held.load.answers, 0.5)),
        ("export answered, 99 %", "ms", 1e3 * _at(held.load.answers, 0.99)),
        ("trace by id meanwhile, median", "ms", 1e3 * _at(held.load.look_ups, 0.5)),
        ("search meanwhile, median", "ms", 1e3 * _at(held.load.searches, 0.5)),
        ("search meanwhile, slowest", "ms", 1e3 * max(held.load.searches, default=0.0)),
        ("memory, most", "MiB", max(held.load.memory, default=0) / MIB),
        ("memory, growth after the first third", "MiB", held.growth_bytes / MIB),
        ("spans evicted meanwhile", "", held.evicted_spans),
        ("file at the end", "MiB", held.file_bytes / MIB),
        ("series on /metrics", "", held.series),
        ("most spans stored", "1/s", result.with_metrics.rate),
        ("most spans stored, without generated metrics", "1/s", result.without_metrics.rate),
        ("processor per span", "µs", 1e6 * result.with_metrics.processor_seconds),
        ("processor per span for generated metrics", "µs", 1e6 * result.metrics_cost),
    ]


def table(result: Result) -> Table:
    """The rows for a terminal, with the verdict."""
    shown = Table(
        title=f"Trace store, {result.sustained.wanted_rate:,.0f} spans/s: {verdict(result.sustained)}",
        show_header=False,
    )
    shown.add_column("")
    shown.add_column("", justify="right")
    shown.add_column("unit")
    for number, (name, unit, value) in enumerate(rows(result)):
        shown.add_row(name, f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}", unit,
                      end_section=number in {8, 13})  # fmt: skip
    return shown


def document(result: Result) -> dict[str, Any]:
    """The same for a program."""
    measured = [{"name": name, "unit": unit, "value": value} for name, unit, value in rows(result)]
    return {"met": result.sustained.met, "wanted_rate": result.sustained.wanted_rate, "measured": measured}


def verdict(held: Sustained) -> str:
    """In words."""
    return "sustained" if held.met else "NOT sustained"


def _at(values: list[float], share: float) -> float:
    """The value that `share` of all stay below; 0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0

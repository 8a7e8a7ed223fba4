"""`stormglass metrics`: show every metric that is declared, or write its page."""

import json
from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs")]


def register(app: typer.Typer) -> None:
    """Add `metrics list` and `metrics build`."""
    group = typer.Typer(no_args_is_help=True, help="Metrics: every one that a process of the platform serves.")
    group.command("list")(show)
    group.command("build")(build)
    app.add_typer(group, name="metrics")


def show(as_json: JsonOption = False) -> None:
    """Every metric: its type, its unit, its labels, who serves it."""
    from observability.metrics.page import as_data, servers, title
    from stormglass.telemetry.names import LAYERS
    from stormglass.telemetry.names.registry import metrics_of

    if as_json:
        typer.echo(json.dumps(as_data(), indent=2))
        return
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    for layer in LAYERS:
        columns = (
            Column("metric", no_wrap=True),
            "type",
            "unit",
            "labels",
            Column("sets", justify="right"),
            "served by",
        )
        table = Table(*columns, box=None, header_style="dim")
        for metric in metrics_of(layer):
            row = (metric.name, metric.kind, metric.unit, " ".join(metric.labels), str(metric.cardinality))
            table.add_row(*row, servers(metric))
        console.print(f"\n[bold]{title(layer)}[/]", table, sep="\n")


def build() -> None:
    """Write docs/metrics.md anew; run it after a change to `telemetry/names`."""
    import observability
    from observability.metrics.page import PAGE, write
    from stormglass.runtime.errors import RuntimeFailure

    root = Path(observability.__file__).parents[1]
    if not (root / PAGE.parent).is_dir():
        raise RuntimeFailure(f"there is no {root / PAGE.parent}: the page is written in a checkout of the repository")
    typer.echo(f"  written: {PAGE}" if write(root) else "  the page is up to date")

"""`stormglass bench traces`: what the trace store sustains."""

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `traces` to the group `bench`, whoever made it."""
    group = next((each.typer_instance for each in app.registered_groups if each.name == "bench"), None)
    if group is None:
        group = typer.Typer(help="Measurements.", no_args_is_help=True)
        group.callback()(lambda: None)  # keeps `traces` a sub-command, also where it is the only one
        app.add_typer(group, name="bench")
    group.command(name="traces")(traces)


def traces(
    *,
    rate: Annotated[float, typer.Option(min=100, help="Spans per second to be sustained.")] = 2_000.0,
    seconds: Annotated[float, typer.Option(min=6, help="How long.")] = 40.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> None:
    """Spans per second of a trace store of its own: a rate it has to sustain, and the most it takes.

    Exit code 1 if the rate was not sustained: spans refused, too few stored, memory or the file still growing.
    """
    from rich.console import Console

    from observability.traces.bench.measure import measure
    from observability.traces.bench.report import document, table

    result = measure(rate, seconds, lambda text: typer.echo(text, err=True))
    if as_json:
        typer.echo(json.dumps(document(result), indent=2))
    else:
        console = Console()
        if not console.is_terminal:
            console.width = 100  # a file or a pipe has no width to keep to
        console.print(table(result))
    if not result.sustained.met:
        raise typer.Exit(1)

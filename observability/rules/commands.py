"""`stormglass rules`: write the rule files, or show every alert with what it stands on."""

import json
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs")]


def register(app: typer.Typer) -> None:
    """Add `rules build` and `rules list`."""
    group = typer.Typer(no_args_is_help=True, help="Alert and recording rules, made from objectives and causes.")
    group.command("build")(build)
    group.command("list")(show)
    app.add_typer(group, name="rules")


def build() -> None:
    """Write the rule files anew; run it after a change to observability/slo or to causes.yaml."""
    from observability.rules.build import write
    from observability.slo.openslo import SLOError

    try:
        changed = write()
    except SLOError as error:
        typer.secho(f"  ✗ {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from error
    for path in changed:
        typer.echo(f"  written: {path}")
    if not changed:
        typer.echo("  the rule files are up to date")


def show(as_json: JsonOption = False) -> None:
    """Every alert: how urgent, what it says, where its runbook is."""
    from rich.console import Console
    from rich.table import Table

    from observability.rules.build import alerts

    found = list(alerts())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Table("alert", "severity", "what it says", "runbook", box=None, header_style="bold")
    for alert in found:
        notes = alert["annotations"]
        table.add_row(alert["alert"], alert["labels"]["severity"], notes["summary"], notes["runbook"])
    Console(soft_wrap=True).print(table)

"""`stormglass alerts`: what is on, since when, and where to read what to do."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from stormglass.runtime.errors import RuntimeFailure

_COLOURS = {"page": "red", "ticket": "yellow"}


def register(app: typer.Typer) -> None:
    """Add `alerts`."""
    app.command()(alerts)


def alerts(
    instance: Annotated[str | None, typer.Option("--instance", help="Instance of the platform; default: demo")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs")] = False,
) -> None:
    """The alerts that are on."""
    from observability.alerts.active import AlertsUnknown, active
    from stormglass.runtime.instance import address

    try:
        found = active(f"http://{address(instance, 'prometheus')}", f"http://{address(instance, 'alertmanager')}")
    except AlertsUnknown as error:
        raise RuntimeFailure(str(error)) from error
    if as_json:
        typer.echo(json.dumps([asdict(alert) for alert in found], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    if not found:
        typer.echo("  nothing is on")
        return
    table = Table("alert", "", "since", "what", "what to do", box=None, header_style="bold")
    for alert in found:
        colour = _COLOURS.get(alert.severity, "white") if alert.state == "firing" else "dim"
        table.add_row(f"[{colour}]{alert.name}[/]", alert.state, alert.since[11:19], alert.summary, alert.runbook)
    Console(soft_wrap=True).print(table)

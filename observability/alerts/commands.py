"""`stormglass alerts`: what is on, since when, and where to read what to do; and a rehearsal of every alert."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from stormglass.runtime.errors import RuntimeFailure

if TYPE_CHECKING:
    from observability.alerts.rehearsal.rehearse import Report
    from observability.alerts.rehearsal.rounds import Rehearsal

_COLOURS = {"page": "red", "ticket": "yellow"}

InstanceOption = Annotated[str | None, typer.Option("--instance", help="Instance of the platform; default: demo")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs")]


def register(app: typer.Typer) -> None:
    """Add `alerts` and `alerts rehearse`."""
    group = typer.Typer(invoke_without_command=True, help="The alerts that are on, and a rehearsal of each.")
    group.callback()(alerts)
    group.command("rehearse")(rehearse)
    app.add_typer(group, name="alerts")


def alerts(context: typer.Context, instance: InstanceOption = None, as_json: JsonOption = False) -> None:
    """The alerts that are on."""
    if context.invoked_subcommand:
        return
    from observability.alerts.active import AlertsUnknown, active
    from stormglass.runtime.instance import address

    try:
        found = active(f"http://{address(instance, 'prometheus')}", f"http://{address(instance, 'alertmanager')}")
    except AlertsUnknown as error:
        raise RuntimeFailure(str(error)) from error
    if not any(alert.severity == "none" for alert in found):
        typer.secho("warning: the watchdog is not on: no rule is evaluated yet, or ever", fg="yellow", err=True)
    found = [alert for alert in found if alert.severity != "none"]
    if as_json:
        typer.echo(json.dumps([asdict(alert) for alert in found], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    if not found:
        typer.echo("  nothing is on")
        return
    table = Table("alert", "", "since", "what", "what to do", "page", box=None, header_style="bold")
    for alert in found:
        colour = _COLOURS.get(alert.severity, "white") if alert.state == "firing" else "dim"
        told = (alert.state, alert.since[11:19], alert.summary, alert.runbook, alert.dashboard)
        table.add_row(f"[{colour}]{alert.name}[/]", *told)
    # wider than some terminals: a path or a name that is cut off cannot be used
    Console(soft_wrap=True, width=200).print(table)


def rehearse(
    names: Annotated[list[str] | None, typer.Argument(metavar="[ALERT]…", help="Only these; default: all.")] = None,
    *,
    instance: InstanceOption = None,
    rate: Annotated[
        float, typer.Option(min=0, max=200, help="Requests per second meanwhile; 0: somebody else makes the load.")
    ] = 10.0,
    quiet: Annotated[
        float, typer.Option(min=0, max=600, help="Seconds at the beginning in which nothing may fire.")
    ] = 60.0,
    as_json: JsonOption = False,
) -> None:
    """Put the fault that each alert is for, under load; how long it takes to fire, and to clear after the fault's end.

    All of them take about six minutes. Exit code 1 if one did not fire or clear, or fired without a fault.
    """
    from observability.alerts.rehearsal import rounds as known
    from observability.alerts.rehearsal.commands import Commands
    from observability.alerts.rehearsal.rehearse import rehearse as run
    from observability.alerts.rehearsal.watch import Watch
    from stormglass.runtime.instance import load

    rounds, found = _rounds(names or ()), load(instance)
    watch = Watch(f"http://{found.address('prometheus')}", f"http://{found.address('alertmanager')}", known.labels())
    report = asyncio.run(
        run(
            rounds,
            watch,
            Commands(found.name),
            rate=rate,
            quiet=quiet,
            say=lambda text: typer.echo(f"  {text}", err=True),
        )
    )
    if as_json:
        typer.echo(json.dumps({**asdict(report), "passed": report.passed}, indent=2, ensure_ascii=False))
    else:
        _show(report)
    if not report.passed:
        raise typer.Exit(1)


def _rounds(names: Sequence[str]) -> "list[tuple[Rehearsal, ...]]":
    from difflib import get_close_matches

    from observability.alerts.rehearsal import rounds

    for name in names:
        if name not in rounds.names():
            close = get_close_matches(name, rounds.names(), n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(rounds.names())}"
            raise RuntimeFailure(f"there is no rehearsal of {name!r}: {hint}")
    return list(rounds.chosen(names or rounds.names()))


def _show(report: "Report") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "alert", "fault", "pending", "fires", "clears", "silenced", box=None, header_style="bold")
    for each in report.outcomes:
        mark = "[green]✓[/]" if each.passed else "[red]✗[/]"
        times = [("–" if value is None else f"{value:.0f} s") for value in (each.pending, each.fire, each.clear)]
        table.add_row(mark, each.alert, each.fault, *times, ", ".join(each.silenced))
    Console(soft_wrap=True).print(table)
    typer.echo(f"  without a fault, for {report.quiet:.0f} s: {', '.join(report.alarms) or 'nothing fired'}")
    for fault, others in report.also.items():
        if others:
            typer.echo(f"  {fault}: also fired {', '.join(others)}")
    if not report.alertmanager:
        typer.echo("  Alertmanager is not there: nothing is grouped or silenced, what fires is what Prometheus says")

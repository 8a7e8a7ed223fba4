"""`stormglass bench failover`: the failover table of a running instance."""

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from stormglass.runtime.instance import default_name

InstanceName = Annotated[
    str, typer.Option("--instance", "-i", help="Which instance is meant.", default_factory=default_name)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")]


def register(app: typer.Typer) -> None:
    """Add `failover` to the group `bench`, whoever made it."""
    group = next((each.typer_instance for each in app.registered_groups if each.name == "bench"), None)
    if group is None:
        group = typer.Typer(help="Measurements.", no_args_is_help=True)
        app.add_typer(group, name="bench")
    group.command(name="failover")(failover)


def failover(
    instance: InstanceName,
    *,
    parts: Annotated[str, typer.Option(help="Only these parts: gateway,products,orders,worker.")] = "",
    signals: Annotated[str, typer.Option(help="Only these signals: TERM,KILL,STOP.")] = "",
    rate: Annotated[float, typer.Option(min=5, max=200, help="Requests per second.")] = 20.0,
    as_json: AsJson = False,
) -> None:
    """SIGTERM, SIGKILL and SIGSTOP to each replicated part under load: requests lost, time of the last error.

    Takes about two minutes. Exit code 1 if a goal was missed or an order lost.
    """
    from rich.console import Console

    from chaos.failover.bench import run
    from chaos.failover.cases import PARTS, SIGNALS, cases
    from chaos.failover.table import table
    from stormglass.runtime.instance import load

    found = load(instance)
    wanted = cases(found, _chosen(parts, PARTS), _chosen(signals.upper(), SIGNALS))
    report = asyncio.run(run(found, wanted, rate, lambda text: typer.echo(text, err=True)))
    if as_json:
        rows = [{**asdict(outcome), "met": outcome.met} for outcome in report.outcomes]
        json.dump({"met": report.met, "rate": rate, "outcomes": rows, "orders": asdict(report.books)}, sys.stdout)
        sys.stdout.write("\n")
    else:
        console = Console()
        if not console.is_terminal:
            console.width = 200  # a file or a pipe has no width to keep to
        console.print(table(report.outcomes))
        typer.echo(f"orders: {report.books.told()}")
    if not report.met:
        raise typer.Exit(1)


def _chosen(names: str, known: tuple[str, ...]) -> tuple[str, ...]:
    chosen = tuple(name for name in names.split(",") if name) or known
    for name in chosen:
        if name not in known:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(known)}")
    return chosen

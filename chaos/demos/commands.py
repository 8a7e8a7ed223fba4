"""`stormglass demo failover` and `stormglass demo cache-fallback`."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from stormglass.cli.demo import demo
from stormglass.runtime.instance import Instance, default_name

InstanceName = Annotated[
    str, typer.Option("--instance", "-i", help="Which instance is meant.", default_factory=default_name)
]
Rate = Annotated[float, typer.Option(min=5, max=200, help="Requests per second.")]
AsJson = Annotated[bool, typer.Option("--json", help="The figures as one JSON document at the end.")]


def register(app: typer.Typer) -> None:
    """Add both stories to the group `demo`."""
    demo.command("failover")(failover)
    demo.command("cache-fallback")(cache_fallback)


def failover(context: typer.Context, instance: InstanceName, *, rate: Rate = 20.0, as_json: AsJson = False) -> None:
    """A gateway, then a products replica dies under load: who noticed, what was lost, when it was whole again.

    Exit code 1 if an acknowledged order was lost or mailed about twice, or if a replica did not come back.
    """
    from chaos.demos.failover import tell

    _perform(context, instance, tell, rate, as_json)


def cache_fallback(
    context: typer.Context, instance: InstanceName, *, rate: Rate = 20.0, as_json: AsJson = False
) -> None:
    """Redis becomes slow, then it is gone, then it is back and empty: where answers came from, and what it cost.

    Exit code 1 if an acknowledged order was lost or mailed about twice, or if the cache did not recover.
    """
    from chaos.demos.cache_fallback import tell

    _perform(context, instance, tell, rate, as_json)


def _perform(
    context: typer.Context,
    name: str,
    tell: Callable[[Instance, Any, float], Coroutine[Any, Any, dict[str, Any]]],
    rate: float,
    as_json: bool,
) -> None:
    from rich.console import Console

    from chaos.demos.screen import Screen
    from chaos.demos.theatre import theatre

    console = Console(stderr=as_json, soft_wrap=True)
    if not console.is_terminal:
        console.width = 140  # a file or a pipe has no width to keep to
    with theatre(context, console, name) as instance:
        report = asyncio.run(tell(instance, Screen(console), rate))
    console.print("\n[bold]What happened[/]\n")
    for sentence in report.pop("told"):
        console.print(f"  {sentence}", highlight=False)
    kept = "[bold green]Every promise was kept.[/]" if report["kept"] else "[bold red]A PROMISE WAS BROKEN.[/]"
    console.print(f"\n  {kept} The platform is as it was before.\n")
    if as_json:
        json.dump(report, sys.stdout, indent=2)
        sys.stdout.write("\n")
    if not report["kept"]:
        raise typer.Exit(1)

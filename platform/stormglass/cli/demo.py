"""`stormglass demo`: the tour. It runs the commands a person would type, one after the other, and says so.

Other packages add their own tours to `demo`, the group below (`stormglass demo failover`).
"""

import time
from typing import Annotated, Any

import click
import typer
from rich.console import Console

from stormglass.cli.published import published
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance, inside_a_container, load, reachable

demo = typer.Typer(help="Tours: the whole platform, and what it does while parts of it fail.")


def register(app: typer.Typer) -> None:
    """Add `demo`."""
    app.add_typer(demo, name="demo")


@demo.callback(invoke_without_command=True)
def tour(
    context: typer.Context,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with empty databases")] = False,
) -> None:
    """Start everything, place one order, wait for its mail, show its trace; the platform is left running."""
    if story := context.invoked_subcommand:
        if fresh:
            raise RuntimeFailure(f"--fresh is the whole tour's: first `stormglass demo --fresh`, then `demo {story}`")
        return
    if fresh and inside_a_container():
        raise RuntimeFailure(
            "nothing can be emptied from inside of a container: on the host, `docker compose down --volumes` and then"
            " `docker compose up --wait`, or `stormglass --runtime compose demo --fresh`"
        )
    console = Console(soft_wrap=True)
    begun = time.monotonic()
    was_up = is_up()
    try:
        if not inside_a_container():
            run(context, console, "up", *(["--fresh"] if fresh else []))
        run(context, console, "catalogue")
        report = run(context, console, "order")
        run(context, console, "trace", report["trace_id"], "--wait", "15")
    except BaseException as error:
        if not was_up:
            console.print("\n[red]The tour failed; stopping what it started.[/]")
            run(context, console, "down")
        if isinstance(error, click.exceptions.Exit) and error.exit_code:
            raise typer.Exit(error.exit_code) from error
        raise
    _farewell(console, load(), report, time.monotonic() - begun)


def run(context: typer.Context, console: Console, *arguments: str) -> Any:
    """Run another sub-command in this process, as if it had been typed; what it returns."""
    console.print(f"\n[bold cyan]$ stormglass {' '.join(arguments)}[/]", highlight=False)
    root = context.find_root().command
    result = root.main(args=list(arguments), prog_name="stormglass", standalone_mode=False)
    # click returns the code of an Exit raised inside as an integer
    if isinstance(result, int) and not isinstance(result, bool) and result:
        raise click.exceptions.Exit(result)
    return result


def is_up(name: str | None = None) -> bool:
    """Whether the instance's edge takes connections."""
    try:
        return reachable(load(name).address("edge"))
    except RuntimeFailure:
        return False


def _farewell(console: Console, instance: Instance, report: dict[str, Any], seconds: float) -> None:
    """The addresses, and what to try next."""
    order_id, trace_id = report["order_id"], report["trace_id"]
    addresses = published(trace_id) if inside_a_container() else _native(instance, trace_id)
    console.print(f"\n[bold green]Order {order_id} crossed every layer.[/] The tour took {seconds:.0f} s.\n")
    for what, address in addresses.items():
        console.print(f"  {what:32} {address}", highlight=False)
    console.print("\nWhat to try next:\n")
    for command, what in _NEXT_INSIDE if inside_a_container() else _NEXT:
        console.print(f"  [cyan]{command.format(trace_id=trace_id):60}[/] {what}", highlight=False)
    console.print()


def _native(instance: Instance, trace_id: str) -> dict[str, str]:
    addresses = (
        ("the shop, through the edge", f"http://{instance.address('edge')}/products"),
        ("the load balancer's dashboard", f"http://{instance.address('edge:admin')}/dashboard/"),
        ("the mails", f"http://{instance.address('mail-api')}/"),
        ("Prometheus", f"http://{instance.address('prometheus')}/"),
        ("the trace store (Tempo's API)", f"http://{instance.address('traces')}/api/traces/{trace_id}"),
    )
    return {what: address for what, address in addresses if reachable(address.split("/")[2])}


_NEXT_INSIDE = (
    ("stormglass demo failover", "a gateway, then a products replica is cut off under load"),
    ("stormglass demo cache-fallback", "Redis slow, then gone, then back empty: where answers came from"),
    ("stormglass fault add orders→postgres latency latency=800", "break an edge yourself; it heals after a minute"),
    ("stormglass status", "every container, its health and memory"),
    ("stormglass order", "place another order, and find it in Grafana"),
    ("stormglass logs --trace {trace_id}", "this request's log lines from every container"),
    ("stormglass kill gateway-1", "and order again: nobody notices"),
    ("docker compose down", "stop everything; the data stays (--volumes removes it)"),
)

_NEXT = (
    ("stormglass demo failover", "a gateway, then a products replica dies under load: who noticed, what it cost"),
    ("stormglass demo cache-fallback", "Redis slow, then gone, then back empty: where answers came from"),
    ("stormglass fault add orders→postgres latency latency=800", "break an edge yourself; it heals after a minute"),
    ("stormglass load", "steady load for half a minute: what was slow, what was lost"),
    ("stormglass dashboards render --all pages/", "nine dashboards as pages: is it healthy, and what is not"),
    ("stormglass alerts", "what fires, since when, and what to do about it"),
    ("stormglass status", "every process, its readiness and memory"),
    ("stormglass order", "place another order"),
    ("stormglass logs --trace {trace_id}", "this request's log lines from every process"),
    ("stormglass kill gateway-1 --signal KILL", "and order again: nobody notices"),
    ("stormglass kill worker-1 --signal STOP", "jobs go to the other worker (CONT wakes it)"),
    ("make down", "stop everything; the data stays"),
)

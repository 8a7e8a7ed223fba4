"""`stormglass routes`: the route table as it is checked when a gateway starts."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.gateway.route import Route


def register(app: typer.Typer) -> None:
    """Add `routes`."""
    app.command()(routes)


def routes(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs")] = False) -> None:
    """Show what is reachable from outside, and what the gateway does with it. Everything else is a 404."""
    from services.gateway.check import check
    from services.gateway.routes import ROUTES, policies
    from services.gateway.settings import GatewaySettings

    known = policies(GatewaySettings())
    check(ROUTES, known)
    if as_json:
        document = {
            "limits": [asdict(policy) for policy in known.values()],
            "routes": [{**asdict(route), "target": route.target} for route in ROUTES],
        }
        typer.echo(json.dumps(document, indent=2, default=sorted))
        return

    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("methods", "path", "service", "its path", "credential", "scopes", "limits", "cache", "shape"):
        table.add_column(name, overflow="fold", no_wrap=name == "path")
    table.add_column("body", justify="right")
    table.add_column("time", justify="right")
    for route in ROUTES:
        table.add_row(*_cells(route))
    # a file or a pipe has no width to keep to
    console = Console()
    console = console if console.is_terminal else Console(width=200)
    console.print(table)
    console.print()
    for policy in known.values():
        per = "address" if policy.by_address else "caller, or address where nobody says who it is"
        counted = "failed requests" if policy.failures_only else "requests"
        console.print(f"[bold]{policy.name}[/]: {policy.quota} {counted} in {policy.window} s, per {per}")


def _cells(route: "Route") -> list[str]:
    return [
        " ".join(route.methods),
        route.path,
        route.upstream,
        route.rewrite,
        str(route.auth),
        " ".join(sorted(route.scopes)),
        " ".join(route.limits),
        str(route.cache or ""),
        route.shape or str(route.compose or ""),
        f"{route.body // 1024} KiB" if route.body else "",
        f"{route.head:g} s" if route.total == route.head else f"{route.head:g} / {route.total:g} s",
    ]

"""`stormglass canary`: a share of the requests for one replica."""

import json
from typing import Annotated

import typer

from stormglass.runtime.options import AsJson, InstanceName


def canary(
    what: Annotated[str, typer.Argument(help="A replica (products-2), or `list`, or `clear`.")] = "list",
    replica: Annotated[str, typer.Argument(help="With `clear`: of which process; all, if none is named.")] = "",
    *,
    instance: InstanceName,
    weight: Annotated[
        int | None, typer.Option(min=0, max=100, help="Percent of its process' requests that the replica gets.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send a share of the requests to one replica, or show or clear such shares.

    Administrators can be answered by a replica of their choice too: with the header `X-Stormglass-Canary: products-2`.
    """
    from stormglass.runtime import canary as acts
    from stormglass.runtime.instance import load

    if (what in {"list", "clear"}) != (weight is None) or (replica and what != "clear"):
        raise typer.BadParameter("wanted: `canary REPLICA --weight PERCENT`, `canary list` or `canary clear [PROCESS]`")
    cleared: list[str] = []
    if what == "clear":
        cleared = acts.clear(instance, replica)
    elif weight is not None:
        acts.put(instance, what, weight)
    canaries = load(instance).canaries
    if as_json:
        typer.echo(json.dumps({"canaries": dict(canaries), "cleared": cleared}))
        return
    for name in cleared:
        typer.echo(f"{name} is no canary any more")
    for name, percent in canaries.items():
        typer.echo(f"{name} gets {percent} % of its process' requests")
    if not canaries and not cleared:
        typer.echo("there is no canary: every replica gets the same share")

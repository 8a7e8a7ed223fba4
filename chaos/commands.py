"""`stormglass fault`, `edges`, `bench`: faults put, listed and taken back; what every edge carries."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from chaos import completion
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import default_name

if TYPE_CHECKING:
    from chaos.engine.context import Context
    from chaos.engine.model import Fault, FaultKind
    from stormglass.runtime.instance import Instance

InstanceName = Annotated[
    str, typer.Option("--instance", "-i", help="Which instance is meant.", default_factory=default_name)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")]


def register(app: typer.Typer) -> None:
    """Add `fault`, `edges` and `bench`."""
    fault = typer.Typer(
        help="Faults on the edges and processes of a running instance; each ends by itself.", no_args_is_help=True
    )
    fault.command("add")(add)
    fault.command("list")(show)
    fault.command("clear")(clear)
    fault.command("types")(types)
    app.add_typer(fault, name="fault")
    app.command("edges")(edges)
    bench = typer.Typer(help="Measurements of parts of the platform.", no_args_is_help=True)
    bench.callback()(lambda: None)  # keeps `faultproxy` a sub-command, also while it is the only one
    bench.command("faultproxy")(bench_faultproxy)
    app.add_typer(bench, name="bench")


def add(
    instance: InstanceName,
    target: Annotated[
        str,
        typer.Argument(
            help="An edge (orders→postgres or orders->postgres) or a part.", autocompletion=completion.targets
        ),
    ],
    type_name: Annotated[
        str,
        typer.Argument(metavar="TYPE", help="What to do: `fault types` lists it.", autocompletion=completion.types),
    ],
    attributes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]…", help="latency=800ms", autocompletion=completion.attributes),
    ] = None,
    *,
    ttl: Annotated[str, typer.Option(help="How long it lasts: 500ms, 60s, 2m, at most 1h.")] = "60s",
    stream: Annotated[str, typer.Option(help="upstream, downstream or both; for edges.")] = "",
    toxicity: Annotated[float, typer.Option(help="Share of the connections, 0 to 1; for edges.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Put a fault; it is taken back when its time is over, whatever becomes of this command."""
    from chaos import show as output
    from chaos.engine.model import Refused
    from chaos.keeper.client import KeeperClient
    from stormglass.runtime.instance import load

    values: dict[str, object] = {}
    for pair in attributes or []:
        name, equals, value = pair.partition("=")
        if not equals or name in values:
            raise Refused(f"{pair!r}: each attribute is given once, as NAME=VALUE")
        values[name] = value
    with KeeperClient(load(instance)) as keeper:
        fault = keeper.add(target, type_name, values, stream=stream, toxicity=toxicity, ttl=ttl)
    if as_json:
        _json(fault.as_json())
    else:
        typer.echo(output.put(fault))


def show(instance: InstanceName, *, as_json: AsJson = False) -> None:
    """Show every fault that has not ended."""
    from chaos import show as output
    from stormglass.runtime.instance import load

    found, away = _live(load(instance))
    if as_json:
        _json({"faults": [fault.as_json() for fault in found], "keeper": "away" if away else "answers"})
        return
    if found:
        output.console().print(output.faults(found))
    else:
        typer.echo("no faults")
    if away:
        typer.secho(f"warning: this is from the journal: {away}", fg="yellow", err=True)


def clear(
    instance: InstanceName,
    which: Annotated[
        str,
        typer.Argument(metavar="[TARGET|ID]", help="All faults if none is named.", autocompletion=completion.live),
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Take faults back now, also without the keeper. Exit code 1 if one cannot be undone yet."""
    from chaos import show as output
    from chaos.engine import direct
    from chaos.engine.model import State
    from chaos.keeper.client import KeeperAway, KeeperClient
    from stormglass.runtime.instance import load

    found = load(instance)
    live, _ = _live(found)
    chosen = _chosen(live, which)
    try:
        with KeeperClient(found) as keeper:
            done = [fault for identity in chosen for fault in keeper.clear(identity)]
    except KeeperAway:
        done = direct.clear(found, lambda fault: fault.id in chosen)
    failed = [fault for fault in done if fault.state is not State.ENDED]
    if as_json:
        ended = [fault.as_json() for fault in done if fault.state is State.ENDED]
        _json({"cleared": ended, "failed": [fault.as_json() for fault in failed]})
    elif not done:
        typer.echo("no faults")
    for fault in done if not as_json else []:
        if fault.state is State.ENDED:
            typer.echo(f"taken back: {fault.id}  {fault.target}  {output.what(fault)}")
        else:
            typer.secho(
                f"not yet taken back: {fault.id}  {fault.target}  {output.what(fault)}: {fault.reason or fault.state}",
                fg="red",
                err=True,
            )
    if failed:
        raise typer.Exit(1)


def types(instance: InstanceName, *, as_json: AsJson = False) -> None:
    """Show every type of fault: what it does, its attributes, what it can be put on."""
    from chaos import show as output
    from chaos.engine.context import Context
    from chaos.engine.registry import kinds

    context = Context(instance)
    found = [(kind, _targets(context, kind)) for kind in kinds().values()]
    if not as_json:
        output.console().print(output.kinds(found))
        return
    _json(
        [
            {
                "type": kind.name,
                "summary": kind.summary,
                "streams": kind.has_streams,
                "attributes": [
                    {"name": a.name, "help": a.help, "unit": a.unit, "default": a.default, "accepts": a.range}
                    for a in kind.attributes
                ],
                "targets": targets,
            }
            for kind, targets in found
        ]
    )


def edges(instance: InstanceName, *, as_json: AsJson = False) -> None:
    """Show every edge: its proxy, the toxics on it, what it has carried."""
    from chaos import edges as rows
    from chaos import show as output
    from stormglass.runtime.instance import load

    found = rows.edges(load(instance))
    if as_json:
        _json(asdict(found))
    else:
        output.console().print(output.edges(found))
    if found.problem:
        raise typer.Exit(3)


def bench_faultproxy(*, as_json: AsJson = False) -> None:
    """Compare our fault proxy with the real Toxiproxy, side by side. Takes about a minute."""
    from chaos.bench.faultproxy import run

    run(as_json)


def _live(instance: "Instance") -> "tuple[list[Fault], str]":
    """Faults as the keeper knows them, or as the journal does and why it had to be asked."""
    from chaos.engine import direct
    from chaos.keeper.client import KeeperAway, KeeperClient

    try:
        with KeeperClient(instance) as keeper:
            return keeper.live(), ""
    except KeeperAway as away:
        return direct.read(instance), str(away)


def _chosen(live: "list[Fault]", which: str) -> list[str]:
    """Ids of what is meant; `Refused` suggests what was."""
    from difflib import get_close_matches

    from chaos.engine.model import Refused
    from chaos.engine.registry import normalised

    if not which:
        return [fault.id for fault in live]
    chosen = [fault.id for fault in live if which == fault.id or normalised(which) == fault.target]
    if not chosen:
        names = sorted({name for fault in live for name in (fault.id, fault.target)})
        close = get_close_matches(normalised(which), names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}" if names else "there is none"
        raise Refused(f"there is no fault {which!r}: {hint}")
    return chosen


def _targets(context: "Context", kind: "FaultKind") -> list[str]:
    """What a kind can be put on; nothing where there is no instance to look at."""
    try:
        return [] if kind.local and not context.instance.managed else kind.targets(context)
    except RuntimeFailure:
        return []


def _json(document: object) -> None:
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")

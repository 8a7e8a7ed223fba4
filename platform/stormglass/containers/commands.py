"""`stormglass --runtime compose …`: what concerns containers is done by their engine, all else inside of them."""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, NoReturn

import typer

from stormglass.containers import engine
from stormglass.containers.contained import contained
from stormglass.runtime.control import signal_named
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.options import AsJson

NATIVE = {
    "scale": "each replica is written down in docker-compose.yml, and so are its edges",
    "canary": "the routes are a file in the repository",
    "keys": "the keys are in the volume of the users service",
    "doctor": "it examines this machine for the native runtime",
}
"""Commands that containers do not have, and why."""

ENDING = {"KILL", "TERM", "INT", "QUIT", "ABRT", "HUP"}
"""Signals after which a process is no more; natively the manager starts it again."""

END_SECONDS = 30.0

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def run(arguments: list[str]) -> NoReturn:
    """Run a command line against the containers, and exit with its code."""
    name = arguments[0]
    if name in NATIVE:
        raise RuntimeFailure(f"{name} is for the native runtime: {NATIVE[name]}")
    if name in {command.name for command in app.registered_commands}:
        app(arguments, prog_name="stormglass --runtime compose")
    if name == "demo":
        arguments = [name, *_staged(arguments[1:])]
    elif not engine.running():
        raise RuntimeFailure("no container runs: start them with `stormglass --runtime compose up`")
    sys.exit(engine.forward(arguments))


def _staged(words: list[str]) -> list[str]:
    """Do for a tour what cannot be done from inside, where nothing is started or emptied; the words that are left.

    The whole tour loads the catalogue itself; a story finds a platform that is up, and takes it as it is.
    """
    fresh = words == ["--fresh"]
    if fresh or not engine.running():
        up(fresh=fresh)
        if words and not fresh and (code := engine.forward(["catalogue"], aside=True)):
            sys.exit(code)
    return [] if fresh else words


@app.command(name="up")
def up(*, fresh: Annotated[bool, typer.Option(help="Forget all data of earlier runs.")] = False) -> None:
    """Build what is missing, start everything, wait until all is healthy."""
    if fresh:
        _exit(engine.attached("--profile", "cli", "down", "--volumes", "--remove-orphans", aside=True))
    begun = time.monotonic()
    code = engine.attached("up", "--build", "--detach", "--wait", aside=True)
    if code:
        raise RuntimeFailure("not every container became healthy: `stormglass --runtime compose status` says which")
    typer.echo(f"the containers are up after {time.monotonic() - begun:.1f} s", err=True)


@app.command(name="down")
def down(*, purge: Annotated[bool, typer.Option(help="Remove the volumes too.")] = False) -> None:
    """Stop and remove every container."""
    _exit(engine.attached("--profile", "cli", "down", "--remove-orphans", *(["--volumes"] if purge else [])))


@app.command(name="restart")
def restart(name: str) -> None:
    """Restart a replica, or all replicas of a process, one after the other."""
    for service in services(name):
        _exit(engine.attached("restart", service))


@app.command(name="kill")
def kill(
    name: str,
    *,
    signal_name: Annotated[str, typer.Option("--signal", "-s", help="Name or number.")] = "KILL",
    as_json: AsJson = False,
) -> None:
    """Send a signal to a replica or to all of a process; what dies is started again, as the native manager does."""
    wanted, signal = services(name), signal_named(signal_name).name.removeprefix("SIG")
    engine.compose("kill", "--signal", f"SIG{signal}", *wanted)
    if signal in ENDING:
        # the engine restarts what crashes, but takes a kill of ours for the wish that it stay away
        for service in wanted:
            _until_ended(service)
        engine.compose("start", *wanted)
    if as_json:
        _json({"signal": signal, "replicas": wanted})
    else:
        typer.echo(f"sent {signal} to {', '.join(wanted)}")


def _until_ended(service: str) -> None:
    until = time.monotonic() + END_SECONDS
    while engine.compose("ps", "--quiet", "--status", "running", service).strip():
        if time.monotonic() > until:
            raise RuntimeFailure(f"{service} does not end within {END_SECONDS:g} s")
        time.sleep(0.2)


@app.command(name="status")
def status(*, as_json: AsJson = False) -> None:
    """Show state, health, memory and image of every container. Exit code 3 unless all are as they should be."""
    found = engine.containers()
    state = "down" if not found else "up" if all(each.ready for each in found) else "degraded"
    if as_json:
        rows = [
            {
                "replica": each.service,
                "state": each.state,
                "ready": each.ready,
                "reason": "" if each.ready else each.health or each.status,
                "restarts": each.restarts,
                "memory_bytes": each.memory_bytes,
                "limit_bytes": each.limit_bytes,
                "image": each.image,
                "published": list(each.published),
            }
            for each in found
        ]
        _json({"runtime": "compose", "state": state, "rows": rows, "memory_bytes": sum(c.memory_bytes for c in found)})
    else:
        _table(found, state)
    _exit(0 if state == "up" else 3)


def _table(found: list[engine.Container], state: str) -> None:
    from rich.console import Console
    from rich.table import Table

    colour = {"up": "green", "degraded": "yellow", "down": "red"}[state]
    table = Table(title=f"containers: [{colour}]{state}[/]", title_justify="left", box=None)
    for name in ("container", "state", "ready", "restarts", "memory", "limit", "image", "published"):
        table.add_column(name, justify="right" if name in {"restarts", "memory", "limit"} else "left", no_wrap=True)
    for each in found:
        ready = "[dim]done[/]" if each.once else "[green]yes[/]" if each.ready else f"[red]no[/] {each.health}"
        memory = [f"{count / 2**20:.0f} MiB" if count else "" for count in (each.memory_bytes, each.limit_bytes)]
        table.add_row(
            each.service, each.state, ready, str(each.restarts), *memory, each.image, " ".join(each.published)
        )
    if found:
        table.add_section()
        table.add_row("total", "", "", "", f"{sum(each.memory_bytes for each in found) / 2**20:.0f} MiB")
    console = Console()
    Console(width=None if console.is_terminal else 160).print(table)


@app.command(name="logs")
def logs(
    name: Annotated[str, typer.Argument(help="A process or a replica; all if none is named.")] = "",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    count: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 100,
    trace: Annotated[str, typer.Option(help="Only the lines of this trace, from every container.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show log lines of all containers in one order of time."""
    from rich.console import Console

    from stormglass.runtime.logs import Line
    from stormglass.runtime.logview import pretty, raw

    wanted = services(name) if name else []
    console = Console(soft_wrap=True, highlight=False)

    def show(line: Line) -> None:
        if as_json:
            typer.echo(raw(line))
        else:
            console.print(pretty(line))

    tail = ["--tail", "all" if trace else str(count)]
    there = _lines(engine.lines("logs", "--no-color", *tail, *wanted))
    chosen = sorted(line for line in there if not trace or line.belongs_to(trace))
    for line in chosen if trace else chosen[-count:] if count else []:
        show(line)
    if follow:
        for line in _lines(engine.lines("logs", "--no-color", "--follow", "--tail", "0", *wanted)):
            if not trace or line.belongs_to(trace):
                show(line)


def _lines(printed: Iterable[str]) -> Iterator[Any]:
    """`orders-1-1  | {…}` as a line of `orders-1`; one without a time of its own has that of the line before it."""
    from stormglass.runtime.logs import Line, moment

    last: dict[str, float] = {}
    for text in printed:
        prefix, bar, words = text.partition("|")
        source, words = prefix.strip().rpartition("-")[0], words.strip()
        if bar and words:
            last[source] = moment(words) or last.get(source, 0.0)
            yield Line(last[source], source, words)


def services(name: str) -> list[str]:
    """The compose services of a process or a replica; `RuntimeFailure` lists what there is."""
    instance = contained()
    replicas = {
        replica: {process.name, replica}
        for process, number in instance.places()
        for replica in [process.replica_name(number)]
    }
    found = [replica for replica, names in replicas.items() if name in names]
    if not found:
        known = set(engine.compose("config", "--services").split())
        if name not in known:
            raise RuntimeFailure(f"there is no container {name!r}: there are {', '.join(sorted(known))}")
        found = [name]
    return found


def _exit(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _json(document: object) -> None:
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")

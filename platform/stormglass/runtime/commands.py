"""The runtime's commands. Everything heavy is imported when a command runs, so that the command line starts quickly."""

import json
import signal
import sys
import time
from dataclasses import asdict
from typing import Annotated, NoReturn

import typer

from stormglass.runtime import keys_commands
from stormglass.runtime.canary_command import canary
from stormglass.runtime.environment import SAMPLING
from stormglass.runtime.instance import check_name
from stormglass.runtime.options import AsJson, InstanceName


def register(app: typer.Typer) -> None:
    """Add the runtime's commands."""
    for command in (up, down, status, logs, restart, kill, scale, canary, doctor):
        app.command()(command)
    keys_commands.register(app)


def up(
    instance: InstanceName,
    *,
    fresh: Annotated[bool, typer.Option(help="Forget all data and logs of earlier runs.")] = False,
    only: Annotated[str, typer.Option(help="Only these processes (a,b,…) and what they start after.")] = "",
    base_port: Annotated[int | None, typer.Option(help="First port of the instance's block.")] = None,
    direct: Annotated[bool, typer.Option(help="No fault proxies: edges lead straight to the servers.")] = False,
    sample_ratio: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            envvar=SAMPLING,
            help="Share of traces to export whole, from now on. [default: 1, or as before]",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start the platform, or what is missing of it, and wait until every part is ready."""
    from rich.console import Console

    from stormglass.runtime import names
    from stormglass.runtime.display import live_report, summary
    from stormglass.runtime.startup import up as start
    from stormglass.topology import TOPOLOGY

    chosen = [names.process(TOPOLOGY, name).name for name in only.split(",") if name]
    signal.signal(signal.SIGTERM, _interrupt)
    since = time.monotonic()
    with live_report(Console(stderr=True)) as report:
        started = start(
            check_name(instance),
            report=report,
            fresh=fresh,
            only=chosen,
            base_port=base_port,
            direct=direct,
            sample_ratio=sample_ratio,
        )
    seconds = time.monotonic() - since
    if as_json:
        addresses = {label: started.address(label) for label in ("edge", "edge:admin", "traces", "mail-api")}
        _json(
            {
                "instance": started.name,
                "base_port": started.base_port,
                "sample_ratio": started.sample_ratio,
                "seconds": seconds,
                "addresses": addresses,
            }
        )
    else:
        typer.echo(summary(started, seconds))


def _interrupt(*_: object) -> NoReturn:
    """SIGTERM ends `up` as Ctrl-C does: what it started is stopped."""
    raise KeyboardInterrupt


def down(
    instance: InstanceName,
    *,
    purge: Annotated[bool, typer.Option(help="Remove the instance's data, secrets and logs too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop everything: the layers in reverse, each with its drain. Nothing is left running."""
    from rich.console import Console

    from stormglass.runtime.display import live_report
    from stormglass.runtime.shutdown import down as stop

    since = time.monotonic()
    with live_report(Console(stderr=True)) as report:
        stop(instance, report=report, purge=purge)
    seconds = time.monotonic() - since
    if as_json:
        _json({"instance": instance, "state": "down", "purged": purge, "seconds": seconds})
    else:
        typer.echo(f"instance {instance} is down after {seconds:.1f} s" + (", its data removed" if purge else ""))


def status(instance: InstanceName, *, as_json: AsJson = False) -> None:
    """Show state, readiness, restarts, uptime, memory and version of every replica. Exit code 3 unless all are up."""
    from stormglass.runtime.instance import load
    from stormglass.runtime.status import status as ask

    found = ask(load(instance))
    if as_json:
        _json({**asdict(found), "memory_bytes": found.memory_bytes})
    else:
        from rich.console import Console

        from stormglass.runtime.display import status_table

        # a file or a pipe has no width to keep to
        console = Console()
        Console(width=None if console.is_terminal else 160).print(status_table(found))
    if found.state != "up":
        raise typer.Exit(3)


def logs(
    instance: InstanceName,
    name: Annotated[str, typer.Argument(help="A process or a replica; all if none is named.")] = "",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    count: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 100,
    trace: Annotated[str, typer.Option(help="Only the lines of this trace, from every process.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show log lines of all processes in one order of time."""
    from rich.console import Console

    from stormglass.runtime import logs as reader
    from stormglass.runtime import names
    from stormglass.runtime.instance import load
    from stormglass.runtime.logview import pretty, raw

    found = load(instance)
    places = names.replicas(found, name) if name else list(found.places())
    wanted = [process.replica_name(number) for process, number in places]
    sources = reader.sources(found, wanted if name else [*wanted, "manager"])
    console = Console(soft_wrap=True, highlight=False)

    def show(line: reader.Line) -> None:
        if as_json:
            typer.echo(raw(line))
        else:
            console.print(pretty(line))

    for line in reader.history(sources, trace_id=trace, count=count):
        show(line)
    if follow:
        for line in reader.follow(sources, trace_id=trace):
            show(line)


def restart(name: str, instance: InstanceName) -> None:
    """Restart a replica (`orders-2`) or all replicas of a process (`orders`), one after the other."""
    from rich.console import Console

    from stormglass.runtime.control import restart as act
    from stormglass.runtime.display import live_report

    with live_report(Console(stderr=True)) as report:
        act(instance, name, report)


def kill(
    name: str,
    instance: InstanceName,
    *,
    signal_name: Annotated[str, typer.Option("--signal", "-s", help="Name or number.")] = "KILL",
    as_json: AsJson = False,
) -> None:
    """Send a signal to a replica or to all replicas of a process; what dies is restarted by the manager."""
    from stormglass.runtime.control import kill as act

    sent = act(instance, name, signal_name)
    if as_json:
        _json({"signal": signal_name, "replicas": sent})
    else:
        typer.echo(f"sent {signal_name} to {', '.join(sent)}")


def scale(name: str, count: int, instance: InstanceName) -> None:
    """Change the number of replicas of a process; the balancer and the metrics follow."""
    from rich.console import Console

    from stormglass.runtime.control import scale as act
    from stormglass.runtime.display import live_report

    with live_report(Console(stderr=True)) as report:
        act(instance, name, count, report)


def doctor(instance: InstanceName, *, as_json: AsJson = False) -> None:
    """Look for what would keep the platform from running, and say what to do about it. Exit code 1 if there is any."""
    from stormglass.runtime.doctor import examine

    findings = examine(check_name(instance))
    if as_json:
        _json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark, colour = ("ok", "green") if finding.ok else ("--", "cyan") if finding.optional else ("!!", "red")
            typer.secho(f"{mark} ", fg=colour, nl=False)
            typer.echo(f"{finding.subject}: {finding.detail}")
            if finding.advice:
                typer.echo(f"     {finding.advice}")
    if not all(finding.ok or finding.optional for finding in findings):
        raise typer.Exit(1)


def _json(document: object) -> None:
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")

"""`stormglass trace`: one trace as a waterfall, as JSON, or as a page. Heavy imports wait until the command runs."""

import asyncio
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from observability.traces.bench import commands as bench
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import default_name

if TYPE_CHECKING:
    from observability.traces.client import TraceClient
    from observability.traces.model import Trace

PIPED_COLUMNS = 140
"""Width of a waterfall that does not go to a terminal."""


def register(app: typer.Typer) -> None:
    """Add `trace` and `bench traces`."""
    app.command("trace")(trace)
    bench.register(app)


def trace(
    trace_id: Annotated[
        str, typer.Argument(metavar="[ID]", help="A trace id, or at least the first 8 digits of one.")
    ] = "",
    *,
    last: Annotated[bool, typer.Option("--last", help="The newest order instead of an id.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of the waterfall.")] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", dir_okay=False, writable=True, help="Write a page that needs nothing else, with the log lines."
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Wait up to so many seconds until the trace is complete.")
    ] = 0.0,
    url: Annotated[
        str, typer.Option(help="Root URL of a server with Tempo's API; the instance's trace store by default.")
    ] = "",
    instance: Annotated[str, typer.Option("--instance", "-i", help="Which instance is meant.")] = "",
) -> None:
    """Show everything that happened in one trace."""
    if bool(trace_id) == last:
        raise typer.BadParameter("give a trace id, or --last (and not both)")
    if as_json and html:
        raise typer.BadParameter("give --json or --html, not both")
    # the logs of another server's traces are not where ours are, unless an instance is named
    logs_of = instance if url else instance or default_name()
    if not url:
        from stormglass.runtime.instance import address

        url = f"http://{address(instance or None, 'traces')}"
    found, complete = asyncio.run(_fetch(url, trace_id, wait))
    if as_json:
        typer.echo(json.dumps({**found.as_json(), "complete": complete}, indent=2, ensure_ascii=False))
    elif html:
        _write(html, found, logs_of)
    else:
        _draw(found)
    if wait and not complete:
        missing = len(found.missing_parents)
        why = f"parents still missing: {missing}" if missing else "spans were still arriving"
        typer.secho(f"warning: not complete after {wait:g} s: {why}", fg="yellow", err=True)


async def _fetch(url: str, text: str, wait: float) -> "tuple[Trace, bool]":
    """The trace and whether it is complete, as far as can be told."""
    from observability.traces.client import TraceClient

    async with TraceClient(url) as client:
        trace_id = await client.resolve(text) if text else await _newest(client)
        found, complete = await client.complete(trace_id, wait)
    if found is None:
        raise RuntimeFailure(
            f"the trace store at {url} has no trace {trace_id}: its spans may be on their way (try --wait 10), "
            "too old to keep, sampled out (docs/traces.md), or of another instance (--instance); "
            "--last shows the newest order"
        )
    return found, complete if wait else not found.missing_parents


async def _newest(client: "TraceClient") -> str:
    newest = await client.newest_order()
    if newest is None:
        raise RuntimeFailure("the trace store is empty: place an order with `stormglass order`, then try again")
    return newest.trace_id


def _write(path: Path, found: "Trace", instance: str) -> None:
    from observability.traces.loglines import lines_of
    from observability.traces.page.document import page

    lines, notice = [], ""
    try:
        lines = lines_of(instance, found.trace_id) if instance else []
    except RuntimeFailure as error:
        notice = f"log lines could not be read: {error}"
    try:
        # a log line may hold half a surrogate pair, which no file can
        path.write_text(page(found, lines, notice=notice), encoding="utf-8", errors="replace")
    except OSError as error:
        raise RuntimeFailure(f"{path} cannot be written: {error.strerror}; give another file to --html") from None
    typer.echo(f"{path}: {len(found.spans)} spans, {len(lines)} log lines; open it in a browser")


def _draw(found: "Trace") -> None:
    from rich.console import Console

    from observability.traces.waterfall import Waterfall

    if isinstance(sys.stdout, io.TextIOWrapper):
        # span names are anybody's text: a terminal that cannot show a letter gets a question mark
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_COLUMNS)
    console.print(Waterfall(found))

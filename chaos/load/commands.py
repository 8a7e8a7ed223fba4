"""`stormglass load`: the load by itself, for as long as somebody wants to look at the platform under it."""

import asyncio
import json
import sys
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer

from stormglass.runtime.instance import default_name

InstanceName = Annotated[
    str, typer.Option("--instance", "-i", help="Which instance is meant.", default_factory=default_name)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")]
_EVERY_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add `load`."""
    app.command()(load)


def load(
    instance: InstanceName,
    *,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long.")] = 30.0,
    rate: Annotated[float, typer.Option(min=1, max=500, help="Requests per second.")] = 20.0,
    as_json: AsJson = False,
) -> None:
    """Browse and order through the edge at a steady rate; at the end the figures, and whether an order was lost."""
    from chaos.load.books import Books, settle
    from chaos.load.generator import Load
    from chaos.load.record import Recording
    from stormglass.runtime.instance import Instance
    from stormglass.runtime.instance import load as load_instance

    async def run(found: Instance) -> tuple[Recording, Books]:
        _say("shoppers register and log in")
        async with Load.running(found, rate) as running:
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                since = time.monotonic()
                await asyncio.sleep(min(_EVERY_SECONDS, left))
                _say(_line(running.recording.ended(since), time.monotonic() - since))
        _say("waiting for every acknowledged order to be confirmed and mailed")
        return running.recording, await settle(found, running.orders.acknowledged)

    recording, books = asyncio.run(run(load_instance(instance)))
    if as_json:
        json.dump({**figures(recording), "orders": asdict(books)}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        typer.echo(_line(recording, seconds) + f"\norders: {books.told()}")
    if not books.balanced:
        raise typer.Exit(1)


def figures(recording: Any) -> dict[str, Any]:
    """A recording for programs: times in milliseconds."""
    return {
        "requests": len(recording),
        "errors": len(recording.errors),
        "error_kinds": recording.kinds(),
        "p50_ms": round(recording.latency(0.5) * 1000, 1) if len(recording) else None,
        "p99_ms": round(recording.latency(0.99) * 1000, 1) if len(recording) else None,
        "cache": recording.caches(),
    }


def _line(seen: Any, seconds: float) -> str:
    shown = figures(seen)
    kinds = ", ".join(f"{count} × {kind}" for kind, count in shown["error_kinds"].items())
    times = f"p50 {shown['p50_ms']:.0f} ms, p99 {shown['p99_ms']:.0f} ms" if len(seen) else "no answer"
    errors = f"{shown['errors']} errors" + (f" ({kinds})" if kinds else "")
    return f"{len(seen) / seconds:5.1f} requests/s   {times}   {errors}"


def _say(text: str) -> None:
    typer.echo(text, err=True)

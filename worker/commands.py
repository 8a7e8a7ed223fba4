"""`stormglass queue`: what waits, what was given up, and giving it another chance."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer

from stormglass.runtime.instance import default_name

InstanceName = Annotated[
    str, typer.Option("--instance", "-i", help="Which instance is meant.", default_factory=default_name)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")]
T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Add `queue`."""
    queue = typer.Typer(help="The queue of events: what waits, and what was given up.", no_args_is_help=True)
    for command in (status, dead, replay, discard):
        queue.command()(command)
    app.add_typer(queue, name="queue")


def _with_desk(instance: str, work: Callable[[Any], Awaitable[T]]) -> T:
    from stormglass.runtime.instance import load
    from worker.admin import Desk

    async def run() -> T:
        async with Desk.open(load(instance)) as desk:
            return await work(desk)

    return asyncio.run(run())


def status(instance: InstanceName, *, as_json: AsJson = False) -> None:
    """Show how many events wait, are being worked on, and were given up."""
    found = asdict(_with_desk(instance, lambda desk: desk.status()))
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, text in (
        ("waiting", "events the queue has not accepted yet"),
        ("open", "events handed over and not finished"),
        ("jobs", "jobs in the queue"),
        ("dead", "dead letters"),
        ("mails_sent", "mails sent"),
        ("mails_unsure", "mails begun and not recorded as sent"),
    ):
        typer.echo(f"{'away' if found[name] is None else found[name]:>8}  {text}")


def dead(instance: InstanceName, *, as_json: AsJson = False) -> None:
    """List the jobs that were given up, with the reason and the trace to look at."""
    letters = _with_desk(instance, lambda desk: desk.dead())
    if as_json:
        typer.echo(json.dumps([_plain(letter) for letter in letters]))
        return
    if not letters:
        typer.echo("no dead letters")
    for letter in letters:
        typer.echo(f"{letter.event_id}  {letter.task}  {letter.attempts} attempts, {letter.died_at:%Y-%m-%d %H:%M:%S}")
        typer.echo(f"    {letter.error}\n    stormglass trace {_trace_id(letter.traceparent)}")


def replay(
    instance: InstanceName,
    event_id: Annotated[str, typer.Argument(help="The event, as `queue dead` shows it.")] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give dead letters another round of attempts."""
    if bool(event_id) == every:
        raise typer.BadParameter("name one event, or say --all")

    async def work(desk: Any) -> list[Any]:
        letters: list[Any] = await desk.dead() if every else [await _letter(desk, event_id)]
        for letter in letters:
            await desk.replay(letter)
        return letters

    letters = _with_desk(instance, work)
    if as_json:
        typer.echo(json.dumps({"replayed": [str(letter.event_id) for letter in letters]}))
    else:
        typer.echo(f"{len(letters)} replayed: the workers have them again")


def discard(
    instance: InstanceName,
    event_id: Annotated[str, typer.Argument(help="The event, as `queue dead` shows it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Remove a dead letter whose job cannot be done any more; `replay` cannot have it back."""

    async def work(desk: Any) -> Any:
        letter = await _letter(desk, event_id)
        await desk.discard(letter)
        return letter

    letter = _with_desk(instance, work)
    if as_json:
        typer.echo(json.dumps({"discarded": _plain(letter)}))
    else:
        typer.echo(f"removed: {letter.event_id}  {letter.task}, given up because of {letter.error}")


async def _letter(desk: Any, event_id: str) -> Any:
    from stormglass.runtime.errors import RuntimeFailure

    for letter in await desk.dead():
        if str(letter.event_id) == event_id:
            return letter
    raise RuntimeFailure(f"there is no dead letter {event_id}: `stormglass queue dead` lists them")


def _plain(letter: Any) -> dict[str, Any]:
    trace_id = _trace_id(letter.traceparent)
    return {
        "event_id": str(letter.event_id),
        "task": letter.task,
        "error": letter.error,
        "attempts": letter.attempts,
        "died_at": letter.died_at.isoformat(),
        "trace_id": trace_id,
    }


def _trace_id(traceparent: str) -> str:
    return traceparent.split("-")[1] if traceparent.count("-") == 3 else ""

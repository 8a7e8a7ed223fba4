"""`stormglass keys`: the keys that access tokens are signed with."""

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stormglass.runtime.options import AsJson, InstanceName

if TYPE_CHECKING:
    from stormglass.runtime.instance import Instance

_COLOURS = {"next": "cyan", "signing": "green", "retiring": "yellow", "gone": "dim"}


def register(app: typer.Typer) -> None:
    """Add `keys list` and `keys rotate`."""
    group = typer.Typer(no_args_is_help=True, help="The keys that access tokens are signed with.")
    group.command("list")(show)
    group.command()(rotate)
    app.add_typer(group, name="keys")


def show(instance: InstanceName, *, as_json: AsJson = False) -> None:
    """List the keys: which one signs, which one will, which ones stay published for the tokens they have signed."""
    from stormglass.runtime.instance import load

    rows = _rows(load(instance))
    if as_json:
        typer.echo(json.dumps({"keys": rows}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    for name in ("key", "state", "signs from", "signs until", "published until", "published by"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(
            row["key_id"][:12] + "…",
            f"[{_COLOURS[row['state']]}]{row['state']}[/]",
            row["signs_from"] or "the beginning",
            row["signs_until"] or "further notice",
            row["published_until"] or "",
            ", ".join(row["published_by"]) or "nobody",
        )
    # a file or a pipe has no width to keep to
    console = Console()
    Console(width=None if console.is_terminal else 160).print(table)


def rotate(
    instance: InstanceName,
    *,
    now: Annotated[
        bool, typer.Option("--now", help="A key has leaked: sign with the new one at once, withdraw all others.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return when the new key signs and every gateway knows.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Change the signing key, so that nobody notices.

    The new one is published for a minute before it signs, the old one until the last token that it signed has expired.
    With --now every token that is out there is void within half a minute.
    """
    from stormglass.runtime import keys, keys_watch
    from stormglass.runtime.control import running
    from stormglass.runtime.instance import load

    found = running(instance)[0] if wait else load(instance)
    rotation = keys.rotate(found, at_once=now)
    if wait:
        asyncio.run(keys_watch.complete(found, rotation.new, lambda text: typer.echo(text, err=True)))
    new = rotation.new
    if as_json:
        report = {"key_id": new.key.key_id, "signs_from": _moment(new.signs_from), "removed": rotation.removed}
        typer.echo(json.dumps(report, indent=2))
        return
    typer.echo(f"new key {new.key.key_id} signs from {_moment(new.signs_from)}")
    if now:
        typer.echo(f"{len(rotation.removed)} withdrawn: gateways refuse their tokens within half a minute")


def _rows(instance: "Instance") -> list[dict[str, Any]]:
    import time

    from stormglass.runtime import keys, keys_watch

    ring = keys.ring(instance)
    published = asyncio.run(keys_watch.published(instance))
    now = time.time()
    return [
        {
            "key_id": key.key.key_id,
            "state": ring.state(key, now).value,
            "signs_from": _moment(key.signs_from),
            "signs_until": _moment(key.signs_until),
            "published_until": _moment(key.published_until),
            "published_by": [name for name, ids in published.items() if key.key.key_id in ids],
            "file": key.path.name,
        }
        for key in ring.keys
    ]


def _moment(seconds: float) -> str | None:
    """A moment as people and programs read it; None for the beginning and for what has no end yet."""
    if seconds in {0.0, float("inf")}:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

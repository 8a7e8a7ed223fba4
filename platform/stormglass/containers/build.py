"""`stormglass compose build`: bring what of the containers follows from the topology up to date, in the checkout."""

import typer

from stormglass.containers.engine import ROOT


def register(app: typer.Typer) -> None:
    """Add the group `compose`."""
    group = typer.Typer(help="The configuration of the containers.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("build")(build)
    app.add_typer(group, name="compose")


def build() -> None:
    """Render what the servers read, and count the fault proxies' ports in the compose files; say what has changed.

    All else in the compose files is written by hand.
    """
    from stormglass.containers import files, handwritten

    changed = [*files.write(ROOT), *handwritten.write(ROOT)]
    for path in changed:
        typer.echo(f"  written: {path}")
    if not changed:
        typer.echo("  the containers' files are up to date")

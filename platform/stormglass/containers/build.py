"""`stormglass compose build`: render the files that the servers in containers read, into the checkout."""

import typer

from stormglass.containers.engine import ROOT


def register(app: typer.Typer) -> None:
    """Add the group `compose`."""
    group = typer.Typer(help="The configuration of the containers.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("build")(build)
    app.add_typer(group, name="compose")


def build() -> None:
    """Render them as natively, and say which have changed; docker-compose.yml itself is written by hand."""
    from stormglass.containers.files import FOLDER, write

    changed = write(ROOT)
    for name in changed:
        typer.echo(f"  written: {ROOT / FOLDER / name}")
    if not changed:
        typer.echo("  the containers' files are up to date")

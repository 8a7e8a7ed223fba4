"""`stormglass`: one command line, filled by whoever registers in the entry point group `stormglass.commands`."""

import os
import signal
import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

from stormglass.cli.errors import reported
from stormglass.cli.runtime import Runtime, choose

GROUP = "stormglass.commands"


def build() -> typer.Typer:
    """The application with every sub-command that could be loaded; one that cannot does not break the others."""
    app = typer.Typer(
        help="A complete small backend, built to be watched while it breaks.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            entry.load()(app)
        except Exception as error:  # noqa: BLE001 - a package of somebody else's may fail in any way
            typer.secho(
                f"warning: the commands of {entry.name!r} ({entry.value}) are missing: {error}", fg="yellow", err=True
            )
    return app


def _options(
    context: typer.Context,
    instance: Annotated[
        str, typer.Option("--instance", "-i", help="Which instance is meant.", envvar="STORMGLASS_INSTANCE")
    ] = "demo",
    runtime: Annotated[
        Runtime | None,
        typer.Option(help="Native processes or containers. [default: whichever runs]", envvar="STORMGLASS_RUNTIME"),
    ] = None,
) -> None:
    """Options of every sub-command: they are read where they are needed, from the environment."""
    os.environ["STORMGLASS_INSTANCE"] = instance
    command = context.invoked_subcommand or ""
    if choose(runtime, command, instance) is Runtime.COMPOSE:
        from stormglass.containers.commands import run

        raise typer.Exit(run(sys.argv[sys.argv.index(command) :]))


def main() -> None:
    """Run the command line; an error that a person can act on is shown without a traceback, with exit code 1."""
    # a shell's background job inherits an ignored SIGINT; who sends it to us all the same means it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with reported():
        build()()


if __name__ == "__main__":
    main()

"""`stormglass`: one command line, filled by whoever registers in the entry point group `stormglass.commands`."""

import os
import signal
from importlib.metadata import entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from stormglass.cli.errors import reported
from stormglass.cli.runtime import Runtime, choose

GROUP = "stormglass.commands"

_WORDS = "stormglass.words"


class _Root(TyperGroup):
    """Keeps the words from the sub-command on, which the other runtime is given as they are."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """See `click.Group`."""
        ctx.meta[_WORDS] = list(args)
        return super().resolve_command(ctx, args)


def build() -> typer.Typer:
    """The application with every sub-command that could be loaded; one that cannot does not break the others."""
    app = typer.Typer(
        cls=_Root,
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
    words = context.meta[_WORDS]
    if choose(runtime, words, instance) is Runtime.COMPOSE:
        from stormglass.containers.commands import run

        run(words)


def main() -> None:
    """Run the command line; an error that a person can act on is shown without a traceback, with exit code 1."""
    # a shell's background job inherits an ignored SIGINT; who sends it to us all the same means it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with reported():
        build()()


if __name__ == "__main__":
    main()

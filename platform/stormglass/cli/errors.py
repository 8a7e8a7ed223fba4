"""How an error reaches the terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from stormglass.runtime.errors import RuntimeFailure


@contextmanager
def reported() -> Iterator[None]:
    """Turn a failure into its text, where its log is, and exit code 1; Ctrl-C into exit code 130."""
    try:
        yield
    except RuntimeFailure as failure:
        typer.secho(f"error: {failure}", fg="red", err=True)
        if failure.log:
            typer.echo(f"  its log: {failure.log}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)

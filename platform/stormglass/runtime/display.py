"""How the runtime's answers look in a terminal; plain lines where there is none."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table

from stormglass.runtime.instance import Instance
from stormglass.runtime.progress import Report, Step
from stormglass.runtime.status import Status

_NUMBERS = {"port", "pid", "restarts", "uptime", "memory"}
_COLOURS = {
    "ready": "green",
    "up": "green",
    "stopped": "dim",
    "failed": "bold red",
    "down": "red",
    "degraded": "yellow",
    "starting": "yellow",
    "stopping": "yellow",
    "skipped": "cyan",
}


@contextmanager
def live_report(console: Console) -> Iterator[Report]:
    """A report that keeps one line per part up to date, or prints one line per change where that is impossible."""
    if not console.is_terminal:
        yield _print
        return
    board = _Board()
    with Live(get_renderable=board.render, console=console, refresh_per_second=10):
        yield board.note


def _print(step: Step) -> None:
    if step.state != "waiting":
        seconds = f" ({step.seconds:.1f} s)" if step.seconds >= 0.05 else ""
        print(f"{step.part:<12} {step.state}{seconds} {step.detail}".rstrip(), file=sys.stderr, flush=True)  # noqa: T201 - the terminal is the purpose


class _Board:
    """The latest step of every part."""

    def __init__(self) -> None:
        self._steps: dict[str, tuple[Step, float]] = {}

    def note(self, step: Step) -> None:
        self._steps[step.part] = (step, time.monotonic())

    def render(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for step, since in list(self._steps.values()):
            moving = step.state in {"starting", "stopping"}
            seconds = time.monotonic() - since if moving else step.seconds
            colour = _COLOURS.get(step.state, "dim")
            shown = f"{seconds:.1f} s" if step.state != "waiting" else ""
            table.add_row(f"  {step.part}", f"[{colour}]{step.state}[/]", f"[dim]{shown}[/]", f"[dim]{step.detail}[/]")
        return table


def status_table(status: Status) -> RenderableType:
    """One row per replica, and a total."""
    colour = _COLOURS[status.state]
    table = Table(title=f"instance {status.instance}: [{colour}]{status.state}[/]", title_justify="left", box=None)
    for name in ("replica", "state", "ready", "port", "pid", "restarts", "uptime", "memory", "version"):
        justify: Literal["right", "left"] = "right" if name in _NUMBERS else "left"
        table.add_column(name, justify=justify, no_wrap=name not in {"ready", "version"})
    for row in status.rows:
        ready = "[green]yes[/]" if row.ready else f"[red]no[/] {row.reason}"
        share = "" if row.canary is None else f" [yellow]({row.canary} % of requests)[/]"
        table.add_row(
            row.replica + share,
            row.state,
            ready,
            str(row.port),
            str(row.pid or ""),
            str(row.restarts),
            _duration(row.uptime_seconds),
            _mebibytes(row.memory_bytes),
            row.version,
        )
    if status.rows:
        table.add_section()
        table.add_row("total", "", "", "", "", "", "", _mebibytes(status.memory_bytes), "")
    return table


def summary(instance: Instance, seconds: float) -> str:
    """What to look at once an instance is up."""
    share = instance.sample_ratio
    traces = "" if share == 1 else f"  traces      a share of {share:g}, and what is slow or fails\n"
    return (
        f"instance {instance.name} is up after {seconds:.1f} s\n"
        f"  edge        http://{instance.address('edge')}\n"
        f"  dashboard   http://{instance.address('edge:admin')}/dashboard/\n"
        f"  logs        {instance.logs}\n{traces}"
        "  next        stormglass status, stormglass logs -f, stormglass down"
    )


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.0f} MiB" if count else ""

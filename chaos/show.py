"""How faults and edges look in a terminal."""

import time
from collections.abc import Iterable
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from chaos.edges import Edges
from chaos.engine.model import Fault, FaultKind, State

PIPED_COLUMNS = 160
_COLOURS = {State.ACTIVE: "yellow", State.FAILED: "bold red", State.ENDED: "green"}


def console() -> Console:
    """Standard output; a file or a pipe has no width to keep to."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(width=PIPED_COLUMNS, highlight=False)


def put(fault: Fault) -> str:
    """What was done, until when, what was seen of it, and how to take it back."""
    until = time.strftime("%H:%M:%S", time.localtime(fault.expires_at))
    return (
        f"fault {fault.id} is in place\n"
        f"  on          {fault.target}\n"
        f"  what        {what(fault)}\n"
        f"  until       {until} ({fault.ttl_seconds:g} s)\n"
        f"  observed    {fault.observation}\n"
        f"  take back   stormglass fault clear {fault.id}"
    )


def what(fault: Fault) -> str:
    """`latency latency=800 jitter=0 downstream`, as one would type it again."""
    values = [f"{name}={value}" for name, value in fault.attributes.items()]
    share = [f"toxicity={fault.toxicity:g}"] if fault.toxicity < 1 else []
    return " ".join([fault.type, *values, *([fault.stream] if fault.stream else []), *share])


def faults(found: Iterable[Fault]) -> Table:
    """One row per fault, with the time that is left."""
    table = _table("id", "on", "what", "state", "left", "observed")
    for fault in found:
        state = Text(fault.state, style=_COLOURS.get(fault.state, "cyan"))
        if fault.attempts:
            state.append(f" ({fault.attempts} attempts: {fault.reason})", style="red")
        if fault.restored:
            state.append(f" (put back {fault.restored}×)", style="dim")
        left = max(fault.expires_at - time.time(), 0)
        seen = Text(fault.observation, style="dim")
        table.add_row(Text(fault.id), Text(fault.target), Text(what(fault)), state, f"{left:.0f} s", seen)
    return table


def kinds(found: Iterable[tuple[FaultKind, list[str]]]) -> Table:
    """One row per type of fault: what it does, its attributes, what it can be put on here."""
    table = _table("type", "while it lasts, the target …", "attributes", "targets")
    for kind, targets in found:
        attributes = "\n".join(
            f"{a.name}={'…' if a.default is None else a.default}  {a.help}, {a.range}" for a in kind.attributes
        )
        some = ", ".join(targets[:4]) + (f", … ({len(targets)})" if len(targets) > 4 else "")
        table.add_row(Text(kind.name, style="bold"), Text(kind.summary), Text(attributes), Text(some, style="dim"))
    return table


def edges(found: Edges) -> Table:
    """One row per edge; what its figures do not tell stands below."""
    table = _table("edge", "from", "to", "proxy port", "state", "toxics", "connections", "to server", "to client")
    for row in found.rows:
        colour = {"ok": "green", "down": "bold red"}.get(row.state, "yellow")
        table.add_row(
            Text(row.edge),
            Text(row.client, style="dim"),
            Text(row.server, style="dim"),
            str(row.port),
            Text(row.state, style=colour),
            Text("\n".join(row.toxics), style="yellow"),
            _number(row.connections),
            _bytes(row.bytes_to_server),
            _bytes(row.bytes_to_client),
        )
    if found.problem:
        table.caption = f"[red]{found.problem}[/]"
    elif not found.live and any(row.state == "ok" for row in found.rows):
        table.caption = (
            "This is the real toxiproxy-server: it counts bytes when a connection ends, and connections not at all "
            "(STORMGLASS_FAULTPROXY=own counts both as they happen)."
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, caption_justify="left", header_style="bold")
    for name in columns:
        numeric = name in {"proxy port", "connections", "to server", "to client", "left"}
        justify: Literal["right", "left"] = "right" if numeric else "left"
        table.add_column(name, justify=justify, no_wrap=numeric or name in {"id", "on", "edge", "type"})
    return table


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _bytes(value: int | None) -> str:
    if value is None:
        return "–"
    if value < 10_000:
        return f"{value} B"
    return f"{value / 1e3:,.0f} kB" if value < 10_000_000 else f"{value / 1e6:,.0f} MB"

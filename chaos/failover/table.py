"""The failover table, for people."""

from collections.abc import Sequence

from rich.table import Table

from chaos.failover.cases import CUT
from chaos.failover.measure import Outcome


def seconds(value: float | None) -> str:
    """Seconds for a table; a dash for what did not happen."""
    return "–" if value is None else f"{value:.2f} s"


def table(outcomes: Sequence[Outcome], *, goals: bool = True) -> Table:
    """One row per case; a row that missed its goal says so in words, not only in colour."""
    shown = Table(box=None, padding=(0, 2))
    for name in ("signal", "replica", "lost", "last error", "noticed", "by", "back", "over 0.5 s"):
        shown.add_column(name, justify="left" if name in {"signal", "replica", "by"} else "right", no_wrap=True)
    if goals:
        shown.add_column("goal: last error", justify="right", no_wrap=True)
        shown.add_column("", no_wrap=True)
    for outcome in outcomes:
        kinds = ", ".join(f"{count} × {kind}" for kind, count in outcome.kinds.items())
        verdict = "[green]met[/]" if outcome.met else "[bold red]MISSED[/]"
        shown.add_row(
            "cut off" if outcome.signal == CUT else f"SIG{outcome.signal}",
            outcome.replica,
            f"{outcome.lost} of {outcome.requests}",
            seconds(outcome.last_error),
            seconds(outcome.noticed),
            outcome.noticed_by or "–",
            seconds(outcome.back),
            str(outcome.slow),
            *(
                (f"≤ {outcome.target:g} s" if outcome.target else "none", f"{verdict} {kinds}".rstrip())
                if goals
                else ()
            ),
        )
    return shown

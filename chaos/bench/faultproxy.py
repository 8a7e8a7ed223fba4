"""`chaos.faultproxy` beside the real Toxiproxy: processor time per message, throughput, added latency.

All servers run at once on the loopback and take turns, so that whatever else the machine does hits them alike; figures
are medians of the rounds. A message is an echo: once through the proxy in each direction.
"""

import json as json_module
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from chaos.bench.echo import Trip, echo_server, many_connections, one_connection
from chaos.toxiproxy.adapter import Adapter
from chaos.toxiproxy.servers import ServerUnavailableError, own_command, real_command, run_server

REAL, OWN, DIRECT = "toxiproxy", "faultproxy", "direct"
ROUNDS = 7
_LATENCY_MS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One measured quantity. `own_to_real` is None where there is no real server to compare with."""

    name: str
    unit: str
    direct: float | None
    real: float | None
    own: float | None
    own_to_real: float | None


@dataclass(frozen=True, slots=True)
class _Target:
    name: str
    port: int
    process: psutil.Process | None
    adapter: Adapter | None


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    latency: bool
    load: Callable[[int], Trip]


_CASES = [
    _Case("100 B, 1 connection", False, lambda port: one_connection(port, 100, 4000)),
    _Case("1 KB, 1 connection", False, lambda port: one_connection(port, 1024, 4000)),
    _Case("64 KB, 1 connection", False, lambda port: one_connection(port, 65536, 2000)),
    _Case("1 KB, 32 connections", False, lambda port: many_connections(port, 1024, 12800, 32)),
    _Case("64 KB, 32 connections", False, lambda port: many_connections(port, 65536, 3200, 32)),
    _Case(f"1 KB, 1 connection, latency {_LATENCY_MS} ms", True, lambda port: one_connection(port, 1024, 150)),
    _Case(f"1 KB, 32 connections, latency {_LATENCY_MS} ms", True, lambda port: many_connections(port, 1024, 6400, 32)),
]


def run(json: bool = False) -> list[Row]:
    """Measure and print, as a table or as JSON; the rows are returned too. Takes about a minute."""
    console = Console(stderr=json)
    if not console.is_terminal:
        console.width = 140  # a file or a pipe has no width to keep to
    with ExitStack() as stack:
        targets = _targets(stack, console)
        rows: list[Row] = []
        for case in _CASES:
            with console.status(f"{case.name}: {ROUNDS} rounds"):
                rows += _rows(case, targets)
    if json:
        Console(soft_wrap=True).print_json(json_module.dumps([asdict(row) for row in rows]))
    else:
        _print(rows, console)
    return rows


def _targets(stack: ExitStack, console: Console) -> list[_Target]:
    echo = stack.enter_context(echo_server())
    commands = {OWN: own_command()}
    try:
        commands[REAL] = real_command()
    except ServerUnavailableError as reason:
        console.print(f"[yellow]The real server is left out: {reason}")
    targets = [_Target(DIRECT, echo, None, None)]
    for name, command in commands.items():
        server = stack.enter_context(run_server(command))
        adapter = stack.enter_context(Adapter(port=server.port))
        listen = adapter.create("bench", "127.0.0.1:0", f"127.0.0.1:{echo}").listen
        targets.append(_Target(name, int(listen.rpartition(":")[2]), psutil.Process(server.pid), adapter))
    return targets


def _rows(case: _Case, targets: list[_Target]) -> list[Row]:
    processor: dict[str, list[float]] = {target.name: [] for target in targets}
    rate: dict[str, list[float]] = {target.name: [] for target in targets}
    middle: dict[str, list[float]] = {target.name: [] for target in targets}
    tail: dict[str, list[float]] = {target.name: [] for target in targets}
    measured = [target for target in targets if target.adapter or not case.latency]
    for _ in range(ROUNDS):
        for target in measured:
            if target.adapter and case.latency:
                with target.adapter.toxic("bench", "latency", latency=_LATENCY_MS):
                    seconds, trip = _measure(target, case)
            else:
                seconds, trip = _measure(target, case)
            count = len(trip.sorted_trips)
            processor[target.name].append(seconds / count * 1e6)
            rate[target.name].append(count / trip.seconds)
            middle[target.name].append(trip.at(0.5) * 1e3)
            tail[target.name].append(trip.at(0.99) * 1e3)
    injected = _LATENCY_MS if case.latency else 0
    return [
        _row(f"CPU per message: {case.name}", "µs", processor, without=DIRECT),
        _row(f"throughput: {case.name}", "msg/s", rate),
        _row(f"added p50: {case.name}", "ms", _added(middle, injected)),
        _row(f"added p99: {case.name}", "ms", _added(tail, injected)),
    ]


def _measure(target: _Target, case: _Case) -> tuple[float, Trip]:
    """Processor seconds of the server during the load, and the load's round trips."""
    before = target.process.cpu_times() if target.process else None
    trip = case.load(target.port)
    after = target.process.cpu_times() if target.process else None
    if before is None or after is None:
        return 0.0, trip
    return after.user + after.system - before.user - before.system, trip


def _added(times: dict[str, list[float]], injected: float) -> dict[str, list[float]]:
    """What each round took beyond the direct one of the same round, or beyond the injected delay."""
    direct = times[DIRECT]
    return {
        name: [value - (direct[number] if direct else injected) for number, value in enumerate(values)]
        for name, values in times.items()
        if name != DIRECT
    }


def _row(name: str, unit: str, figures: dict[str, list[float]], *, without: str | None = None) -> Row:
    middle = {key: median(values) for key, values in figures.items() if values and key != without}
    own, real = middle.get(OWN), middle.get(REAL)
    ratio = own / real if own is not None and real else None
    return Row(name, unit, middle.get(DIRECT), real, own, ratio)


def _print(rows: list[Row], console: Console) -> None:
    table = Table(title=f"Fault proxies, medians of {ROUNDS} interleaved rounds")
    table.add_column("")
    for column in ("unit", "direct", "toxiproxy", "faultproxy", "own ÷ real"):
        table.add_column(column, justify="right")
    for number, row in enumerate(rows, 1):
        values = (f"{value:,.3g}" if value is not None and abs(value) < 100 else f"{value:,.0f}" if value else "–"
                  for value in (row.direct, row.real, row.own))  # fmt: skip
        ratio = f"{row.own_to_real:.2f}" if row.own_to_real is not None else "–"
        table.add_row(row.name, row.unit, *values, ratio, end_section=number % 4 == 0)
    console.print(table)


if __name__ == "__main__":
    run()

"""`stormglass dashboards`: build Grafana's JSON, check every query against what runs, draw a page without Grafana."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from stormglass.runtime.errors import RuntimeFailure

if TYPE_CHECKING:
    from observability.dashboards.checking import Finding
    from observability.dashboards.definition import Dashboard

InstanceOption = Annotated[str | None, typer.Option("--instance", help="Instance of the platform; default: demo")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs")]


def register(app: typer.Typer) -> None:
    """Add `dashboards build | list | check | render | sources`."""
    group = typer.Typer(no_args_is_help=True, help="Dashboards: one definition for Grafana and for a page of our own.")
    commands = (("build", build), ("list", pages), ("check", check), ("render", render), ("sources", sources))
    for name, command in commands:
        group.command(name)(command)
    app.add_typer(group, name="dashboards")


def build() -> None:
    """Write Grafana's JSON anew; run it after a change to a page."""
    from observability.dashboards.building import write

    changed = write()
    for path in changed:
        typer.echo(f"  written: {path}")
    if not changed:
        typer.echo("  the dashboards are up to date")


def pages() -> None:
    """The pages there are."""
    from observability.dashboards.pages import PAGES

    for page in PAGES:
        typer.echo(f"  {page.uid:20} {page.description}")


def check(instance: InstanceOption = None, as_json: JsonOption = False) -> None:
    """Run every query of every panel against the running Prometheus and trace store; exits with 1 if one is empty."""
    from dataclasses import asdict

    from observability.dashboards.checking import check as findings
    from observability.dashboards.live import Prometheus
    from observability.dashboards.pages import PAGES
    from observability.dashboards.tempo import TraceSearch

    with Prometheus(_url(instance, "prometheus")) as prometheus, TraceSearch(_url(instance, "traces")) as traces:
        found = list(findings(PAGES, prometheus, traces, _present(instance)))
    if as_json:
        typer.echo(json.dumps([{**asdict(each), "ok": each.ok} for each in found], indent=2))
    else:
        _show(found)
    if not all(each.ok for each in found):
        raise typer.Exit(1)


def render(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="A page; `dashboards list` tells which there are")] = "",
    *,
    html: Annotated[Path | None, typer.Option(help="File to write; default: NAME.html here")] = None,
    every: Annotated[
        Path | None,
        typer.Option("--all", metavar="DIR", help="All pages into a folder, and the slowest requests' traces"),
    ] = None,
    minutes: Annotated[float, typer.Option(min=1, max=360, help="How far back")] = 15.0,
    instance: InstanceOption = None,
) -> None:
    """Draw a page as one self-contained HTML file, or all of them, with what the running Prometheus holds."""
    from observability.dashboards import folder
    from observability.dashboards.html import draw
    from observability.dashboards.live import Prometheus, PrometheusError
    from observability.dashboards.pages import PAGES
    from stormglass.runtime.instance import load

    if bool(name) == bool(every) or (every and html):
        raise typer.BadParameter("give a page, with --html FILE if it is not to be NAME.html, or --all DIR")
    called, seconds = load(instance).name, minutes * 60
    try:
        with Prometheus(_url(instance, "prometheus")) as prometheus:
            if every:
                traces = _url(instance, "traces")
                written = folder.write(PAGES, every, prometheus, traces, instance=called, seconds=seconds)
                typer.echo(f"  {(every / 'index.html').resolve()}: {len(written)} files")
                return
            text = draw(_page(name), prometheus, instance=called, seconds=seconds)
    except PrometheusError as error:
        raise RuntimeFailure(str(error)) from error
    path = html or Path(f"{name}.html")
    path.write_text(text, encoding="utf-8")
    typer.echo(f"  {path.resolve()}")


def sources(instance: InstanceOption = None) -> None:
    """Print the environment with which a Grafana finds this instance's servers and pages: `eval` it, start Grafana."""
    from observability.grafana.environment import environment
    from stormglass.runtime.instance import load

    for key, value in environment(load(instance)).items():
        typer.echo(f"export {key}={shlex.quote(value)}")


def _page(name: str) -> "Dashboard":
    from observability.dashboards.pages import PAGES

    known = {page.uid: page for page in PAGES}
    if name not in known:
        _fail(f"there is no page {name}; there are {', '.join(known)}")
    return known[name]


def _url(instance: str | None, label: str) -> str:
    from stormglass.runtime.instance import address

    return f"http://{address(instance, label)}"


def _present(instance: str | None) -> set[str]:
    """Processes whose metrics there can be; in containers not those of ours in whose place stands the usual server."""
    from stormglass.containers.contained import USUAL_SERVERS
    from stormglass.runtime.instance import load
    from stormglass.runtime.programs import available
    from stormglass.runtime.status import status

    found = load(instance)
    if found.managed:
        return {process.name for process, _ in found.places() if available(process)}
    return {row.process for row in status(found).rows} - set(USUAL_SERVERS)


def _show(found: "Iterable[Finding]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "page", "panel", "series", "age", "query", box=None, header_style="bold")
    for each in found:
        mark = "[red]✗[/]" if not each.ok else "[green]✓[/]" if each.series else "[cyan]–[/]"
        age = "" if each.age is None else f"{each.age:.0f} s"
        absent = f"moves under {each.moves_under}" if each.moves_under else f"needs {each.needs}" if each.needs else ""
        told = each.error or (absent if absent and not each.series else each.query)
        table.add_row(mark, each.page, each.panel, str(each.series), age, told)
    Console(soft_wrap=True, width=200).print(table)


def _fail(text: str) -> NoReturn:
    typer.secho(f"  ✗ {text}", fg=typer.colors.RED, err=True)
    raise typer.Exit(1)

"""`stormglass dashboards`: build Grafana's JSON, check every query against what runs, draw a page without Grafana."""

import json
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
    """Add `dashboards build | list | check | render`."""
    group = typer.Typer(no_args_is_help=True, help="Dashboards: one definition for Grafana and for a page of our own.")
    for name, command in (("build", build), ("list", pages), ("check", check), ("render", render)):
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
    """Run every query of every panel against the running Prometheus; exits with 1 if one brings nothing."""
    from dataclasses import asdict

    from observability.dashboards.checking import check as findings
    from observability.dashboards.live import Prometheus
    from observability.dashboards.pages import PAGES

    with Prometheus(_url(instance)) as prometheus:
        found = list(findings(PAGES, prometheus, _present(instance)))
    if as_json:
        typer.echo(json.dumps([{**asdict(each), "ok": each.ok} for each in found], indent=2))
    else:
        _show(found)
    if not all(each.ok for each in found):
        raise typer.Exit(1)


def render(
    name: Annotated[str, typer.Argument(help="A page; `dashboards list` tells which there are")],
    html: Annotated[Path | None, typer.Option(help="File to write; default: NAME.html here")] = None,
    minutes: Annotated[float, typer.Option(min=1, max=360, help="How far back")] = 15.0,
    instance: InstanceOption = None,
) -> None:
    """Draw a page as one self-contained HTML file, with what the running Prometheus holds."""
    from observability.dashboards.html import draw
    from observability.dashboards.live import Prometheus, PrometheusError
    from stormglass.runtime.instance import load

    page = _page(name)
    try:
        with Prometheus(_url(instance)) as prometheus:
            text = draw(page, prometheus, instance=load(instance).name, seconds=minutes * 60)
    except PrometheusError as error:
        raise RuntimeFailure(str(error)) from error
    path = html or Path(f"{name}.html")
    path.write_text(text, encoding="utf-8")
    typer.echo(f"  {path.resolve()}")


def _page(name: str) -> "Dashboard":
    from observability.dashboards.pages import PAGES

    known = {page.uid: page for page in PAGES}
    if name not in known:
        _fail(f"there is no page {name}; there are {', '.join(known)}")
    return known[name]


def _url(instance: str | None) -> str:
    from stormglass.runtime.instance import address

    return f"http://{address(instance, 'prometheus')}"


def _present(instance: str | None) -> set[str]:
    from stormglass.runtime.instance import load
    from stormglass.runtime.programs import available

    return {process.name for process, _ in load(instance).places() if available(process)}


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

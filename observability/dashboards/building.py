"""Grafana's JSON: written by `stormglass dashboards build`, held to the pages by a test."""

from collections.abc import Iterator
from pathlib import Path

from observability import dashboards
from observability.dashboards.definition import check
from observability.dashboards.grafana import render
from observability.dashboards.pages import PAGES

GENERATED = Path(dashboards.__file__).parent / "generated"


def rendered() -> Iterator[tuple[Path, str]]:
    """Every file with its text; `DashboardError` if a page breaks a rule."""
    for page in PAGES:
        check(page)
        yield GENERATED / f"{page.uid}.json", render(page)


def write() -> list[Path]:
    """Write the files; those that changed."""
    changed = []
    GENERATED.mkdir(exist_ok=True)
    for path, text in rendered():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed

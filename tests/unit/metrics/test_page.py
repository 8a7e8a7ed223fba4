"""docs/metrics.md says what is declared, and `stormglass metrics` too."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import stormglass
from observability.metrics import commands, page
from stormglass.telemetry import budgets
from stormglass.telemetry.names import ALL

ROOT = Path(stormglass.__file__).parents[2]


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    commands.register(made)
    made.callback()(lambda: None)
    return made


def test_the_page_is_what_is_declared() -> None:
    written = (ROOT / page.PAGE).read_text(encoding="utf-8")
    assert written == page.page(), "run `stormglass metrics build`"


def test_the_page_has_every_metric_and_every_budget() -> None:
    text = page.page()
    for metric in ALL:
        assert text.count(f"| `{metric.name}` |") == 1
    for budget in budgets.ALL:
        assert f"| {budget.what} | {budget.most} |" in text


def test_a_page_that_has_drifted_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    assert page.write(tmp_path)
    assert not page.write(tmp_path)
    (tmp_path / page.PAGE).write_text("something else")
    assert page.write(tmp_path)
    assert (tmp_path / page.PAGE).read_text(encoding="utf-8") == page.page()


def test_the_list_has_every_metric_for_programs_and_for_people(app: typer.Typer) -> None:
    listed = json.loads(CliRunner().invoke(app, ["metrics", "list", "--json"]).stdout)
    assert [each["name"] for each in listed] == [metric.name for metric in ALL]
    assert {"type", "unit", "labels", "cardinality", "buckets", "why", "served_by", "layer"} <= set(listed[0])
    shown = CliRunner().invoke(app, ["metrics", "list"]).stdout
    assert all(metric.name in shown for metric in ALL)

"""`stormglass bench traces`, small: it measures a real store and tells the truth about it."""

import json

import typer
from typer.testing import CliRunner, Result

from observability.traces.bench.commands import register


def run(*arguments: str) -> Result:
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, ["bench", "traces", "--seconds", "6", "--json", *arguments])


def test_a_rate_it_sustains() -> None:
    result = run("--rate", "200")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["met"] is True
    measured = {row["name"]: row["value"] for row in document["measured"]}
    assert 190 <= measured["spans stored"] <= 220
    assert measured["spans refused or not sent in time"] == 0
    assert measured["most spans stored"] > 200
    assert measured["search meanwhile, median"] > 0


def test_a_rate_that_nothing_sustains() -> None:
    result = run("--rate", "10000000")
    assert result.exit_code == 1, result.output
    assert json.loads(result.stdout)["met"] is False

import json

from typer.testing import CliRunner

from services.gateway.routes import ROUTES
from stormglass.cli.main import build


def test_the_table_is_printed() -> None:
    result = CliRunner().invoke(build(), ["routes"])
    assert result.exit_code == 0
    rows = result.output.splitlines()
    (row,) = [row for row in rows if "/place-order" in row]
    assert " ".join(row.split()) == "POST /place-order orders /orders required orders:write default 64 KiB 1.3 / 10 s"
    assert all(any(route.path in row for row in rows) for route in ROUTES)
    assert any(row.startswith("log-in: 10 failed requests in 60 s, per address") for row in rows)


def test_programs_get_json() -> None:
    result = CliRunner().invoke(build(), ["routes", "--json"])
    document = json.loads(result.output)
    assert [route["path"] for route in document["routes"]] == [route.path for route in ROUTES]
    (route,) = [route for route in document["routes"] if route["path"] == "/place-order"]
    assert (route["target"], route["scopes"], route["body"]) == ("/orders", ["orders:write"], 65536)
    assert {limit["name"] for limit in document["limits"]} == {"default", "log-in", "refused"}

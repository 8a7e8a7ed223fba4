"""What `dashboards check` calls empty, against a server of the test's own that answers as Prometheus and as Tempo."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from observability.dashboards.checking import Finding, check
from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Unit
from observability.dashboards.live import Prometheus
from observability.dashboards.tempo import TraceSearch

OLD_SECONDS = 40


class Answers(BaseHTTPRequestHandler):
    """Nothing for what holds `nothing`, a refusal for what holds `wrong`."""

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["query"][0]
        at = time.time() - OLD_SECONDS
        points = {"value": [at, "1"]} if self.path.endswith("query") else {"values": [[at - 5, "1"], [at, "1"]]}
        found = [] if "nothing" in asked else [{"metric": {}, **points}]
        self.tell(*((400, {"status": "error", "error": "no"}) if "wrong" in asked else (200, _success(found))))

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)["q"][0]
        traces = [] if "nothing" in asked else [{"startTimeUnixNano": str(int((time.time() - OLD_SECONDS) * 1e9))}]
        self.tell(*((400, {"message": "unsupported"}) if "wrong" in asked else (200, {"traces": traces})))

    def tell(self, status: int, data: object) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        pass


def _success(found: Sequence[object]) -> dict[str, object]:
    return {"status": "success", "data": {"result": found}}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


PANEL = Panel("How many?", "All of them.", Unit.COUNT, (Query("up"),))


def findings(url: str, panel: Panel) -> list[Finding]:
    page = Dashboard("some", "Some", "For a test.", (Row("", (panel,)),))
    with Prometheus(url) as prometheus, TraceSearch(url) as traces:
        return list(check([page], prometheus, traces, {"redis-exporter"}))


def test_lines_and_traces_count_with_their_age(url: str) -> None:
    metrics, traces = findings(url, replace(PANEL, traces="{ }"))
    for found in (metrics, traces):
        assert found.ok
        assert found.series == 1
        assert found.age == pytest.approx(OLD_SECONDS, abs=10)
    (cell,) = findings(url, replace(PANEL, shape=Shape.TABLE, keys=("service",)))
    assert cell.ok


@pytest.mark.parametrize("panel", [replace(PANEL, queries=(Query("nothing"),)), replace(PANEL, traces="{ nothing }")])
def test_an_empty_query_is_wrong_unless_a_fault_or_a_missing_server_explains_it(url: str, panel: Panel) -> None:
    assert not all(found.ok for found in findings(url, panel))
    assert all(found.ok for found in findings(url, replace(panel, moves_under="redis slow")))
    assert all(found.ok for found in findings(url, replace(panel, needs="postgres-exporter")))
    # it is there, so it has to show something
    assert not all(found.ok for found in findings(url, replace(panel, needs="redis-exporter")))


@pytest.mark.parametrize("panel", [replace(PANEL, queries=(Query("wrong"),)), replace(PANEL, traces="{ wrong }")])
def test_a_query_that_is_refused_is_wrong_even_where_a_fault_is_named(url: str, panel: Panel) -> None:
    found = findings(url, replace(panel, moves_under="redis slow"))[-1]
    assert not found.ok
    assert "refuses" in found.error

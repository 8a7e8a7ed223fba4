"""Pages drawn here, with a Prometheus of the test's own: what is on them, and that they ask for nothing."""

import json
import re
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest

from observability.dashboards import colours
from observability.dashboards.definition import Dashboard, Panel, Query, Row, Shape, Threshold, Unit
from observability.dashboards.figures import text
from observability.dashboards.html import Surroundings, draw
from observability.dashboards.live import Prometheus, PrometheusError

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Answers(BaseHTTPRequestHandler):
    """Series by what stands in the expression."""

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        expression = asked["query"][0]
        status, data = self.answer(expression)
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, expression: str) -> tuple[int, object]:
        now = time.time()
        if self.path.endswith("exemplars"):
            dots = [{"labels": {"trace_id": TRACE}, "value": "0.75", "timestamp": now - 30}]
            return 200, {"status": "success", "data": [{"seriesLabels": {}, "exemplars": dots}]}
        if "refused" in expression:
            return 400, {"status": "error", "error": "parse error"}
        if self.path.endswith("query"):
            found = [
                {"metric": {"client": "a", "server": "<b>"}, "value": [now, "1.5"]},
                {"metric": {"client": "a", "server": "c"}, "value": [now, "NaN"]},
            ]
            return 200, {"status": "success", "data": {"result": found}}
        points = [[now - 5 * step, "1"] for step in range(60, -1, -1)]
        if "faults_active" in expression:
            fault = {"type": "latency", "target": "orders→postgres"}
            # put twice: ten seconds, a minute's pause, the last ten seconds
            found = [{"metric": fault, "values": points[10:13] + points[-3:]}]
        else:
            found = [
                {"metric": {"class": "2xx"}, "values": points},
                {"metric": {"class": "</script>"}, "values": points[:5] + points[30:]},
            ]
        return 200, {"status": "success", "data": {"result": [] if "nothing" in expression else found}}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        pass


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    with Prometheus(f"http://127.0.0.1:{server.server_address[1]}") as client:
        yield client
    server.shutdown()
    server.server_close()


def panel(title: str, expression: str, shape: Shape = Shape.LINES, **more: Any) -> Panel:
    return Panel(title, "For a `test`.", Unit.SECONDS, (Query(expression, "{{class}}", exemplars=True),), shape, **more)


PAGE = Dashboard(
    "some",
    "Some & more",
    "For a test.",
    (
        Row(
            "Row",
            (
                panel("Lines", "up", traces="{ }", leads_to="other"),
                panel("Stack", "up", Shape.STACK),
                panel("Number", "up", Shape.NUMBER, threshold=Threshold(1)),
                panel("States", "up", Shape.STATES, threshold=Threshold(1, below=True), words=((1, "there"),)),
                panel("Calls", "up", Shape.TABLE, keys=("client", "server")),
                panel("Empty", "nothing", moves_under="redis slow"),
                panel("Honest", "nothing", empty="no fault was put"),
                panel("Idle", "nothing"),
                panel("Poor", "nothing", needs="redis-exporter"),
                panel("Wrong", "refused"),
            ),
        ),
    ),
)


@pytest.fixture(scope="module")
def page(prometheus: Prometheus) -> str:
    around = Surroundings((("some", "Some & more"), ("other", "Other")), lambda trace_id: f"traces/{trace_id}.html")
    return draw(PAGE, prometheus, instance="unit", seconds=300, around=around)


def figures(page: str) -> list[Any]:
    found = re.findall(r'<script type="application/json">(.*?)</script>', page)
    return [json.loads(each) for each in found]


def test_every_panel_is_there_and_says_what_it_lacks(page: str) -> None:
    for wanted in PAGE.panels():
        assert f">{wanted.title}" in page
    assert "nothing; it moves under redis slow" in page
    assert "no fault was put" in page
    idle = "nothing happened in this time; try <code>stormglass load</code>"
    assert f">no data: {idle}<" in page
    assert f">no data: it needs redis-exporter, or {idle}<" in page
    assert "Prometheus refuses refused: parse error" in page
    assert "For a <code>test</code>." in page


def test_a_table_has_a_row_for_each_set_of_keys_and_escapes_them(page: str) -> None:
    assert re.search(r"<tr><th>a</th><th>&lt;b&gt;</th><td>1.5 s</td></tr>", page)
    # a ratio of nothing to nothing is no row
    assert "<th>c</th>" not in page


def test_what_a_series_is_called_cannot_end_the_script(page: str) -> None:
    lines = figures(page)[0]["data"]
    assert [line["name"] for line in lines][:2] == ["2xx", "</script>"]
    assert lines[0]["line"]["color"] == colours.GOOD


def test_a_line_is_torn_where_nothing_was_seen(page: str) -> None:
    assert None in figures(page)[0]["data"][1]["y"]
    assert None not in figures(page)[0]["data"][0]["y"]


def test_a_fault_is_a_band_from_its_begin_to_its_end_with_its_name(page: str) -> None:
    layout = figures(page)[0]["layout"]
    bands = [each for each in layout["shapes"] if each["type"] == "rect"]
    assert len(bands) == 2
    assert all(str(each["x0"]) < str(each["x1"]) for each in bands)
    assert {each["text"] for each in layout["annotations"]} == {"latency orders→postgres"}
    assert page.count("<b>latency</b> orders→postgres") == 2
    assert "<time>now</time>" in page


def test_a_request_is_a_dot_that_leads_to_its_trace(page: str) -> None:
    (dots,) = [each for each in figures(page)[0]["data"] if each.get("mode") == "markers"]
    assert dots["customdata"] == [TRACE]
    assert f'<a href="traces/{TRACE}.html">its trace</a>' in page
    assert f"<code>stormglass trace {TRACE}</code>" in page


def test_a_state_has_the_colour_of_its_meaning(page: str) -> None:
    (states,) = [each for figure in figures(page) for each in figure["data"] if each["type"] == "heatmap"]
    assert set(states["z"][0]) == {0}
    assert set(states["text"][0]) == {"there"}
    assert None in states["z"][1]


def test_pages_lead_to_each_other_only_where_they_are_together(page: str, prometheus: Prometheus) -> None:
    assert '<a href="other.html">Lines →</a>' in page
    assert '<a href="other.html">Other</a>' in page
    assert "other.html" not in draw(PAGE, prometheus, instance="unit", seconds=300)


def test_it_loads_nothing(page: str) -> None:
    # plotly.js holds addresses of maps that nobody here asks for; the policy forbids them all the same
    own = re.sub(r"<script>/\*\*.*?</script>", "", page, flags=re.DOTALL)
    assert "default-src 'none'" in own
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', own)


def test_no_prometheus_is_an_error_that_says_so() -> None:
    with (
        Prometheus("http://127.0.0.1:9") as nobody,
        pytest.raises(PrometheusError, match=r"does not answer.*is the platform up"),
    ):
        draw(PAGE, nobody, instance="unit")


@pytest.mark.parametrize(
    ("unit", "value", "said"),
    [
        (Unit.SECONDS, 0.0123, "12.3 ms"),
        (Unit.SECONDS, 90, "90 s"),
        (Unit.SECONDS, 600, "10 min"),
        (Unit.SHARE, 0.9995, "99.95%"),
        (Unit.SHARE, -74.1, "-7,410%"),
        (Unit.PER_SECOND, 12.34, "12.3/s"),
        (Unit.BYTES, 3 * 2**20, "3.0 MiB"),
        (Unit.COUNT, 3, "3"),
    ],
)
def test_numbers_as_people_read_them(unit: Unit, value: float, said: str) -> None:
    assert text(unit, value) == said

"""What Prometheus is asked: a window that ends now, or one of the past, which later events do not reach into."""

from urllib.parse import parse_qs

import httpx
import pytest

from observability.dashboards.definition import Query
from observability.dashboards.live import Prometheus


def test_a_window_of_the_past_ends_when_it_is_said_to() -> None:
    asked: list[dict[str, list[str]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/v1/query_range"
        asked.append(parse_qs(request.content.decode()))
        return httpx.Response(200, json={"status": "success", "data": {"result": []}})

    with Prometheus("http://prometheus") as prometheus:
        prometheus._http = httpx.Client(base_url="http://prometheus", transport=httpx.MockTransport(answer))
        prometheus.series(Query("max_over_time(up[$__range:5s] @ end())"), seconds=90, end=1000)
        prometheus.series(Query("up"), seconds=90)
    past, now = asked
    assert (past["start"], past["end"], past["time"]) == (["910"], ["1000"], ["1000"])
    assert past["query"] == ["max_over_time(up[90s:5s] @ end())"]
    assert float(now["end"][0]) - float(now["start"][0]) == pytest.approx(90)
    assert float(now["end"][0]) > 1_700_000_000

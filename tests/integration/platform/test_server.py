import json
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from stormglass.runtime.ports import free_port


def requests_of(served: Any, method: str = "GET") -> float:
    """How many requests the served process has finished."""
    total = 0.0
    for line in httpx.get(f"{served.admin}/metrics").text.splitlines():
        if line.startswith("http_server_request_duration_seconds_count") and f'method="{method}"' in line:
            total += float(line.rpartition(" ")[2])
    return total


def eventually_active(served: Any, count: int) -> None:
    end = time.monotonic() + 20
    wanted = f'http_server_active_requests{{http_request_method="GET"}} {count:.1f}'
    while wanted not in httpx.get(f"{served.admin}/metrics").text:
        assert time.monotonic() < end, f"{wanted} not within 20 s"
        time.sleep(0.02)


def test_a_drain_refuses_nobody_and_finishes_what_is_in_flight(serve: Callable[..., Any]) -> None:
    served = serve(STORMGLASS_DRAIN_SECONDS="6").ready()
    with ThreadPoolExecutor() as threads, httpx.Client() as client:
        assert "connection" not in client.get(f"{served.url}/fast").headers
        slow = threads.submit(httpx.get, f"{served.url}/slow?seconds=7.5", timeout=20)
        eventually_active(served, 1)

        begun = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        answer = httpx.get(f"{served.admin}/readyz")
        while answer.status_code == 200 and time.monotonic() - begun < 4:
            answer = httpx.get(f"{served.admin}/readyz")
        assert time.monotonic() - begun < 4, "long before the drain is over"
        assert answer.status_code == 503
        assert "draining" in answer.json()["problems"]["process"]
        assert httpx.get(f"{served.admin}/livez").status_code == 200

        # the balancer has not noticed yet: it is served, on a new connection and on the one that was idle
        for get in (httpx.get, client.get):
            late = get(f"{served.url}/fast")
            assert (late.status_code, late.headers["connection"]) == (200, "close")

        assert slow.result(20).json() == {"answer": "slow"}
        assert served.process.wait(20) == 0
    assert time.monotonic() - begun < 25
    lines = served.output().splitlines()
    events = [line if line[0] != "{" else json.loads(line)["event"] for line in lines]
    ours = [event for event in events if event in {"opened", "serving", "draining", "closed", "stopped"}]
    assert ours == ["opened", "serving", "draining", "closed", "stopped"]
    assert "Traceback" not in "".join(lines)


def test_without_a_drain_it_stops_at_once_with_a_dead_trace_pipeline(serve: Callable[..., Any]) -> None:
    served = serve().ready()
    for _ in range(50):
        httpx.get(f"{served.url}/fast")
    begun = time.monotonic()
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(20) == 0
    assert time.monotonic() - begun < 4, "one export time-out is 1 s"
    lines = [json.loads(line) for line in served.output().splitlines() if line[0] == "{"]
    complaints = [line for line in lines if line["level"] != "info"]
    assert len(complaints) == 1, "one line an outage, however many batches"
    assert "spans cannot be delivered" in complaints[0]["event"]


def test_a_request_that_never_ends_does_not_keep_the_process(serve: Callable[..., Any]) -> None:
    served = serve(STORMGLASS_GRACEFUL_SECONDS="1").ready()
    with ThreadPoolExecutor() as threads:
        hanging = threads.submit(httpx.get, f"{served.url}/slow?seconds=300", timeout=60)
        eventually_active(served, 1)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(20) == 0
        with pytest.raises(httpx.HTTPError):
            hanging.result(30).raise_for_status()


@pytest.mark.parametrize("which", ["STORMGLASS_PORT", "STORMGLASS_ADMIN_PORT"])
def test_a_taken_port_is_named(serve: Callable[..., Any], which: str) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        served = serve(**{which: str(port)})
        output = served.output()
    assert served.process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in output
    assert "Traceback" not in output
    assert "closed" in output, "what was opened is closed"


def test_settings_that_are_missing_are_named(serve: Callable[..., Any]) -> None:
    served = serve(STORMGLASS_SERVICE=None, STORMGLASS_PORT="many")
    output = served.output()
    assert served.process.returncode == 1
    assert "STORMGLASS_SERVICE: Field required" in output
    assert "STORMGLASS_PORT: Input should be a valid integer" in output
    assert "served_app:create_app" in output
    assert "Traceback" not in output


def test_an_address_that_is_missing_is_named_when_the_resource_is_opened(serve: Callable[..., Any]) -> None:
    served = serve("served_app:create_lost")
    output = served.output()
    assert served.process.returncode == 1
    assert "STORMGLASS_ADDRESS_MARS is not set" in output
    assert "Traceback" not in output
    assert "closed" in output


def test_a_start_that_breaks_shows_where(serve: Callable[..., Any]) -> None:
    served = serve("served_app:create_broken")
    output = served.output()
    assert served.process.returncode == 1
    assert "RuntimeError: the schema is not there" in output


@pytest.mark.parametrize("target", ["served_app", "served_app:create_app x"])
def test_usage(serve: Callable[..., Any], target: str) -> None:
    if " " in target:
        target = "nothing"
    served = serve(target)
    assert "usage: python -m stormglass.service MODULE:FACTORY" in served.output()
    assert served.process.returncode == 1


def test_deadline_of_a_request(serve: Callable[..., Any]) -> None:
    served = serve(STORMGLASS_HTTP_DEFAULT_TIMEOUT_MS="5000").ready()

    def left(*headers: tuple[str, str]) -> float:
        return float(httpx.get(f"{served.url}/left", headers=list(headers)).json()["seconds"])

    assert 4 < left() <= 5
    assert 0.3 < left(("x-request-timeout-ms", "800")) <= 0.8
    assert 4 < left(("X-Request-Timeout-Ms", "999999")) <= 5
    assert 4 < left(("X-Request-Timeout-Ms", "9" * 6000)) <= 5


def test_header_fields_have_a_limit(serve: Callable[..., Any]) -> None:
    served = serve(STORMGLASS_HTTP_MAX_HEADER_BYTES="2000").ready()
    assert httpx.get(f"{served.url}/fast", headers={"X-Long": "x" * 1000}).status_code == 200
    answer = httpx.get(f"{served.url}/fast", headers={"X-Long": "x" * 2000})
    assert answer.status_code == 431
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:stormglass:problem:headers-too-large"
    assert len(answer.json()["trace_id"]) == 32
    many = httpx.get(f"{served.url}/fast", headers=[(f"X-{n}", "y") for n in range(1000)])
    assert many.status_code == 431


def test_unrouted_requests_and_odd_methods_are_counted_without_new_labels(serve: Callable[..., Any]) -> None:
    served = serve().ready()
    assert httpx.request("PROPFIND", f"{served.url}/fast").status_code in {404, 405}
    assert httpx.get(f"{served.url}/nowhere/1").status_code == 404
    assert httpx.get(f"{served.url}/nowhere/2").status_code == 404
    assert httpx.get(f"{served.url}/metrics").status_code == 404, "not on the traffic port"
    assert httpx.get(f"{served.url}/livez").status_code == 404
    text = httpx.get(f"{served.admin}/metrics").text
    assert 'http_request_method="_OTHER"' in text
    assert "PROPFIND" not in text
    assert "/nowhere" not in text
    assert requests_of(served) == 4

"""Which traces the Collector keeps: below 100 %, still every one that failed (docs/decisions/0018-whole-traces.md)."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from stormglass.testing import eventually
from tests.compose.conftest import PORTS, Containers

EDGE = f"http://127.0.0.1:{PORTS['STORMGLASS_EDGE_PORT']}"

NONE_THAT_IS_WELL = {
    "STORMGLASS_TRACES_KEPT_PERCENT": "0",
    "STORMGLASS_TELEMETRY_SLOW_MS": "60000",  # on a busy machine everything may be slow, which is kept as well
}


def test_the_collector_takes_its_configuration(containers: Containers) -> None:
    """With the settings of its container; exit code 1 otherwise, with the reason."""
    command = ("validate", "--config=/etc/otelcol-contrib/config.yaml")
    containers.docker("compose", "run", "--rm", "-T", "--no-deps", "collector", *command)


@pytest.fixture
def choosy(containers: Containers) -> Iterator[Containers]:
    """The same with a Collector that keeps nothing unless it must; afterwards as it was."""
    before = containers.environment
    recreate = ("compose", "up", "--detach", "--no-deps", "--wait", "collector")
    containers.environment = {**before, **NONE_THAT_IS_WELL}
    try:
        containers.docker(*recreate)
        yield containers
    finally:
        containers.environment = before
        containers.docker(*recreate)


def test_at_none_of_a_hundred_what_failed_is_kept_and_what_went_well_is_not(choosy: Containers) -> None:
    def failed() -> str:
        """Ask for what fails until its trace is found: the first spans may be lost with the Collector before."""
        status, trace = _ask("/tokens", {"email": "nobody@example.com", "password": "not the password"})
        assert status >= 500, status
        return trace if _kept(choosy, trace) else ""

    choosy.run("fault", "add", "users→postgres", "down", "--ttl", "300s")
    try:
        eventually(failed, seconds=120, what="the trace of a request that failed")
        status, well = _ask("/products?limit=3")
        assert status == 200
        # spans of one process come in order: when these are there, the others would be
        eventually(failed, seconds=60, what="the trace of another that failed, after one that went well")
        assert not _kept(choosy, well)
    finally:
        choosy.run("fault", "clear")


def _ask(path: str, body: object = None) -> tuple[int, str]:
    """Status and trace of one request through the edge."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(EDGE + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, answer.headers["X-Trace-Id"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["X-Trace-Id"] or ""


def _kept(containers: Containers, trace: str) -> bool:
    """Whether it is found; if it is not, the reason goes to the error stream."""
    return bool(trace and containers.run("trace", trace, "--json", "--wait", "8", check=False).strip())

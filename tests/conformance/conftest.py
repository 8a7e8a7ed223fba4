"""Every test here runs against the real Toxiproxy 2.12 and against chaos.faultproxy, with the same assertions."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import quote

import pytest

from chaos.toxiproxy.servers import ServerUnavailableError, own_command, real_command, run_server
from tests.conformance.support import UNUSED, Pair, Reply, Server

BOTH = ("toxiproxy", "faultproxy")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "difference(name): the servers differ here on purpose; `name` is the row in docs/faultproxy.md",
    )


@pytest.fixture(scope="session", params=BOTH)
def which(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def command(which: str) -> list[str]:
    if which == "faultproxy":
        return own_command()
    try:
        return real_command()
    except ServerUnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def shared_server(which: str, command: list[str]) -> Iterator[Server]:
    with run_server(command, "-proxy-metrics", "-runtime-metrics") as running:
        yield Server(which == "faultproxy", running)


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """A running server without proxies."""
    yield shared_server
    for name in shared_server.ok("GET", "/proxies"):
        shared_server.ok("DELETE", f"/proxies/{quote(name)}")


@pytest.fixture
def start(which: str, command: list[str]) -> Iterator[Callable[..., Server]]:
    """Start another server of the same kind with flags of its own."""
    with ExitStack() as stack:
        yield lambda *flags: Server(which == "faultproxy", stack.enter_context(run_server(command, *flags)))


@pytest.fixture
def pair(server: Server) -> Iterator[Pair]:
    """A proxy `p` on the shared server, with an upstream."""
    made = Pair(server)
    yield made
    made.close()


@pytest.fixture
def post(server: Server) -> Callable[..., Reply]:
    """Ask for a toxic on a proxy `p` that nobody uses."""
    server.create("p", UNUSED)
    return lambda body: server.call("POST", "/proxies/p/toxics", body)

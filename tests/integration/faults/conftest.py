"""A small running instance with a keeper of faults, once over the real Toxiproxy and once over our own server."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chaos.engine.journal import Journal, journal_path
from chaos.engine.model import Fault, State
from chaos.keeper.client import KeeperClient
from chaos.toxiproxy.adapter import Adapter, ProxyState
from stormglass.runtime import servers
from stormglass.runtime.manager import Manager
from stormglass.testing import eventually
from tests.integration.runtime.conftest import Bench, bench

HAVE = ["own", "real"] if servers.faultproxy() else ["own"]


class Stage:
    """The instance, with what these tests ask it."""

    def __init__(self, made: Bench, choice: str) -> None:
        self.bench = made
        self.choice = choice

    @property
    def manager(self) -> Manager:
        return Manager(self.bench.instance)

    def proxy(self, edge: str) -> ProxyState:
        with Adapter(port=self.bench.instance.port("toxiproxy")) as server:
            return server.proxy(edge)

    def proxy_port(self, edge: str) -> int:
        instance = self.bench.instance
        return instance.topology.proxy_port(instance.base_port, instance.topology.edge(edge))

    def keeper(self) -> KeeperClient:
        return KeeperClient(self.bench.instance)

    def add(self, *arguments: str) -> dict[str, Any]:
        out, _ = self.bench.run("fault", "add", *arguments, "--json")
        return dict(json.loads(out))

    def faults(self) -> list[dict[str, Any]]:
        out, _ = self.bench.run("fault", "list", "--json")
        return list(json.loads(out)["faults"])

    def journal(self, identity: str) -> Fault:
        with Journal(journal_path(self.bench.instance)) as journal:
            return journal.get(identity)

    def until_ended(self, identity: str, seconds: float = 60.0) -> Fault:
        eventually(
            lambda: self.journal(identity).state is State.ENDED, seconds=seconds, every=0.02, what="the fault's end"
        )
        return self.journal(identity)

    def pid(self, replica: str) -> int:
        return eventually(lambda: self.manager.info(replica).pid, what=f"{replica} runs")

    def stop_keeper(self) -> None:
        self.manager.stop_process("faults")
        eventually(lambda: self.manager.info("faults").state == "STOPPED", what="the keeper stops")

    def start_keeper(self) -> None:
        self.manager.start_process("faults")
        eventually(self._keeper_answers, what="the keeper answers")

    def _keeper_answers(self) -> bool:
        with self.keeper() as keeper:
            keeper.live()
        return True

    def ping_seconds(self, edge: str) -> float:
        """One PING to Redis over the edge, in seconds; OSError if there is no answer within 5 s."""
        begin = time.perf_counter()
        with socket.create_connection(("127.0.0.1", self.proxy_port(edge)), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            if not connection.recv(100):
                raise ConnectionResetError("closed without an answer")
        return time.perf_counter() - begin

    def quickest_ping_seconds(self, edge: str) -> float:
        """The shortest of three: a busy machine may hold up any single one."""
        return min(self.ping_seconds(edge) for _ in range(3))


@pytest.fixture(scope="module", params=HAVE)
def running(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch, bench("faults") as made:
        patch.setenv("STORMGLASS_FAULTPROXY", request.param)
        made.up("faults,postgres,redis,mail")
        yield Stage(made, request.param)


@pytest.fixture
def stage(running: Stage) -> Iterator[Stage]:
    """The instance, without any fault before and after."""
    yield running
    running.bench.run("fault", "clear")
    assert running.faults() == []

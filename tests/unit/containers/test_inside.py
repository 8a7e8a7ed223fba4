"""What runs inside of containers: the instance found there, its health, its secrets."""

import asyncio
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaos.engine import registry
from chaos.engine.context import Context
from chaos.engine.model import Refused
from stormglass.containers import secrets
from stormglass.containers.contained import ContainedInstance, contained
from stormglass.runtime import wanted
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import load
from stormglass.runtime.manager import Manager


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMGLASS_NETWORK", "containers")


def test_there_is_one_instance_whatever_it_is_called(inside: None) -> None:
    assert load("demo") == load("something") == contained()
    assert contained().address("orders", 2) == "orders-2:8000"
    assert contained().address("orders:admin") == "orders-1:9000"
    assert contained().address("traces") == "tempo:3200"
    (edge,) = (each for each in contained().topology.edges_of("gateway") if each.label == "traces")
    assert contained().edge_address(edge).startswith("faultproxy:18")
    assert contained().network.upstream(edge) == ("collector", 4318)


def test_everything_is_meant_to_run_and_nothing_is_managed(inside: None) -> None:
    assert {"orders", "mail", "redis"} <= wanted.read(contained())
    assert not Manager(contained()).alive()
    with pytest.raises(RuntimeFailure, match="docker compose"):
        Manager(contained()).signal("orders-1", "9")


@pytest.mark.parametrize(
    "kind", ["stop", "kill", "cpu", "bad-deploy", "scale-down", "disk-full", "refuse", "signing-key"]
)
def test_what_acts_on_processes_is_refused_with_what_to_do(inside: None, kind: str) -> None:
    with pytest.raises(Refused, match="docker compose kill"):
        registry.target(registry.kind(kind), Context("demo"), "orders-1")


@pytest.mark.parametrize(
    ("kind", "target"), [("down", "orders→postgres"), ("flush", "redis"), ("lock", "postgres/orders")]
)
def test_what_acts_over_connections_is_not(inside: None, kind: str, target: str) -> None:
    assert registry.target(registry.kind(kind), Context("demo"), target) == target


@dataclass(frozen=True)
class Elsewhere(ContainedInstance):
    """The same with its secrets in a directory that a test may write."""

    place: Path = Path()

    @property
    def secrets(self) -> Path:
        return self.place


def test_secrets_are_made_once_and_others_images_can_read_theirs(tmp_path: Path) -> None:
    instance = Elsewhere("compose", tmp_path, 0, topology=contained().topology, place=tmp_path)
    secrets.write(instance)
    first = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    secrets.write(instance)
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == first
    password = instance.secret("redis", "password")
    assert (tmp_path / "redis/requirepass.conf").read_text() == f"requirepass {password}\n"
    assert password in (tmp_path / "redis-exporter/redis-passwords.json").read_text()
    assert not (tmp_path / "manager").exists()

    def mode(name: str) -> int:
        return stat.S_IMODE((tmp_path / name).stat().st_mode)

    assert (mode("postgres"), mode("postgres/superuser_password")) == (0o755, 0o444)
    assert (mode("orders"), mode("orders/database_password")) == (0o700, 0o600)


@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1)])
async def test_healthy_is_what_says_that_it_is_ready(status: str, code: int) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(f"HTTP/1.0 {status}\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await _check(port) == code
    assert asked == [b"GET /readyz HTTP/1.0\r\n"]


async def test_who_does_not_answer_is_not_healthy() -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    assert await _check(port) == 1


async def _check(port: int) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        "stormglass.containers.healthcheck",
        env={"STORMGLASS_ADMIN_PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    return await process.wait()

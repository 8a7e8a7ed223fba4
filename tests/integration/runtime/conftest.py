"""Throwaway instances with a state root of their own: real servers, started by the real command line."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from stormglass.runtime import leftovers
from stormglass.runtime.instance import Instance, load, lock_path

SERVERS = "postgres,redis,edge,keeper"


class Bench:
    """One instance below a temporary state root, driven as a person would."""

    def __init__(self, root: Path, name: str, base_port: str = "") -> None:
        self.root = root
        self.name = name
        self._base = ["--base-port", base_port] if base_port else []

    @property
    def instance(self) -> Instance:
        return load(self.name, self.root)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "stormglass.cli.main", *arguments, "--instance", self.name],
            env={**os.environ, "STORMGLASS_HOME": str(self.root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=200)
        assert process.returncode == code, f"{arguments} exited with {process.returncode}\n{out}\n{err}"
        return out, err

    def up(self, only: str = SERVERS, *arguments: str, code: int = 0) -> tuple[str, str]:
        return self.run("up", "--only", only, *self._base, *arguments, code=code)

    def status(self) -> dict[str, Any]:
        process = self.start("status", "--json")
        out, err = process.communicate(timeout=60)
        assert process.returncode in {0, 3}, err
        return dict(json.loads(out))

    def row(self, replica: str) -> dict[str, Any]:
        rows = {row["replica"]: row for row in self.status()["rows"]}
        return dict(rows[replica])

    def is_up(self) -> bool:
        return bool(self.status()["state"] == "up")

    def remains(self) -> list[str]:
        """What a stopped instance may not leave: processes, a lock, a pid file, a marker."""
        processes = [f"process {process.pid}" for process in leftovers.find(self.instance)]
        lock = self.root / "instances" / lock_path(self.name).name
        files = [str(path) for path in (lock, *self.instance.run.iterdir()) if path.exists()]
        return processes + files

    def instance_directory_exists(self) -> bool:
        return (self.root / "instances" / self.name).exists()

    def processes(self) -> list[psutil.Process]:
        """Everything that runs for the instance, and what those started."""
        found = leftovers.find(self.instance)
        children: list[psutil.Process] = []
        for process in found:
            with suppress(psutil.NoSuchProcess):
                children += process.children(recursive=True)
        return [*found, *children]


@contextmanager
def bench(name: str, offset: int = 0, root: Path | None = None) -> Iterator[Bench]:
    """An instance that is removed at the end. `STORMGLASS_TEST_BASE_PORT` moves it out of others' way."""
    base = os.environ.get("STORMGLASS_TEST_BASE_PORT")
    # not pytest's tmp_path: as root, Postgres' own user could not pass through it
    made = root or Path(tempfile.mkdtemp(prefix="stormglass-test-"))
    made.chmod(0o711)
    it = Bench(made, name, str(int(base) + offset) if base else "")
    try:
        yield it
    finally:
        if (made / "instances" / name).is_dir():
            it.run("down", "--purge")
        if root is None:
            subprocess.run(["rm", "-rf", str(made)], check=True)


@pytest.fixture(scope="module")
def servers() -> Iterator[Bench]:
    """Postgres, Valkey, Traefik and the keeper, up."""
    with bench("servers") as made:
        made.up()
        yield made


@pytest.fixture
def fresh() -> Iterator[Bench]:
    """An instance that was never started."""
    with bench("fresh", offset=500) as made:
        yield made


@pytest.fixture(scope="session")
def make_bench() -> Callable[..., Any]:
    return bench

"""The platform in containers, in a project of its own with ports of its own, so that a demo can run beside it."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "stormglass-test"
PORTS = {"STORMGLASS_EDGE_PORT": "18780", "STORMGLASS_MAIL_PORT": "18725", "STORMGLASS_GRAFANA_PORT": "18730"}


def _unable() -> str:
    """Why there are no containers to be tested; empty if there are."""
    if os.environ.get("STORMGLASS_TEST_COMPOSE") != "1":
        return "the containers have a target of their own: `make test-compose`"
    if shutil.which("docker") is None:
        return "there is no `docker` on PATH"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            return f"`{' '.join(command)}` fails: {done.stderr.strip()[-200:]}"
    return ""


@dataclass
class Containers:
    """A project, and commands against it."""

    seconds: float = 0.0
    """From nothing to healthy, with the image built before."""

    environment: dict[str, str] = field(
        default_factory=lambda: {
            **os.environ,
            **PORTS,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "COMPOSE_FILE": os.environ.get("COMPOSE_FILE") or str(ROOT / "docker-compose.yml"),
            "STORMGLASS_RUNTIME": "compose",
        }
    )

    def docker(self, *arguments: str, timeout: float = 300, check: bool = True) -> str:
        """What `docker …` prints."""
        return self._run(["docker", *arguments], timeout, check)

    def run(self, *arguments: str, timeout: float = 300, check: bool = True) -> str:
        """What `stormglass --runtime compose …` prints."""
        return self._run([sys.executable, "-m", "stormglass.cli.main", *arguments], timeout, check)

    def json(self, *arguments: str, timeout: float = 300, check: bool = True) -> Any:
        """The same, parsed."""
        return json.loads(self.run(*arguments, "--json", timeout=timeout, check=check))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command that goes on meanwhile."""
        return subprocess.Popen(
            [sys.executable, "-m", "stormglass.cli.main", *arguments],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def left(self) -> list[str]:
        """Everything of the project that the engine still knows."""
        label = f"label=com.docker.compose.project={PROJECT}"
        return [
            f"{kind} {name}"
            for kind, command in (
                ("container", ["ps", "--all"]),
                ("volume", ["volume", "ls"]),
                ("network", ["network", "ls"]),
            )
            for name in self.docker(*command, "--quiet", "--filter", label).split()
        ]

    def up(self) -> None:
        """Build the image, then bring everything up and take the time of that."""
        self.docker("compose", "build", "--quiet", timeout=900)
        begun = time.monotonic()
        self.docker("compose", "up", "--detach", "--wait", timeout=600)
        self.seconds = time.monotonic() - begun

    def down(self) -> None:
        """Remove it with its data."""
        self.docker("compose", "--profile", "cli", "down", "--volumes", "--remove-orphans", timeout=300)

    def _run(self, command: list[str], timeout: float, check: bool) -> str:
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} exited with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout


@pytest.fixture(scope="session")
def containers() -> Iterator[Containers]:
    """The platform, from nothing, with its catalogue."""
    if reason := _unable():
        pytest.skip(reason)
    made = Containers()
    assert made.left() == [], "something of an earlier run is there: `docker compose -p stormglass-test down --volumes`"
    try:
        made.up()
        made.run("catalogue")
        yield made
    finally:
        made.down()

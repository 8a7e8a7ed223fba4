"""The container engine as the host sees it: `docker compose` in the checkout, and what it says about our containers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stormglass.runtime.errors import RuntimeFailure

PROJECT = "stormglass"
"""The compose file's own name for what it starts; `COMPOSE_PROJECT_NAME` renames it, as everywhere."""

ROOT = Path(__file__).resolve().parents[3]
"""The checkout, in which the compose files are."""

SECONDS = 60.0
"""For one question; starting and stopping may take as long as they take."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container of the project. `health` is empty where the image has no check, memory is 0 of one that is down."""

    service: str
    identity: str
    state: str
    health: str
    exit_code: int
    status: str
    image: str
    published: tuple[str, ...]
    memory_bytes: int = 0
    limit_bytes: int = 0
    restarts: int = 0

    @property
    def once(self) -> bool:
        """Whether it did what it was for, and ended."""
        return self.state == "exited" and self.exit_code == 0 and self.service in {"secrets", "schema"}

    @property
    def ready(self) -> bool:
        """Whether it is as it should be."""
        return self.once or (self.state == "running" and self.health in {"", "healthy"})


def running() -> bool:
    """Whether containers of the project run; False where there is no engine."""
    if shutil.which("docker") is None:
        return False
    project = os.environ.get("COMPOSE_PROJECT_NAME") or PROJECT
    try:
        found = _docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={project}")
    except RuntimeFailure:
        return False
    return bool(found.strip())


def compose(*arguments: str) -> str:
    """What `docker compose …` prints; `RuntimeFailure` with its own words if it fails."""
    return _docker("compose", *arguments)


def attached(*arguments: str, aside: bool = False) -> int:
    """Run `docker compose …` on this terminal; its exit code. `aside`, all that it prints goes to the error stream."""
    _needed()
    done = subprocess.run(  # noqa: S603 - the engine's own command line
        ["docker", "compose", *arguments],  # noqa: S607 - wherever it is installed
        cwd=ROOT,
        stdout=sys.stderr if aside else None,
        check=False,
    )
    return done.returncode


def lines(*arguments: str) -> Iterator[str]:
    """The lines that `docker compose …` prints, as they come; it is ended when nobody wants more."""
    _needed()
    with subprocess.Popen(  # noqa: S603 - as above
        ["docker", "compose", *arguments],  # noqa: S607 - as above
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            yield from process.stdout or ()
        finally:
            process.terminate()


def forward(arguments: list[str], *, aside: bool = False) -> int:
    """Run a command of ours inside, in a container of its own that is removed afterwards; its exit code.

    `aside` as in `attached`: for what precedes a command whose output is to be read by a program.
    """
    terminal = [] if sys.stdin.isatty() and sys.stdout.isatty() and not aside else ["--no-TTY"]
    columns = shutil.get_terminal_size((160, 50)).columns
    own = ["run", "--rm", "--no-deps", "--quiet-pull", *terminal, "--env", f"COLUMNS={columns}"]
    return attached(*own, "stormglass", *arguments, aside=aside)


def containers() -> list[Container]:
    """Every container of the project, with memory and restarts of those that run."""
    found = [_container(json.loads(line)) for line in compose("ps", "--all", "--format", "json").splitlines() if line]
    found = [each for each in found if each.service != "stormglass"]
    alive = [each.identity for each in found if each.state in {"running", "paused"}]
    if not alive:
        return found
    usage = {
        entry["ID"]: [_bytes(part) for part in entry["MemUsage"].split("/")]
        for entry in map(json.loads, _docker("stats", "--no-stream", "--format", "{{json .}}", *alive).splitlines())
    }
    counts = dict(
        line.split() for line in _docker("inspect", "--format", "{{.Id}} {{.RestartCount}}", *alive).splitlines()
    )
    restarts = {identity[:12]: int(count) for identity, count in counts.items()}
    return [
        Container(
            **{
                **{name: getattr(each, name) for name in Container.__slots__},
                "memory_bytes": usage.get(each.identity[:12], [0, 0])[0],
                "limit_bytes": usage.get(each.identity[:12], [0, 0])[1],
                "restarts": restarts.get(each.identity[:12], 0),
            }
        )
        for each in found
    ]


def _container(row: dict[str, Any]) -> Container:
    published = {
        f"{each['URL']}:{each['PublishedPort']}" for each in row.get("Publishers") or () if each.get("PublishedPort")
    }
    return Container(
        service=row["Service"],
        identity=row["ID"],
        state=row["State"],
        health=row.get("Health", ""),
        exit_code=int(row.get("ExitCode", 0)),
        status=row.get("Status", ""),
        image=row.get("Image", ""),
        published=tuple(sorted(published)),
    )


_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def _bytes(text: str) -> int:
    """`94.86MiB` in bytes."""
    text = text.strip()
    number = text.rstrip("BKMGi")
    return round(float(number) * _UNITS[text.removeprefix(number)])


def _docker(*arguments: str) -> str:
    _needed()
    try:
        done = subprocess.run(  # noqa: S603 - the engine's own command line
            ["docker", *arguments],  # noqa: S607 - wherever it is installed
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeFailure(f"docker {arguments[0]} does not answer within {SECONDS:g} s") from error
    if done.returncode:
        raise RuntimeFailure(f"docker {' '.join(arguments[:3])}: {done.stderr.strip()[-600:]}")
    return done.stdout


def _needed() -> None:
    if shutil.which("docker") is None:
        raise RuntimeFailure(
            "there is no `docker` on PATH: install Docker Engine 25 with Compose 2.24 or newer, or use make demo"
        )
    if not (ROOT / "docker-compose.yml").is_file():
        raise RuntimeFailure(f"there is no docker-compose.yml in {ROOT}: --runtime compose works in a checkout")

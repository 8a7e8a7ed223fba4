"""Where a server that speaks Toxiproxy's API comes from, and one that runs as long as a `with` block."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stormglass.runtime.ports import free_port

REAL_VERSION: Final = "v2.12.0"
_SOURCE: Final = f"github.com/Shopify/toxiproxy/v2/cmd/server@{REAL_VERSION}"
_BUILD_SECONDS: Final = 300
_START_SECONDS: Final = 20


class ServerUnavailableError(RuntimeError):
    """There is no server to run, or it did not start; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server of our own that answers on 127.0.0.1. `log` holds what it has written so far."""

    port: int
    pid: int
    process: subprocess.Popen[bytes]
    log: Path


def own_command() -> list[str]:
    """How to start `chaos.faultproxy` with this interpreter."""
    return [sys.executable, "-m", "chaos.faultproxy"]


def real_command(*, build: bool = True) -> list[str]:
    """How to start the real server: on PATH, among Go's programs, or built once into the user's cache folder.

    ServerUnavailableError when it is nowhere and, with `build`, cannot be built either.
    """
    on_path = shutil.which("toxiproxy-server")
    if on_path:
        return [on_path]
    cache = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stormglass" / f"toxiproxy-{REAL_VERSION}"
    )
    for folder in [*_go_folders(), cache]:
        candidate = folder / "server"
        if candidate.is_file() and "toxiproxy" in _version(candidate):
            return [str(candidate)]
    go = shutil.which("go")
    if go is None or not build:
        raise ServerUnavailableError(
            "no toxiproxy-server on PATH and no Go toolchain to build it with: install either "
            f"(with Go: go install {_SOURCE})"
        )
    built = subprocess.run(  # noqa: S603 - a fixed command
        [go, "install", _SOURCE],
        env=os.environ | {"GOBIN": str(cache)},
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if built.returncode:
        raise ServerUnavailableError(f"go install {_SOURCE} failed: {built.stderr.strip()[-500:]}")
    return [str(cache / "server")]


@contextlib.contextmanager
def run_server(command: Sequence[str], *flags: str) -> Iterator[RunningServer]:
    """Start a server on a free port, wait until it answers, stop it at the end."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="faultproxy-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - the command comes from this module
                [*command, "-host", "127.0.0.1", "-port", str(port), *flags],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_open(port, process, log)
            yield RunningServer(port, process.pid, process, log)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_open(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise ServerUnavailableError(f"{process.args!r} does not answer on port {port}: {log.read_text()[-500:]}")


def _go_folders() -> list[Path]:
    path = os.environ.get("GOPATH") or str(Path.home() / "go")
    folders = [Path(entry) / "bin" for entry in path.split(os.pathsep)]
    return [Path(os.environ["GOBIN"]), *folders] if os.environ.get("GOBIN") else folders


def _version(program: Path) -> str:
    try:
        answer = subprocess.run(  # noqa: S603 - a program the user has installed
            [str(program), "-version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout + answer.stderr

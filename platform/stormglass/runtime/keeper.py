"""The keeper: a supervised process that looks after its supervisor.

supervisord restarts whatever dies, the keeper included. If supervisord itself is killed while the instance is meant to
be up, the keeper starts `stormglass.runtime.recover`, which cleans up and brings everything back. It also gives
programs another chance that supervisord gave up on, and publishes what the manager knows as metrics.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from stormglass.runtime import wanted
from stormglass.runtime.environment import MARKER, inherited
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance, load
from stormglass.runtime.manager import Info, Manager
from stormglass.runtime.network import HOST
from stormglass.telemetry import names
from stormglass.telemetry.served import serve_metrics

WATCH_SECONDS = 0.25
"""How soon a dead manager is noticed."""

ASK_SECONDS = 2.0
"""Between two questions to the living manager."""

REVIVE_SECONDS = 30.0
"""Before a program that the manager gave up on is tried again."""


class Keeper:
    """What the keeper knows, and what it does about it."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._manager = Manager(instance)
        self._parent = os.getppid()
        self._pids: dict[str, int] = {}
        self._fatal_since: dict[str, float] = {}
        self.problem = ""

    def watch(self, stop: threading.Event) -> None:
        """Look after the manager until told to stop, or until it is gone."""
        asked = 0.0
        while not stop.wait(WATCH_SECONDS):
            if os.getppid() != self._parent:
                self._recover()
                return
            if time.monotonic() - asked > ASK_SECONDS:
                asked = time.monotonic()
                self._ask()

    def _ask(self) -> None:
        try:
            infos = self._manager.infos()
        except OSError as error:
            self.problem = f"the manager does not answer: {error}"
            return
        self.problem = ""
        meant = wanted.read(self._instance)
        for process, number in self._instance.places():
            if process.name in meant:
                self._note(infos[process.replica_name(number)])

    def _note(self, info: Info) -> None:
        names.PROCESS_UP.gauge().labels(info.name).set(info.state == "RUNNING")
        before = self._pids.get(info.name)
        if info.pid:
            names.PROCESS_RESTARTS.counter().labels(info.name).inc(int(before is not None and before != info.pid))
            self._pids[info.name] = info.pid
        if info.state != "FATAL":
            self._fatal_since.pop(info.name, None)
        elif time.monotonic() - self._fatal_since.setdefault(info.name, time.monotonic()) > REVIVE_SECONDS:
            del self._fatal_since[info.name]
            _say("the manager gave up on a process: trying it again", process=info.name)
            self._manager.start_process(info.name)

    def _recover(self) -> None:
        if not wanted.read(self._instance):
            return
        _say("the manager died while the instance is meant to be up: recovering")
        environment = {name: value for name, value in inherited().items() if name != MARKER}
        environment |= {"STORMGLASS_HOME": str(self._instance.root), "STORMGLASS_INSTANCE": self._instance.name}
        with self._instance.log("recovery").open("ab") as log:
            # without the marker, and in a session of its own: it is about to end everything that has the marker
            subprocess.Popen(
                [sys.executable, "-P", "-m", "stormglass.runtime.recover"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def _say(event: str, **fields: str) -> None:
    """A log line of the same shape as every process' own."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    line = {"event": event, **fields, "level": "info", "timestamp": f"{now}Z", "service": "keeper", "replica": 1}
    with contextlib.suppress(OSError):  # with the manager, whoever reads our log has died as well
        print(json.dumps(line), flush=True)  # noqa: T201 - standard output is the log


def _handler(keeper: Keeper) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """`/livez`, `/readyz` and `/metrics`."""

        def do_GET(self) -> None:
            if self.path == "/metrics":
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                self._answer(200, content_type, encode(REGISTRY))
            elif self.path in {"/livez", "/readyz"}:
                problem = keeper.problem if self.path == "/readyz" else ""
                body = {
                    "status": "not ready" if problem else "ready",
                    "problems": {"manager": problem} if problem else {},
                }
                self._answer(503 if problem else 200, "application/json", json.dumps(body).encode())
            else:
                self._answer(404, "application/json", b'{"detail": "this port has /livez, /readyz and /metrics"}')

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """A health check every second is not news."""

    return Handler


def main() -> None:
    """Watch until SIGTERM."""
    try:
        instance = load(os.environ["STORMGLASS_INSTANCE"], Path(os.environ["STORMGLASS_HOME"]))
        port = int(os.environ["STORMGLASS_ADMIN_PORT"])
    except (KeyError, RuntimeFailure) as error:
        sys.exit(f"the keeper is started by `stormglass up`: {error}")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve_metrics("keeper")
    keeper = Keeper(instance)
    with ThreadingHTTPServer((HOST, port), _handler(keeper)) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        keeper.watch(stop)
        server.shutdown()


if __name__ == "__main__":
    main()

"""The process manager: supervisord, spoken to over XML-RPC on a loopback port with a password."""

import http.client
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass
from typing import Any, cast

from stormglass.runtime.environment import MARKER, inherited
from stormglass.runtime.errors import RuntimeFailure
from stormglass.runtime.instance import Instance, reachable
from stormglass.runtime.network import HOST
from stormglass.runtime.render.supervisor import USER

RPC_SECONDS = 10.0
"""Longest wait for one answer: supervisord is single-threaded, and busy while it starts many processes at once."""


@dataclass(frozen=True, slots=True)
class Info:
    """What the manager knows of one replica.

    `state` is supervisord's word (RUNNING, BACKOFF, FATAL, …); `started` is when it was last started, in seconds since
    the epoch, 0 if never.
    """

    name: str
    state: str
    pid: int
    started: float
    uptime_seconds: float
    description: str


class _Transport(xmlrpc.client.Transport):
    """The standard transport with a time-out."""

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = RPC_SECONDS
        return connection


class Manager:
    """The manager of one instance; every call opens a connection of its own, so threads may share the object."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def _call(self, method: str, *arguments: object) -> Any:
        if not self._instance.managed:
            raise RuntimeFailure(
                "containers are started and ended by their engine: `docker compose` on the host does it"
            )
        password = self._instance.secret("manager", "password")
        url = f"http://{USER}:{password}@{HOST}:{self._instance.manager_port}/RPC2"
        with xmlrpc.client.ServerProxy(url, transport=_Transport(), allow_none=True) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def alive(self) -> bool:
        """Whether it answers, and is this instance's own (the password says so)."""
        if not self._instance.managed:
            return False
        if not (self._instance.secrets / "manager" / "password").is_file():
            return False
        if not reachable(f"{HOST}:{self._instance.manager_port}"):
            return False
        try:
            state = self._call("getState")
        except (OSError, xmlrpc.client.Error, http.client.HTTPException):
            return False
        return cast("str", state["statename"]) == "RUNNING"

    def start(self) -> None:
        """Start it, detached from this terminal; `RuntimeFailure` with its own words if it will not run."""
        environment = {
            **inherited(),
            MARKER: str(self._instance.directory),
            "STORMGLASS_HOME": str(self._instance.root),
            "STORMGLASS_INSTANCE": self._instance.name,
            "STORMGLASS_SERVICE": "manager",
            "TZ": "UTC",  # for everything it starts: log lines of all servers are put into one order of time
        }
        # It turns itself into a daemon once its port is open, so an error is seen here and no zombie is left to us.
        done = subprocess.run(  # noqa: S603 - our own interpreter, arguments of ours
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._instance.config / "supervisord.conf")],
            env=environment,
            cwd=self._instance.data,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
            timeout=30,
            check=False,
        )
        if done.returncode:
            raise RuntimeFailure(
                f"the process manager does not start: {(done.stderr or done.stdout).strip()[-500:]}",
                log=str(self._instance.log("manager")),
            )
        until = time.monotonic() + 15
        while not self.alive():
            if time.monotonic() > until:
                raise RuntimeFailure(
                    "the process manager does not answer within 15 s", log=str(self._instance.log("manager"))
                )
            time.sleep(0.05)

    def pid(self) -> int:
        """Process id of supervisord."""
        return int(self._call("getPID"))

    def infos(self) -> dict[str, Info]:
        """Every replica it knows, by name."""
        return {entry["name"]: _info(entry) for entry in self._call("getAllProcessInfo")}

    def info(self, name: str) -> Info:
        """One replica."""
        return _info(self._call("getProcessInfo", name))

    def start_process(self, name: str) -> None:
        """Start a replica unless it already runs; does not wait until it is up."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise RuntimeFailure(f"{name} cannot be started: {fault.faultString}") from fault

    def stop_process(self, name: str) -> None:
        """Ask a replica to stop (SIGTERM, later SIGKILL); does not wait."""
        try:
            self._call("stopProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise RuntimeFailure(f"{name} cannot be stopped: {fault.faultString}") from fault

    def signal(self, name: str, signal: str) -> None:
        """Send a signal to a replica, as name (`KILL`) or number."""
        try:
            self._call("signalProcess", name, signal)
        except xmlrpc.client.Fault as fault:
            raise RuntimeFailure(f"{name} does not get signal {signal}: {fault.faultString}") from fault

    def reload(self) -> None:
        """Take over a changed configuration: programs that changed are stopped, and started again by `up`."""
        ((added, changed, removed),) = self._call("reloadConfig")
        for name in (*changed, *removed):
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in (*changed, *added):
            self._call("addProcessGroup", name)

    def shutdown(self) -> None:
        """Ask supervisord to end; whatever still runs is stopped by it."""
        self._call("shutdown")


def _info(entry: dict[str, Any]) -> Info:
    running = entry["statename"] in {"RUNNING", "STARTING", "STOPPING"}
    return Info(
        name=entry["name"],
        state=entry["statename"],
        pid=int(entry["pid"]),
        started=float(entry["start"]),
        uptime_seconds=float(entry["now"] - entry["start"]) if running and entry["pid"] else 0.0,
        description=entry["spawnerr"] or entry["description"],
    )
